package diff

import (
	"slices"
	"strings"
)

// A kind is the kind of a JSON value.
type kind uint8

const (
	kindWord kind = iota // null, true, false
	kindNumber
	kindText
	kindList
	kindObject
)

// A value is a JSON value. It is not changed once it is made.
type value struct {
	kind kind
	// text is a string's text, and the literal of a word or number.
	text string
	// lines says that a text stood in the file as a list of lines.
	lines bool
	keys  []string // of an object, each once
	kids  []*value // of a list or an object

	raw   string // the value as it stands in a file; empty for one that was made
	depth int    // how deep it stands there
	from  *style // how that file is written

	sum   uint64         // hash, 0 until it is asked for
	place map[string]int // of each key, if they are many; nil until one is asked for
}

//nolint:gochecknoglobals // an immutable value
var null = &value{kind: kindWord, text: "null"}

func newText(s string) *value { return &value{kind: kindText, text: s} }

// newLines is a text that is written as a list of lines.
func newLines(s string) *value { return &value{kind: kindText, text: s, lines: true} }

func newNumber(literal string) *value { return &value{kind: kindNumber, text: literal} }

func newList(kids ...*value) *value { return &value{kind: kindList, kids: kids} }

func newObject() *value { return &value{kind: kindObject} }

// get returns a member, nil where there is none or where v is no object.
func (v *value) get(key string) *value {
	if v == nil || v.kind != kindObject {
		return nil
	}
	if i := v.index(key); i >= 0 {
		return v.kids[i]
	}
	return nil
}

// index returns the place of a key, -1 if there is none.
func (v *value) index(key string) int {
	if len(v.keys) <= 16 {
		return slices.Index(v.keys, key)
	}
	if v.place == nil {
		v.place = make(map[string]int, len(v.keys))
		for i, key := range v.keys {
			v.place[key] = i
		}
	}
	if i, ok := v.place[key]; ok {
		return i
	}
	return -1
}

// str returns a member's text, and "" where it is none.
func (v *value) str(key string) string {
	if m := v.get(key); m != nil && m.kind == kindText {
		return m.text
	}
	return ""
}

// list returns a member's elements.
func (v *value) list(key string) []*value {
	if m := v.get(key); m != nil && m.kind == kindList {
		return m.kids
	}
	return nil
}

// with returns v with a member set; nil takes it away. A new key goes to its
// place in an object whose keys are sorted, and to the end of any other.
func (v *value) with(key string, to *value) *value {
	var e edits
	e.set(key, to)
	return e.of(v)
}

// edits are members to set, each once.
type edits struct {
	keys []string
	kids []*value
}

func (e *edits) set(key string, to *value) {
	e.keys, e.kids = append(e.keys, key), append(e.kids, to)
}

// of returns v with the members set.
func (e *edits) of(v *value) *value {
	changed := make(map[int]*value, len(e.keys))
	var added edits
	for i, key := range e.keys {
		at, to := v.index(key), e.kids[i]
		switch {
		case at >= 0 && v.kids[at] != to:
			changed[at] = to
		case at < 0 && to != nil:
			added.set(key, to)
		}
	}
	if len(changed)+len(added.keys) == 0 {
		return v
	}
	out := &value{kind: kindObject, from: v.from}
	for i, key := range v.keys {
		kid, ok := changed[i]
		if !ok {
			kid = v.kids[i]
		}
		if kid != nil {
			out.keys, out.kids = append(out.keys, key), append(out.kids, kid)
		}
	}
	out.add(added, slices.IsSorted(v.keys))
	return out
}

// add puts new members behind the others, or to their places.
func (v *value) add(added edits, sorted bool) {
	v.keys, v.kids = append(v.keys, added.keys...), append(v.kids, added.kids...)
	if !sorted || len(added.keys) == 0 {
		return
	}
	all := edits{slices.Clone(v.keys), slices.Clone(v.kids)}
	order := make([]int, len(all.keys))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(all.keys[a], all.keys[b]) })
	for to, from := range order {
		v.keys[to], v.kids[to] = all.keys[from], all.kids[from]
	}
}

// equal reports whether two values, which may be nil, mean the same. The order
// of keys and the way a text is written mean nothing; 1 and 1.0 are two numbers.
func equal(a, b *value) bool {
	switch {
	case a == b:
		return true
	case a == nil, b == nil, a.kind != b.kind, a.text != b.text, len(a.kids) != len(b.kids), a.hash() != b.hash():
		return false
	}
	for i, kid := range a.kids {
		other := b.kids[i]
		if a.kind == kindObject && a.keys[i] != b.keys[i] {
			other = b.get(a.keys[i])
		}
		if !equal(kid, other) {
			return false
		}
	}
	return true
}

// hash is the same for values that are equal, and on every machine: people see it.
func (v *value) hash() uint64 {
	if v.sum != 0 {
		return v.sum
	}
	sum := hashText(uint64(v.kind)+1, v.text)
	for i, kid := range v.kids {
		if v.kind == kindObject {
			sum += hashText(kid.hash(), v.keys[i]) // in any order
		} else {
			sum = mix(sum ^ kid.hash())
		}
	}
	v.sum = max(mix(sum), 1)
	return v.sum
}

// hashText is FNV-1a, started with a seed.
func hashText(seed uint64, s string) uint64 {
	h := 14695981039346656037 ^ mix(seed)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// mix spreads the bits of a hash.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// names gives equal values one number.
type names struct {
	byHash map[uint64][]named
	count  rune
}

type named struct {
	v *value
	n rune
}

func (n *names) of(v *value) rune {
	if n.byHash == nil {
		n.byHash = map[uint64][]named{}
	}
	same := n.byHash[v.hash()]
	for _, one := range same {
		if equal(one.v, v) {
			return one.n
		}
	}
	n.count++
	n.byHash[v.hash()] = append(same, named{v, n.count})
	return n.count
}

// all numbers the elements of a list.
func (n *names) all(vs []*value) []rune {
	out := make([]rune, len(vs))
	for i, v := range vs {
		out[i] = n.of(v)
	}
	return out
}
