package diff

import (
	"cmp"
	"slices"
	"strings"
)

// An alignment says which cells of two notebooks are the same cell.
type alignment struct {
	inOrder []pair // those that kept their order
	moved   []pair // those that stand elsewhere now, in the order of b
}

// minLikeness is how alike the sources of one cell must be.
const minLikeness = 0.35

// movedLikeness is how alike they must be for a cell that stands elsewhere.
const movedLikeness = 0.7

// shortText is the length up to which any text may have become any other.
const shortText = 10

// align finds the cells that are the same: by id, then by equal source, then by
// the lines they have in common, then by the likeness of their words. What is
// left is looked for in another place.
func align(a, b *Document) alignment {
	c := newComparison(a, b)
	pairs := c.byID()
	pairs = c.fill(pairs, c.bySource)
	pairs = c.fill(pairs, c.byLines)
	pairs = c.fill(pairs, func(r block) []pair { return alike(r, c.like) })
	return alignment{inOrder: pairs, moved: c.byMove(pairs)}
}

// A comparison knows the cells of two notebooks.
type comparison struct{ a, b []cellFacts }

// cellFacts are what cells are recognised by.
type cellFacts struct {
	id     string
	kind   string
	source string
	name   rune // equal for cells of one type with one source
	words  sketch
	named  bool // its id is on the other side too: it is that cell, and no other
}

func newComparison(a, b *Document) *comparison {
	n := cellNames{}
	return &comparison{factsOf(a, n), factsOf(b, n)}
}

func factsOf(d *Document, n cellNames) []cellFacts {
	facts := make([]cellFacts, len(d.cells))
	seen := make(map[string]int, len(d.cells))
	for i, cell := range d.cells {
		facts[i] = cellFacts{id: cell.str("id"), kind: cell.str("cell_type"), source: cell.str("source")}
		facts[i].name = n.of(&facts[i])
		seen[facts[i].id]++
	}
	for i := range facts {
		if seen[facts[i].id] > 1 {
			facts[i].id = "" // two cells share it, so it names neither
		}
	}
	return facts
}

// cellNames number cells so that those of one type with one source have one number.
type cellNames map[[2]string]rune

func (n cellNames) of(f *cellFacts) rune {
	key := [2]string{f.kind, f.source}
	name, ok := n[key]
	if !ok {
		name = rune(len(n))
		n[key] = name
	}
	return name
}

// fill lets a rule pair what lies between the pairs found so far.
func (c *comparison) fill(pairs []pair, rule func(block) []pair) []pair {
	out := slices.Clone(pairs)
	for _, r := range blocks(pairs, len(c.a), len(c.b)) {
		if r.a0 < r.a1 && r.b0 < r.b1 {
			out = append(out, rule(r)...)
		}
	}
	slices.SortFunc(out, func(x, y pair) int { return x.a - y.a })
	return out
}

// byID pairs the cells with the same id that kept their order. Ids that count
// the cells (0, 1, 2) change when one is inserted: where most of those who share
// an id differ in source, and would find their like without, ids say nothing.
func (c *comparison) byID() []pair {
	at := map[string]int{}
	for j, cell := range c.b {
		if cell.id != "" {
			at[cell.id] = j
		}
	}
	var pairs []pair
	same := 0
	for i, cell := range c.a {
		if j, ok := at[cell.id]; ok && cell.id != "" {
			pairs = append(pairs, pair{i, j})
			if cell.name == c.b[j].name {
				same++
			}
		}
	}
	if 2*same < len(pairs) && same < len(c.bySource(block{0, len(c.a), 0, len(c.b)})) {
		c.forgetIDs()
		return nil
	}
	for n, p := range pairs {
		a, b := &c.a[p.a], &c.b[p.b]
		a.named, b.named = true, true
		a.name, b.name = rune(-n-1), rune(-n-1)
	}
	return increasing(pairs)
}

func (c *comparison) forgetIDs() {
	for _, side := range [][]cellFacts{c.a, c.b} {
		for i := range side {
			side[i].id = ""
		}
	}
}

func (c *comparison) bySource(r block) []pair {
	name := func(cells []cellFacts) []rune {
		out := make([]rune, len(cells))
		for i, cell := range cells {
			out[i] = cell.name
		}
		return out
	}
	pairs := common(name(c.a[r.a0:r.a1]), name(c.b[r.b0:r.b1]))
	for i := range pairs {
		pairs[i].a += r.a0
		pairs[i].b += r.b0
	}
	return pairs
}

