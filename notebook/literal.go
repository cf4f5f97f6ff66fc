package notebook

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A literalParser reads a Python literal, as ast.literal_eval does: strings,
// numbers, True, False, None, and lists, tuples, sets and dicts of them.
type literalParser struct {
	text string
	pos  int
	fail *Error // the first fault; its line counts from 1

	counted, lines int // the lines that end before counted
}

// An entry is one key of a dict, with its value and line.
type entry struct {
	key   string
	value any
	line  int
}

// dict is a dict while its entries' lines matter.
type dict []entry

// parseLiteral reads text, which must hold one literal and nothing else.
// Lists, tuples and sets are []any, dicts are dict, whole numbers int64.
func parseLiteral(text string) (any, *Error) {
	p := &literalParser{text: text}
	v := p.value(0)
	p.space()
	if p.fail == nil && p.pos < len(p.text) {
		p.failf("unexpected %s", p.near())
	}
	return v, p.fail
}

// plain turns the dicts within a literal into maps.
func plain(v any) any {
	switch v := v.(type) {
	case dict:
		m := make(map[string]any, len(v))
		for _, e := range v {
			m[e.key] = plain(e.value)
		}
		return m
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

func (p *literalParser) failf(format string, args ...any) any {
	if p.fail == nil {
		p.fail = &Error{Line: p.line(), Msg: fmt.Sprintf(format, args...)}
	}
	return nil
}

// line returns the number of the line that is read.
func (p *literalParser) line() int {
	at := min(p.pos, len(p.text))
	p.lines += strings.Count(p.text[p.counted:at], "\n")
	p.counted = at
	return p.lines + 1
}

// near names what stands at the position.
func (p *literalParser) near() string {
	rest := p.text[p.pos:]
	if rest == "" || rest[0] == '\n' {
		return "end of line"
	}
	n := 0
	for n < len(rest) && isNameByte(int(rest[n])) {
		n++
	}
	if n == 0 {
		_, n = utf8.DecodeRuneInString(rest)
	}
	return strconv.Quote(rest[:n])
}

// space skips blanks, line ends and comments.
func (p *literalParser) space() {
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; {
		case isBlankByte(c), c == '\n', c == '\r':
			p.pos++
		case c == '\\' && isLineEnd(p.text[p.pos+1:]):
			p.pos++
			p.pos += strings.IndexByte(p.text[p.pos:], '\n') + 1
		case c == '#':
			p.pos += commentLen(p.text[p.pos:])
		default:
			return
		}
	}
}

func (p *literalParser) value(depth int) any {
	p.space()
	if depth > maxBrackets {
		return p.failf("the brackets nest too deep")
	}
	rest := p.text[p.pos:]
	if rest == "" {
		return p.failf("a value is missing")
	}
	switch c := rest[0]; {
	case c == '[':
		return p.list(']', depth)
	case c == '(':
		return p.tuple(depth)
	case c == '{':
		return p.braces(depth)
	case c == '-' || c == '+':
		return p.signed(c, depth)
	case isDigit(rest, 0), c == '.' && isDigit(rest, 1):
		return p.number()
	case c == '\'', c == '"', prefixLen(rest) > 0:
		return p.strings()
	}
	return p.word()
}

func (p *literalParser) word() any {
	for word, v := range map[string]any{"None": nil, "True": true, "False": false} {
		if rest, ok := strings.CutPrefix(p.text[p.pos:], word); ok && (rest == "" || !isNameByte(int(rest[0]))) {
			p.pos += len(word)
			return v
		}
	}
	return p.failf("%s is not a literal value", p.near())
}

func (p *literalParser) signed(sign byte, depth int) any {
	p.pos++
	switch v := p.value(depth + 1).(type) {
	case int64:
		if sign == '-' {
			return -v
		}
		return v
	case float64:
		if sign == '-' {
			return -v
		}
		return v
	}
	return p.failf("expected a number behind %q", sign)
}

func (p *literalParser) number() any {
	rest := p.text[p.pos:]
	n := pyNumberLen(rest)
	text := strings.ReplaceAll(rest[:n], "_", "")
	if n < len(rest) && isNameByte(int(rest[n])) || strings.HasSuffix(strings.ToLower(text), "j") {
		return p.failf("%s is not a number that can be used", p.near())
	}
	if len(text) > 1 && text[0] == '0' && strings.Trim(text, "0") == "" {
		text = "0"
	}
	p.pos += n
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return i
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !strings.ContainsAny(text, ".eE") || strings.HasPrefix(strings.ToLower(text), "0x") {
		return p.failf("the number %s is out of range", text)
	}
	return f
}

// list reads elements up to a closing bracket; the opening one is next.
func (p *literalParser) list(closing byte, depth int) []any {
	p.pos++
	return p.elements([]any{}, closing, depth)
}

// elements appends elements up to a closing bracket.
func (p *literalParser) elements(items []any, closing byte, depth int) []any {
	for p.fail == nil {
		if p.space(); p.take(closing) {
			return items
		}
		items = append(items, p.value(depth+1))
		if p.space(); p.take(closing) {
			return items
		}
		if !p.take(',') {
			p.failf("expected ',' or %q, not %s", closing, p.near())
		}
	}
	return nil
}

func (p *literalParser) take(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// tuple reads a tuple, or the one value that brackets hold.
func (p *literalParser) tuple(depth int) any {
	start := p.pos
	items := p.list(')', depth)
	if len(items) == 1 && !strings.HasSuffix(strings.TrimSpace(p.text[start:p.pos-1]), ",") {
		return items[0]
	}
	return items
}

// braces reads a dict or a set.
func (p *literalParser) braces(depth int) any {
	p.pos++
	entries := dict{}
	for p.fail == nil {
		if p.space(); p.take('}') {
			return entries
		}
		line := p.line()
		key := p.value(depth + 1)
		p.space()
		if len(entries) == 0 && (p.take(',') || p.pos < len(p.text) && p.text[p.pos] == '}') {
			return p.elements([]any{key}, '}', depth)
		}
		if !p.take(':') {
			return p.failf("expected ':' behind the key, not %s", p.near())
		}
		name, ok := key.(string)
		if !ok && p.fail == nil {
			return p.failf("the keys of a dict must be strings")
		}
		entries = append(entries, entry{key: name, value: p.value(depth + 1), line: line})
		if p.space(); p.take('}') {
			return entries
		}
		if !p.take(',') {
			p.failf("expected ',' or '}', not %s", p.near())
		}
	}
	return nil
}

// strings reads a string, or several in a row, which are one.
func (p *literalParser) strings() any {
	var b []byte
	for {
		b = p.str(b)
		if p.fail != nil {
			return nil
		}
		// Only brackets let the next one stand on another line; whoever cut
		// the text out saw to that.
		p.space()
		rest := p.text[p.pos:]
		if rest == "" || rest[0] != '\'' && rest[0] != '"' && prefixLen(rest) == 0 {
			return string(b)
		}
	}
}

func (p *literalParser) str(b []byte) []byte {
	rest := p.text[p.pos:]
	n := prefixLen(rest)
	prefix := strings.ToLower(rest[:n])
	if strings.ContainsAny(prefix, "bf") {
		p.failf("%s is not a literal text", strconv.Quote(rest[:n+1]))
		return nil
	}
	quote := rest[n : n+1]
	if strings.HasPrefix(rest[n:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	end, ok := closing(rest, n+len(quote), quote)
	if !ok {
		p.failf("a string does not end")
		return nil
	}
	body := rest[n+len(quote) : end-len(quote)]
	p.pos += end
	if strings.Contains(prefix, "r") {
		return append(b, body...)
	}
	return p.unquote(b, body)
}

// closing returns the offset behind a string's closing quote.
func closing(text string, pos int, quote string) (int, bool) {
	for pos < len(text) {
		switch {
		case text[pos] == '\\':
			pos += 2
		case strings.HasPrefix(text[pos:], quote):
			return pos + len(quote), true
		case text[pos] == '\n' && len(quote) == 1:
			return 0, false
		default:
			pos++
		}
	}
	return 0, false
}

// unquote appends body with its escapes resolved.
func (p *literalParser) unquote(b []byte, body string) []byte {
	for body != "" {
		i := strings.IndexByte(body, '\\')
		if i < 0 {
			return append(b, body...)
		}
		b = append(b, body[:i]...)
		var n int
		b, n = p.unescape(b, body[i+1:])
		body = body[i+1+n:]
	}
	return b
}

// unescape appends what the escape stands for whose text, without the
// backslash, begins rest, and returns the length of that text.
func (p *literalParser) unescape(b []byte, rest string) ([]byte, int) {
	simple := map[byte]byte{
		'\\': '\\', '\'': '\'', '"': '"', 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v',
	}
	if c, ok := simple[rest[0]]; ok {
		return append(b, c), 1
	}
	switch c := rest[0]; {
	case c == '\n':
		return b, 1
	case '0' <= c && c <= '7':
		n := min(digitsOf(rest, 0, 8, false), 3)
		r, _ := strconv.ParseUint(rest[:n], 8, 32)
		return appendRune(b, rune(r)), n
	case c == 'x':
		return p.hexEscape(b, rest, 2)
	case c == 'u':
		return p.hexEscape(b, rest, 4)
	case c == 'U':
		return p.hexEscape(b, rest, 8)
	case c == 'N':
		p.failf(`the escape \N{...} is not supported here`)
		return b, 1
	}
	return append(b, '\\'), 0
}

func (p *literalParser) hexEscape(b []byte, rest string, digits int) ([]byte, int) {
	if len(rest) > digits && isHex([]byte(rest[1:1+digits])) {
		if r, err := strconv.ParseUint(rest[1:1+digits], 16, 32); err == nil && r <= utf8.MaxRune {
			return appendRune(b, rune(r)), 1 + digits
		}
	}
	p.failf(`an invalid escape \%s`, rest[:1])
	return b, 1
}
