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
	cells bool // it is within the notebook's cells

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
		kid := p.member(key, depth+1)
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

// sourceDepth is how deep the source of a cell stands: in a cell, in the list of
// cells, in the notebook.
const sourceDepth = 3

// member reads the value of a key. The source of a cell, a list of lines most often,
// becomes the text that [joinLines] would make of it.
func (p *parser) member(key string, depth int) *value {
	p.space()
	if depth == 1 {
		p.cells = key == "cells"
	}
	if !p.cells || depth != sourceDepth || key != "source" || p.pos == len(p.data) || p.data[p.pos] != '[' {
		return p.value(depth)
	}
	start := p.pos
	text, ok := p.joined()
	if !ok {
		p.pos = start
		return p.value(depth)
	}
	v := p.make(kindText, text)
	v.lines, v.raw, v.depth, v.from = true, p.data[start:p.pos], depth, p.style
	return v
}

// joined reads a list of strings as one text; it reports false for any other list,
// and for what is wrong, which is left to be found again.
func (p *parser) joined() (string, bool) {
	p.pos++
	p.buf = p.buf[:0]
	if p.next(']') {
		return "", true
	}
	for p.next('"') {
		if !p.chars() {
			return "", false
		}
		if p.next(']') {
			return string(p.buf), true
		}
		if !p.next(',') {
			return "", false
		}
	}
	return "", false
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