// byLines pairs cells of a large block by the lines they share.
func (c *comparison) byLines(r block) []pair {
	if (r.a1-r.a0)*(r.b1-r.b0) <= maxPairs {
		return nil // the likeness of all of them is looked at
	}
	a, ofA := linesOf(c.a[r.a0:r.a1])
	b, ofB := linesOf(c.b[r.b0:r.b1])
	votes := map[pair]int{}
	for _, p := range commonLines(a, b) {
		votes[pair{r.a0 + ofA[p.a], r.b0 + ofB[p.b]}]++
	}
	var best []pair
	for p := range votes {
		if c.mayPair(p.a, p.b) {
			best = append(best, p)
		}
	}
	slices.SortFunc(best, func(x, y pair) int {
		return cmp.Or(votes[y]-votes[x], x.a-y.a, x.b-y.b)
	})
	return increasing(once(best))
}

// once keeps the first pair of each element, and sorts them.
func once(pairs []pair) []pair {
	inA, inB := map[int]bool{}, map[int]bool{}
	var out []pair
	for _, p := range pairs {
		if !inA[p.a] && !inB[p.b] {
			inA[p.a], inB[p.b] = true, true
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(x, y pair) int { return x.a - y.a })
	return out
}

// linesOf returns the lines of cells, and which cell each is of. Lines with
// little in them tell nothing.
func linesOf(cells []cellFacts) (lines []string, of []int) {
	for i, cell := range cells {
		for line := range strings.Lines(cell.source) {
			if line = strings.TrimSpace(line); len(line) > 3 {
				lines, of = append(lines, line), append(of, i)
			}
		}
	}
	return lines, of
}

// like is how alike two cells are, if they may be one.
func (c *comparison) like(i, j int) float32 {
	if !c.mayPair(i, j) {
		return 0
	}
	a, b := &c.a[i], &c.b[j]
	short := len(a.source) <= shortText && len(b.source) <= shortText
	switch s := a.sketch().likeness(b.sketch()); {
	case s >= minLikeness:
		return s
	case short:
		return minLikeness
	}
	return 0
}

// mayPair reports whether two cells are of one type, and neither is another
// cell by its id.
func (c *comparison) mayPair(i, j int) bool {
	a, b := &c.a[i], &c.b[j]
	return a.kind == b.kind && !a.named && !b.named
}

func (f *cellFacts) sketch() sketch {
	if f.words == nil {
		f.words = sketchOf(f.source)
	}
	return f.words
}

// byMove pairs the cells that are left over.
func (c *comparison) byMove(pairs []pair) []pair {
	restA, restB := rest(pairs, len(c.a), len(c.b))
	var moved []pair
	moved, restA, restB = c.pairUp(moved, restA, restB, func(f *cellFacts) string { return f.id })
	moved, restA, restB = c.pairUp(moved, restA, restB, func(f *cellFacts) string {
		if len(f.source) <= shortText {
			return ""
		}
		return f.kind + "\x00" + f.source
	})
	moved = append(moved, c.movedAlike(restA, restB)...)
	slices.SortFunc(moved, func(x, y pair) int { return x.b - y.b })
	return moved
}

// rest returns the indexes that no pair has.
func rest(pairs []pair, lenA, lenB int) (a, b []int) {
	for _, r := range blocks(pairs, lenA, lenB) {
		for i := r.a0; i < r.a1; i++ {
			a = append(a, i)
		}
		for j := r.b0; j < r.b1; j++ {
			b = append(b, j)
		}
	}
	return a, b
}

// pairUp pairs the cells whose key is the same and not empty, in order.
func (c *comparison) pairUp(moved []pair, restA, restB []int, key func(*cellFacts) string) ([]pair, []int, []int) {
	at := map[string][]int{}
	for _, i := range restA {
		if k := key(&c.a[i]); k != "" {
			at[k] = append(at[k], i)
		}
	}
	taken := map[int]bool{}
	leftB := slices.DeleteFunc(slices.Clone(restB), func(j int) bool {
		k := key(&c.b[j])
		if len(at[k]) == 0 {
			return false
		}
		moved, at[k] = append(moved, pair{at[k][0], j}), at[k][1:]
		taken[moved[len(moved)-1].a] = true
		return true
	})
	leftA := slices.DeleteFunc(slices.Clone(restA), func(i int) bool { return taken[i] })
	return moved, leftA, leftB
}

// movedAlike pairs cells that were moved and edited.
func (c *comparison) movedAlike(restA, restB []int) []pair {
	if len(restA)*len(restB) > maxPairs {
		return nil
	}
	type scored struct {
		pair
		score float32
	}
	var all []scored
	for _, i := range restA {
		for _, j := range restB {
			if s := c.like(i, j); s >= movedLikeness && len(c.a[i].source) > shortText {
				all = append(all, scored{pair{i, j}, s})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y scored) int { return cmp.Compare(y.score, x.score) })
	pairs := make([]pair, len(all))
	for i, s := range all {
		pairs[i] = s.pair
	}
	return once(pairs)
}
