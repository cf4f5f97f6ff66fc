package edit

import (
	"bytes"
	"encoding/json"
	"strings"
)

// A Value is a JSON value in a file. The zero value stands for one that is not
// there: it has no members, no items and no text.
type Value struct {
	data       []byte
	start, end int
}

// A Member is one key of an object, with its value.
type Member struct {
	Key string
	Value

	from int // where the key begins
}

// Exists reports whether there is such a value.
func (v Value) Exists() bool { return v.end > v.start }

// Raw returns the value's JSON text.
func (v Value) Raw() []byte { return v.data[v.start:v.end] }

// Is reports whether the value's JSON text begins with a character: a quote for
// strings, an opening bracket for arrays and objects.
func (v Value) Is(first byte) bool { return v.Exists() && v.data[v.start] == first }

// Text returns a string's text, and "" for any other value. A lone surrogate
// becomes the replacement character.
func (v Value) Text() string {
	if !v.Is('"') {
		return ""
	}
	raw := v.Raw()
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	_ = json.Unmarshal(raw, &text) // the document was read before
	return text
}

// Joined returns the text of a string, or of a list of strings.
func (v Value) Joined() string {
	if !v.Is('[') {
		return v.Text()
	}
	var b strings.Builder
	for _, item := range v.Items() {
		b.WriteString(item.Text())
	}
	return b.String()
}

// Members returns the members of an object, in the file's order.
func (v Value) Members() []Member {
	if !v.Is('{') {
		return nil
	}
	var members []Member
	s := scanner{data: v.data, pos: v.start + 1}
	for s.next() != '}' {
		key := s.value()
		s.next()
		members = append(members, Member{Key: key.Text(), Value: s.value(), from: key.start})
	}
	return members
}

// Items returns the items of an array.
func (v Value) Items() []Value {
	if !v.Is('[') {
		return nil
	}
	var items []Value
	s := scanner{data: v.data, pos: v.start + 1}
	for s.next() != ']' {
		items = append(items, s.value())
	}
	return items
}

// Get returns the member of an object; of several with one key the last counts.
func (v Value) Get(key string) Value {
	var found Value
	for _, m := range v.Members() {
		if m.Key == key {
			found = m.Value
		}
	}
	return found
}

// parts are the spans of an array's items, or of an object's members with their
// keys.
func (v Value) parts() []Value {
	if v.Is('[') {
		return v.Items()
	}
	var parts []Value
	for _, m := range v.Members() {
		parts = append(parts, Value{v.data, m.from, m.end})
	}
	return parts
}

// A scanner finds where values begin and end in text that is known to be JSON,
// in Python's sense.
type scanner struct {
	data []byte
	pos  int
}

// next skips blanks, commas and colons, and returns the character that follows.
func (s *scanner) next() byte {
	for strings.IndexByte(" \t\r\n,:", s.data[s.pos]) >= 0 {
		s.pos++
	}
	return s.data[s.pos]
}

// value returns the value that begins at the position or behind it.
func (s *scanner) value() Value {
	first := s.next()
	start := s.pos
	switch first {
	case '"':
		s.str()
	case '{', '[':
		s.nested()
	default:
		for s.pos < len(s.data) && strings.IndexByte(" \t\r\n,]}", s.data[s.pos]) < 0 {
			s.pos++
		}
	}
	return Value{s.data, start, s.pos}
}

func (s *scanner) str() {
	for s.pos++; ; s.pos++ {
		s.pos += bytes.IndexByte(s.data[s.pos:], '"')
		escapes := s.pos
		for s.data[escapes-1] == '\\' {
			escapes--
		}
		if (s.pos-escapes)%2 == 0 {
			s.pos++
			return
		}
	}
}

func (s *scanner) nested() {
	for depth := 0; ; {
		switch s.data[s.pos] {
		case '"':
			s.str()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.pos++
		if depth == 0 {
			return
		}
	}
}
