package diff

import (
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep values may nest, as in package notebook.
const maxDepth = 1000

// parse reads JSON as Python does: NaN and Infinity are numbers, the last of
// equal keys counts, a lone surrogate is a character.
func parse(data string, st *style) (*value, bool) {
	p := &parser{data: data, style: st}
	v := p.value(0)
	p.space()
	return v, !p.bad && p.pos == len(data) && utf8.ValidString(data)
}

// A parser goes on to the end once something is bad.
type parser struct {
	data  string
	pos   int
	bad   bool
	style *style
}

func (p *parser) fail() *value {
	p.bad, p.pos = true, len(p.data)
	return null
}

func (p *parser) space() {
	for p.pos < len(p.data) && strings.IndexByte(" \t\r\n", p.data[p.pos]) >= 0 {
		p.pos++
	}
}

// next takes a byte away if it comes next, behind white space.
func (p *parser) next(c byte) bool {
	p.space()
	if p.pos < len(p.data) && p.data[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) value(depth int) *value {
	p.space()
	if depth > maxDepth || p.pos == len(p.data) {
		return p.fail()
	}
	start := p.pos
	var v *value
	switch p.data[p.pos] {
	case '{':
		v = p.object(depth)
	case '[':
		v = p.list(depth)
	case '"':
		v = newText(p.text())
	default:
		v = p.scalar()
	}
	if p.bad {
		return null
	}
	v.raw, v.depth, v.from = p.data[start:p.pos], depth, p.style
	return v
}

func (p *parser) object(depth int) *value {
	v, seen := newObject(), map[string]int{}
	p.pos++
	if p.next('}') {
		return v
	}
	for !p.bad {
		if p.space(); p.pos == len(p.data) || p.data[p.pos] != '"' {
			return p.fail()
		}
		key := p.text()
		if !p.next(':') {
			return p.fail()
		}
		kid := p.value(depth + 1)
		if i, twice := seen[key]; twice {
			v.kids[i] = kid
		} else {
			seen[key] = len(v.keys)
			v.keys, v.kids = append(v.keys, key), append(v.kids, kid)
		}
		if p.next('}') {
			return v
		}
		if !p.next(',') {
			return p.fail()
		}
	}
	return v
}

func (p *parser) list(depth int) *value {
	v := newList()
	p.pos++
	if p.next(']') {
		return v
	}
	for !p.bad {
		v.kids = append(v.kids, p.value(depth+1))
		if p.next(']') {
			return v
		}
		if !p.next(',') {
			return p.fail()
		}
	}
	return v
}

// text reads a string, from its first quote to behind its last.
func (p *parser) text() string {
	p.pos++
	start := p.pos
	var b []byte // nil until there is an escape
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			rest := p.data[start:p.pos]
			p.pos++
			if b == nil {
				return rest
			}
			return string(append(b, rest...))
		case c < ' ':
			p.fail()
			return ""
		case c == '\\':
			b = append(b, p.data[start:p.pos]...)
			b = p.escape(b)
			start = p.pos
		default:
			p.pos++
		}
	}
	p.fail()
	return ""
}

// escape reads an escape and appends what it stands for.
func (p *parser) escape(b []byte) []byte {
	rest := p.data[p.pos+1:]
	if hi, ok := hex4(rest); ok {
		p.pos += 6
		if lo, ok := hex4(strings.TrimPrefix(p.data[p.pos:], `\`)); ok && 0xd800 <= hi && hi < 0xdc00 && 0xdc00 <= lo && lo < 0xe000 {
			p.pos += 6
			hi = 0x10000 + (hi-0xd800)<<10 + (lo - 0xdc00)
		}
		return appendRune(b, hi)
	}
	if rest == "" {
		p.fail()
		return b
	}
	i := strings.IndexByte(`"\/bfnrt`, rest[0])
	if i < 0 {
		p.fail()
		return b
	}
	p.pos += 2
	return append(b, "\"\\/\b\f\n\r\t"[i])
}

// hex4 reads the uXXXX that s begins with.
func hex4(s string) (rune, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	var r rune
	for i := 1; i < 5; i++ {
		digit := strings.IndexByte("0123456789abcdef", s[i]|0x20)
		if digit < 0 || s[i] < '0' {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}

// appendRune is utf8.AppendRune, but it also encodes a lone surrogate.
func appendRune(b []byte, r rune) []byte {
	if 0xd800 <= r && r <= 0xdfff {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}

func (p *parser) scalar() *value {
	rest := p.data[p.pos:]
	for _, word := range [...]string{"null", "true", "false"} {
		if strings.HasPrefix(rest, word) {
			p.pos += len(word)
			return &value{kind: kindWord, text: word}
		}
	}
	n := numberLen(rest)
	for _, word := range [...]string{"NaN", "Infinity", "-Infinity"} {
		if strings.HasPrefix(rest, word) {
			n = len(word)
		}
	}
	if n == 0 {
		return p.fail()
	}
	p.pos += n
	return newNumber(rest[:n])
}

// numberLen returns the length of the JSON number that s begins with.
func numberLen(s string) int {
	digits := func(i int) int {
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		return i
	}
	i := len(s) - len(strings.TrimPrefix(s, "-"))
	if i > 1 {
		return 0
	}
	end := digits(i)
	if end == i {
		return 0
	}
	if s[i] == '0' {
		end = i + 1
	}
	if frac := digits(min(end+1, len(s))); end < len(s) && s[end] == '.' && frac > end+1 {
		end = frac
	}
	if end < len(s) && s[end]|0x20 == 'e' {
		exp := end + 1
		if exp < len(s) && (s[exp] == '+' || s[exp] == '-') {
			exp++
		}
		if last := digits(exp); last > exp {
			end = last
		}
	}
	return end
}
