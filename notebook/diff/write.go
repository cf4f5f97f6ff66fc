package diff

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A style is how a file writes its JSON.
type style struct {
	indent string // of one level
	flat   bool   // all on one line
	line   string // what ends a line
	comma  string // between two values of a flat file
	colon  string
	ascii  bool // everything else is escaped
	markup bool // < > & are escaped
	before string
	after  string // white space around the document
}

// jupyter is the style of nbformat.
//
//nolint:gochecknoglobals // an immutable value
var jupyter = style{indent: " ", line: "\n", comma: ",", colon: ": ", after: "\n"}

// styleOf tells how a file is written.
func styleOf(data string) *style {
	st := jupyter
	body := strings.TrimLeft(data, " \t\r\n")
	st.before = data[:len(data)-len(body)]
	st.after = body[len(strings.TrimRight(body, " \t\r\n")):]
	inner := strings.TrimLeft(strings.TrimPrefix(body, "{"), " \t")
	if rest := strings.TrimLeft(inner, "\r\n"); rest != inner {
		if inner[0] == '\r' {
			st.line = "\r\n"
		}
		st.indent = rest[:len(rest)-len(strings.TrimLeft(rest, " \t"))]
	} else {
		st.flat = true
		if strings.Contains(body, `, "`) {
			st.comma = ", "
		}
	}
	if !strings.Contains(body, `": `) {
		st.colon = ":"
	}
	return &st
}

// codes notes how a file with codes of characters uses them.
func (st *style) codes(data string) {
	st.ascii = strings.IndexFunc(data, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
	st.markup = strings.Contains(data, `\u003`) && !strings.ContainsAny(data, "<>&")
}

// same reports whether two styles write a value alike.
func (st *style) same(other *style) bool {
	return st == other || other != nil && st.indent == other.indent && st.flat == other.flat && st.line == other.line &&
		st.comma == other.comma && st.colon == other.colon && st.ascii == other.ascii && st.markup == other.markup
}

// A writer writes values in a style. What comes from a file of that style, and
// from the same depth, is copied as it stands there.
type writer struct {
	strings.Builder
	style  *style
	joined bool // no text is written as a list of lines, and nothing is copied
}

func (w *writer) value(v *value, depth int) {
	if !w.joined && v.raw != "" && w.style.same(v.from) && (v.depth == depth || v.kind < kindList && !v.lines) {
		w.WriteString(v.raw)
		return
	}
	switch v.kind {
	case kindText:
		w.words(v, depth)
	case kindList:
		w.items(v.kids, depth)
	case kindObject:
		w.members(v, depth)
	default:
		w.WriteString(v.text)
	}
}

func (w *writer) words(v *value, depth int) {
	if !v.lines || w.joined {
		w.quote(v.text)
		return
	}
	var lines []*value
	for _, line := range splitLines(v.text) {
		lines = append(lines, newText(line))
	}
	w.items(lines, depth)
}

func (w *writer) items(kids []*value, depth int) {
	if len(kids) == 0 {
		w.WriteString("[]")
		return
	}
	w.WriteByte('[')
	for i, kid := range kids {
		w.newline(i, depth+1)
		w.value(kid, depth+1)
	}
	w.end(depth)
	w.WriteByte(']')
}

func (w *writer) members(v *value, depth int) {
	if len(v.keys) == 0 {
		w.WriteString("{}")
		return
	}
	w.WriteByte('{')
	for i, kid := range v.kids {
		w.newline(i, depth+1)
		w.quote(v.keys[i])
		w.WriteString(w.style.colon)
		w.value(kid, depth+1)
	}
	w.end(depth)
	w.WriteByte('}')
}

// newline begins the place of value i of a list or object.
func (w *writer) newline(i, depth int) {
	switch {
	case w.style.flat && i > 0:
		w.WriteString(w.style.comma)
	case i > 0:
		w.WriteByte(',')
	}
	w.end(depth)
}

func (w *writer) end(depth int) {
	if !w.style.flat {
		w.WriteString(w.style.line)
		for range depth {
			w.WriteString(w.style.indent)
		}
	}
}

// quote writes a string as Python's json.dumps does.
func (w *writer) quote(s string) {
	w.WriteByte('"')
	for len(s) > 0 {
		n := 0
		for n < len(s) && w.plain(s[n]) {
			n++
		}
		if n > 0 {
			w.WriteString(s[:n])
			s = s[n:]
			continue
		}
		r, n := decodeRune(s)
		w.escape(r, s[:n])
		s = s[n:]
	}
	w.WriteByte('"')
}

func (w *writer) plain(c byte) bool {
	return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' && (!w.style.markup || c != '<' && c != '>' && c != '&')
}

func (w *writer) escape(r rune, as string) {
	if i := strings.IndexRune("\"\\\b\f\n\r\t", r); i >= 0 && r < utf8.RuneSelf {
		w.WriteByte('\\')
		w.WriteByte(`"\bfnrt`[i])
		return
	}
	switch surrogate := 0xd800 <= r && r <= 0xdfff; {
	case r > 0xffff && w.style.ascii:
		fmt.Fprintf(w, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
	case r < utf8.RuneSelf, surrogate, w.style.ascii:
		fmt.Fprintf(w, `\u%04x`, r)
	default:
		w.WriteString(as)
	}
}

// decodeRune is utf8.DecodeRuneInString, but it also decodes a lone surrogate
// in its three-byte form.
func decodeRune(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 && len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80 {
		return rune(s[0]&0x0f)<<12 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return r, n
}

// splitLines is Python's str.splitlines(keepends=True).
func splitLines(s string) []string {
	var lines []string
	for s != "" {
		n := lineLen(s)
		lines = append(lines, s[:n])
		s = s[n:]
	}
	return lines
}

// lineLen returns the length of the first line of s, its end included.
func lineLen(s string) int {
	i := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
	switch {
	case i < 0:
		return len(s)
	case strings.HasPrefix(s[i:], "\r\n"):
		return i + 2
	}
	_, n := utf8.DecodeRuneInString(s[i:])
	return i + n
}
