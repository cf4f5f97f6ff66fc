package diff

import (
	"slices"
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
	if p.codes && st != nil {
		st.codes(data)
	}
	return v, !p.bad && p.pos == len(data) && utf8.ValidString(data)
}

// A parser goes on to the end once something is bad.
type parser struct {
	data  string
	pos   int
	bad   bool
	style *style
	codes bool // a character was written as its code

	keys []string // of the objects that are being read, one behind the other
	kids []*value // of the objects and lists that are being read
	buf  []byte   // for the text of a string with escapes

	// Room for what is made next: piece by piece it would cost more than all else.
	room    []value
	keyRoom []string
	kidRoom []*value
}

// roomAtOnce is for how many values room is made.
const roomAtOnce = 64

// make returns a new value.
func (p *parser) make(kind kind, text string) *value {
	if len(p.room) == 0 {
		p.room = make([]value, roomAtOnce)
	}
	v := &p.room[0]
	p.room = p.room[1:]
	v.kind, v.text = kind, text
	return v
}

// carve copies a slice into room that is made for many of them.
func carve[T any](room *[]T, from []T) []T {
	n := len(from)
	if n > roomAtOnce/2 {
		return slices.Clone(from)
	}
	if n > len(*room) {
		*room = make([]T, 4*roomAtOnce)
	}
	out := (*room)[:n:n]
	copy(out, from)
	*room = (*room)[n:]
	return out
}

// take gives an object the keys and members that were read since there were so many.
func (p *parser) take(v *value, keys, kids int) *value {
	v.keys, p.keys = carve(&p.keyRoom, p.keys[keys:]), p.keys[:keys]
	return p.takeKids(v, kids)
}

func (p *parser) takeKids(v *value, kids int) *value {
	v.kids, p.kids = carve(&p.kidRoom, p.kids[kids:]), p.kids[:kids]
	return v
}

func (p *parser) fail() *value {
	p.bad, p.pos = true, len(p.data)
	return null
}

func (p *parser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return
		}
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
		v = p.make(kindText, p.text())
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
	v, keys, kids := p.make(kindObject, ""), len(p.keys), len(p.kids)
	p.pos++
	if p.next('}') {
		return v
	}
	seen := places{}
	for !p.bad {
		if p.space(); p.pos == len(p.data) || p.data[p.pos] != '"' {
			return p.fail()
		}
		key := p.text()
		if !p.next(':') {
			return p.fail()
		}
		kid := p.value(depth + 1)
		if i := seen.of(key, p.keys[keys:]); i >= 0 {
			p.kids[kids+i] = kid
		} else {
			p.keys, p.kids = append(p.keys, key), append(p.kids, kid)
		}
		if p.next('}') {
			return p.take(v, keys, kids)
		}
		if !p.next(',') {
			return p.fail()
		}
	}
	return v
}

// places finds a key among those of an object that grows: it looks at each of few,
// and has a table of many.
type places struct {
	table map[string]int
}

// fewKeys are so few that looking at each is faster than a table.
const fewKeys = 16

// of returns the place of a key, and -1 for one that is new and will be the next.
func (s *places) of(key string, keys []string) int {
	if len(keys) < fewKeys {
		return slices.Index(keys, key)
	}
	if s.table == nil {
		s.table = make(map[string]int, 2*fewKeys)
		for i, key := range keys {
			s.table[key] = i
		}
	}
	if i, ok := s.table[key]; ok {
		return i
	}
	s.table[key] = len(keys)
	return -1
}

func (p *parser) list(depth int) *value {
	v, kids := p.make(kindList, ""), len(p.kids)
	p.pos++
	if p.next(']') {
		return v
	}
	for !p.bad {
		kid := p.value(depth + 1)
		p.kids = append(p.kids, kid)
		if p.next(']') {
			return p.takeKids(v, kids)
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
	if p.plain(); p.pos < len(p.data) && p.data[p.pos] == '"' {
		p.pos++
		return p.data[start : p.pos-1]
	}
	return p.escaped(start)
}

// plain goes on to what is not an ordinary character of a string.
func (p *parser) plain() {
	for p.pos < len(p.data) {
		if c := p.data[p.pos]; c == '"' || c == '\\' || c < ' ' {
			return
		}
		p.pos++
	}
}

// escaped reads a string that began at start, from its first escape on.
func (p *parser) escaped(start int) string {
	b := p.buf[:0]
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			b = append(b, p.data[start:p.pos]...)
			p.buf = b
			p.pos++
			return string(b)
		case c == '\\':
			b = append(b, p.data[start:p.pos]...)
			b = p.escape(b)
			start = p.pos
			p.plain()
		default: // a control character
			p.fail()
		}
	}
	p.fail()
	return ""
}

// escape reads an escape and appends what it stands for.
func (p *parser) escape(b []byte) []byte {
	rest := p.data[p.pos+1:]
	if hi, ok := hex4(rest); ok {
		p.codes = true
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
			return p.make(kindWord, word)
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
	return p.make(kindNumber, rest[:n])
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
