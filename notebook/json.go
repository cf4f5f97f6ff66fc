package notebook

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// A kind is the kind of a JSON value.
type kind uint8

const (
	kindNone kind = iota // no value: a key that is absent
	kindNull
	kindTrue
	kindFalse
	kindNumber
	kindString
	kindArray
	kindObject
	kindSkipped // checked, not taken apart
)

// A value is a JSON value as a span of the document. An array's kids are its
// elements; an object's are its keys and values in turn.
type value struct {
	kind       kind
	escaped    bool // a string with escapes
	start, end int  // a string's span leaves the quotes out
	kids       []value
}

// A document is JSON text with its values.
type document struct {
	data []byte
	root value
}

// maxDepth is how deep values may nest. Python gives up at about this depth.
const maxDepth = 1000

// skipKeys are the keys whose values a conversion never looks at, and which
// make most of a notebook's bytes.
const skipKeys = " outputs attachments widgets "

// parseJSON reads data as Python's json.loads does: NaN and Infinity are
// numbers, the last of equal keys counts, a lone surrogate is a character.
func parseJSON(data []byte) (*document, error) {
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return nil, fileError("not JSON: the file starts with a byte order mark; save it as UTF-8 without one")
	}
	if at := invalidUTF8(data); at >= 0 {
		line, col := position(data, at)
		return nil, fileError("not UTF-8: byte 0x%02x at line %d column %d", data[at], line, col)
	}
	p := &jsonParser{data: data}
	root, ok := p.value(true, 0)
	if ok {
		if p.space(); p.pos < len(data) {
			ok = p.fail("there is more after the end of the document")
		}
	}
	if !ok {
		line, col := position(data, p.pos)
		return nil, fileError("not JSON: line %d column %d: %s", line, col, p.msg)
	}
	return &document{data: data, root: root}, nil
}

func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; ; {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
}

// position returns the line and column, in characters, of an offset.
func position(data []byte, at int) (line, col int) {
	before := data[:min(at, len(data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[start:]) + 1
}

type jsonParser struct {
	data []byte
	pos  int
	msg  string
}

func (p *jsonParser) fail(msg string) bool {
	p.msg = msg
	return false
}

func (p *jsonParser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// value reads one value; with keep false it only checks it.
func (p *jsonParser) value(keep bool, depth int) (value, bool) {
	p.space()
	if depth > maxDepth {
		return value{}, p.fail("the values nest too deep")
	}
	if p.pos >= len(p.data) {
		return value{}, p.fail("the document ends too early")
	}
	switch c := p.data[p.pos]; c {
	case '"':
		return p.str()
	case '{':
		return p.object(keep, depth)
	case '[':
		return p.array(keep, depth)
	default:
		return p.scalar()
	}
}

func (p *jsonParser) object(keep bool, depth int) (value, bool) {
	v := value{kind: kindObject, start: p.pos}
	p.pos++
	for first := true; ; first = false {
		p.space()
		switch c := p.peek(); {
		case c == '}' && first:
			return p.close(v)
		case c != '"':
			return v, p.fail("expected a key in double quotes")
		}
		key, ok := p.str()
		if !ok {
			return v, false
		}
		if p.space(); p.peek() != ':' {
			return v, p.fail("expected ':' after the key")
		}
		p.pos++
		kid, ok := p.member(key, keep, depth)
		if !ok {
			return v, false
		}
		if keep {
			v.kids = append(v.kids, key, kid)
		}
		p.space()
		switch p.peek() {
		case '}':
			return p.close(v)
		case ',':
			p.pos++
		default:
			return v, p.fail("expected ',' or '}'")
		}
	}
}

func (p *jsonParser) member(key value, keep bool, depth int) (value, bool) {
	if keep && !key.escaped && strings.Contains(skipKeys, " "+string(p.data[key.start:key.end])+" ") {
		p.space()
		start := p.pos
		_, ok := p.value(false, depth+1)
		return value{kind: kindSkipped, start: start, end: p.pos}, ok
	}
	return p.value(keep, depth+1)
}

func (p *jsonParser) array(keep bool, depth int) (value, bool) {
	v := value{kind: kindArray, start: p.pos}
	p.pos++
	if p.space(); p.peek() == ']' {
		return p.close(v)
	}
	for {
		kid, ok := p.value(keep, depth+1)
		if !ok {
			return v, false
		}
		if keep {
			v.kids = append(v.kids, kid)
		}
		p.space()
		switch p.peek() {
		case ']':
			return p.close(v)
		case ',':
			p.pos++
		default:
			return v, p.fail("expected ',' or ']'")
		}
	}
}

func (p *jsonParser) close(v value) (value, bool) {
	p.pos++
	v.end = p.pos
	return v, true
}

// peek returns the next byte, or 0 at the end.
func (p *jsonParser) peek() byte {
	if p.pos < len(p.data) {
		return p.data[p.pos]
	}
	return 0
}

func (p *jsonParser) str() (value, bool) {
	p.pos++
	v := value{kind: kindString, start: p.pos}
	for {
		for p.pos < len(p.data) && plainByte[p.data[p.pos]] {
			p.pos++
		}
		if p.pos == len(p.data) {
			return v, p.fail("a string does not end")
		}
		switch p.data[p.pos] {
		case '"':
			v.end = p.pos
			p.pos++
			return v, true
		case '\\':
			v.escaped = true
			if !p.escape() {
				return v, false
			}
		default:
			return v, p.fail("a string holds a control character")
		}
	}
}

// plainByte tells the bytes that stand for themselves in a string.
//
//nolint:gochecknoglobals // immutable table
var plainByte = func() (plain [256]bool) {
	for c := ' '; c < 256; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

func (p *jsonParser) escape() bool {
	rest := p.data[p.pos+1:]
	switch {
	case len(rest) > 0 && strings.IndexByte(`"\/bfnrt`, rest[0]) >= 0:
		p.pos += 2
		return true
	case len(rest) > 4 && rest[0] == 'u' && isHex(rest[1:5]):
		p.pos += 6
		return true
	}
	return p.fail(`a string holds an invalid escape`)
}

func isHex(b []byte) bool {
	for _, c := range b {
		if hexDigit(c) < 0 {
			return false
		}
	}
	return true
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func (p *jsonParser) scalar() (value, bool) {
	words := [...]struct {
		text string
		kind kind
	}{
		{"null", kindNull},
		{"true", kindTrue},
		{"false", kindFalse},
		{"NaN", kindNumber},
		{"Infinity", kindNumber},
		{"-Infinity", kindNumber},
	}
	v := value{start: p.pos}
	rest := p.data[p.pos:]
	for _, w := range words {
		if len(rest) >= len(w.text) && string(rest[:len(w.text)]) == w.text {
			p.pos += len(w.text)
			v.kind, v.end = w.kind, p.pos
			return v, true
		}
	}
	n := numberLen(rest)
	if n == 0 {
		return v, p.fail("expected a value")
	}
	p.pos += n
	v.kind, v.end = kindNumber, p.pos
	return v, true
}

// numberLen returns the length of the JSON number that b begins with.
func numberLen(b []byte) int {
	digits := func(i int) int {
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i
	}
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if end := digits(i); end > i {
		i = end
	} else {
		return 0
	}
	if i < len(b) && b[i] == '.' {
		if end := digits(i + 1); end > i+1 {
			i = end
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		j := i + 1
		if j < len(b) && (b[j] == '+' || b[j] == '-') {
			j++
		}
		if end := digits(j); end > j {
			i = end
		}
	}
	return i
}
