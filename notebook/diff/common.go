package diff

import (
	"slices"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// A pair is two indexes of things that belong together.
type pair struct{ a, b int }

// A block is a stretch of two sequences without a pair; either side may be empty.
type block struct{ a0, a1, b0, b1 int }

// common pairs equal elements of two sequences, in their order in both. Elements
// that are unique on both sides pair first (patience), Myers does what lies
// between them. The work is bounded: where two long stretches have little in
// common not all of it is found.
func common(a, b []rune) []pair {
	m := matcher{a: a, b: b}
	m.match(block{0, len(a), 0, len(b)}, 0)
	return m.pairs
}

// maxRounds bounds how often a stretch is split at its unique elements.
const maxRounds = 64

type matcher struct {
	a, b  []rune
	pairs []pair
	seen  []count // by element, counted from the least
	least rune
}

// A count is how often an element is on each side of a stretch, and where it was
// last in b. Between two stretches all of them are zero.
type count struct{ inA, inB, b int }

// counts makes room for them, after numbering anew what has wide gaps.
func (m *matcher) counts() []count {
	if m.seen != nil {
		return m.seen
	}
	m.least = min(slices.Min(m.a), slices.Min(m.b))
	wide := int(max(slices.Max(m.a), slices.Max(m.b))-m.least) + 1
	if most := 4 * (len(m.a) + len(m.b)); wide > most {
		m.renumber()
		wide = len(m.a) + len(m.b)
	}
	m.seen = make([]count, wide)
	return m.seen
}

// renumber gives equal elements one number, from 0 without gaps.
func (m *matcher) renumber() {
	names := map[rune]rune{}
	for _, side := range []*[]rune{&m.a, &m.b} {
		out := make([]rune, len(*side))
		for i, element := range *side {
			name, ok := names[element]
			if !ok {
				name = rune(len(names))
				names[element] = name
			}
			out[i] = name
		}
		*side = out
	}
	m.least = 0
}

func (m *matcher) match(r block, round int) {
	for r.a0 < r.a1 && r.b0 < r.b1 && m.a[r.a0] == m.b[r.b0] {
		m.pairs = append(m.pairs, pair{r.a0, r.b0})
		r.a0++
		r.b0++
	}
	tail := 0
	for r.a0 < r.a1 && r.b0 < r.b1 && m.a[r.a1-1] == m.b[r.b1-1] {
		r.a1--
		r.b1--
		tail++
	}
	m.inner(r, round)
	for i := range tail {
		m.pairs = append(m.pairs, pair{r.a1 + i, r.b1 + i})
	}
}

func (m *matcher) inner(r block, round int) {
	if r.a0 == r.a1 || r.b0 == r.b1 {
		return
	}
	anchors, shared := m.unique(r)
	switch {
	case !shared:
		return
	case round == maxRounds || len(anchors) == 0:
		m.myers(r)
		return
	}
	at := r
	for _, p := range increasing(anchors) {
		m.match(block{at.a0, p.a, at.b0, p.b}, round+1)
		m.pairs = append(m.pairs, p)
		at.a0, at.b0 = p.a+1, p.b+1
	}
	m.match(at, round+1)
}

// unique pairs the elements that come once on each side, and reports whether
// anything is on both.
func (m *matcher) unique(r block) (pairs []pair, shared bool) {
	all := m.counts()
	for i := r.a0; i < r.a1; i++ {
		all[m.a[i]-m.least] = count{inA: all[m.a[i]-m.least].inA + 1}
	}
	for j := r.b0; j < r.b1; j++ {
		if c := &all[m.b[j]-m.least]; c.inA > 0 {
			c.inB, c.b, shared = c.inB+1, j, true
		}
	}
	for i := r.a0; i < r.a1; i++ {
		if c := all[m.a[i]-m.least]; c.inA == 1 && c.inB == 1 {
			pairs = append(pairs, pair{i, c.b})
		}
	}
	for i := r.a0; i < r.a1; i++ {
		all[m.a[i]-m.least] = count{}
	}
	return pairs, shared
}

func (m *matcher) myers(r block) {
	a, b := r.a0, r.b0
	take := func(toA, toB int) {
		for a < toA && b < toB {
			m.pairs = append(m.pairs, pair{a, b})
			a++
			b++
		}
	}
	for _, d := range lcs.DiffRunes(m.a[r.a0:r.a1], m.b[r.b0:r.b1]) {
		take(r.a0+d.Start, r.b0+d.ReplStart)
		a, b = r.a0+d.End, r.b0+d.ReplEnd
	}
	take(r.a1, r.b1)
}

// increasing picks the most pairs, given in the order of a, whose b grows too.
func increasing(pairs []pair) []pair {
	var ends []int // the last pair of the best chain of each length
	before := make([]int, len(pairs))
	for i, p := range pairs {
		n, _ := slices.BinarySearchFunc(ends, p.b, func(e, b int) int { return pairs[e].b - b })
		before[i] = -1
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	out := make([]pair, len(ends))
	if len(ends) == 0 {
		return nil
	}
	for i, at := ends[len(ends)-1], len(ends)-1; i >= 0; i, at = before[i], at-1 {
		out[at] = pairs[i]
	}
	return out
}

// blocks returns the stretches between pairs.
func blocks(pairs []pair, lenA, lenB int) []block {
	var out []block
	a, b := 0, 0
	add := func(toA, toB int) {
		if a < toA || b < toB {
			out = append(out, block{a, toA, b, toB})
		}
	}
	for _, p := range pairs {
		add(p.a, p.b)
		a, b = p.a+1, p.b+1
	}
	add(lenA, lenB)
	return out
}

// lineNames numbers lines so that equal ones have one number.
type lineNames map[string]rune

func (n lineNames) all(lines []string) []rune {
	out := make([]rune, len(lines))
	for i, line := range lines {
		id, ok := n[line]
		if !ok {
			id = rune(len(n))
			n[line] = id
		}
		out[i] = id
	}
	return out
}

// commonLines pairs equal lines.
func commonLines(a, b []string) []pair {
	if len(a)+len(b) <= fewLines {
		return common(namesOfFew(a, b))
	}
	n := lineNames{}
	return common(n.all(a), n.all(b))
}

// fewLines are so few that looking at each is faster than a table.
const fewLines = 48

// namesOfFew numbers few lines so that equal ones have one number.
func namesOfFew(a, b []string) (ofA, ofB []rune) {
	var known [fewLines]string
	names, n := make([]rune, 0, len(a)+len(b)), 0
	for _, lines := range [][]string{a, b} {
		for _, line := range lines {
			at := slices.Index(known[:n], line)
			if at < 0 {
				at = n
				known[n] = line
				n++
			}
			names = append(names, rune(at))
		}
	}
	return names[:len(a)], names[len(a):]
}
