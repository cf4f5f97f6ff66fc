package diff

import (
	"cmp"
	"slices"
	"strings"
)

// mergeText merges what two sides made of a text, line by line, and reports
// whether there are conflict markers in the result. Lines that lie next to each
// other collide, as with git.
func mergeText(base, ours, theirs string, l Labels) (string, bool) {
	switch {
	case base == ours:
		return theirs, false
	case base == theirs, ours == theirs:
		return ours, false
	}
	t := textMerger{
		base: strings.Split(base, "\n"), ours: strings.Split(ours, "\n"), theirs: strings.Split(theirs, "\n"), labels: l,
	}
	t.merge()
	return strings.Join(t.out, "\n"), t.conflict
}

type textMerger struct {
	base, ours, theirs []string
	labels             Labels
	out                []string
	conflict           bool
}

func (t *textMerger) merge() {
	ours := blocks(commonLines(t.base, t.ours), len(t.base), len(t.ours))
	theirs := blocks(commonLines(t.base, t.theirs), len(t.base), len(t.theirs))
	at, shiftA, shiftB := 0, 0, 0
	for len(ours)+len(theirs) > 0 {
		r := t.region(&ours, &theirs)
		t.out = append(t.out, t.base[at:r.from]...)
		a := t.ours[r.from+shiftA : r.to+shiftA+r.growA]
		b := t.theirs[r.from+shiftB : r.to+shiftB+r.growB]
		t.put(t.base[r.from:r.to], a, b)
		at, shiftA, shiftB = r.to, shiftA+r.growA, shiftB+r.growB
	}
	t.out = append(t.out, t.base[at:]...)
}

// A region is a stretch of the base that changes touch, and by how much it grew
// on either side.
type region struct{ from, to, growA, growB int }

// region takes the next changes off the two lists, as far as they touch.
func (t *textMerger) region(ours, theirs *[]block) region {
	r := region{from: len(t.base) + 1}
	for _, side := range []*[]block{ours, theirs} {
		if len(*side) > 0 {
			r.from = min(r.from, (*side)[0].a0)
		}
	}
	r.to = r.from
	take := func(side *[]block, grow *int) bool {
		if len(*side) == 0 || (*side)[0].a0 > r.to {
			return false
		}
		b := (*side)[0]
		r.to = max(r.to, b.a1)
		*grow += (b.b1 - b.b0) - (b.a1 - b.a0)
		*side = (*side)[1:]
		return true
	}
	for take(ours, &r.growA) || take(theirs, &r.growB) {
	}
	return r
}

// put writes a region: the side that changed it, or both between markers.
func (t *textMerger) put(base, ours, theirs []string) {
	switch {
	case slices.Equal(ours, theirs), slices.Equal(base, theirs):
		t.out = append(t.out, ours...)
		return
	case slices.Equal(base, ours):
		t.out = append(t.out, theirs...)
		return
	}
	t.conflict = true
	head := 0
	for head < min(len(ours), len(theirs)) && ours[head] == theirs[head] {
		head++
	}
	tail := 0
	for tail < min(len(ours), len(theirs))-head && ours[len(ours)-1-tail] == theirs[len(theirs)-1-tail] {
		tail++
	}
	t.out = append(t.out, ours[:head]...)
	t.out = append(t.out, conflictLines(t.labels, ours[head:len(ours)-tail], theirs[head:len(theirs)-tail])...)
	t.out = append(t.out, ours[len(ours)-tail:]...)
}

// conflictLines puts two versions between markers.
func conflictLines(l Labels, ours, theirs []string) []string {
	size := cmp.Or(max(l.Size, 0), 7)
	lines := []string{strings.Repeat("<", size) + " " + cmp.Or(l.Ours, "ours")}
	lines = append(lines, ours...)
	lines = append(lines, strings.Repeat("=", size))
	lines = append(lines, theirs...)
	return append(lines, strings.Repeat(">", size)+" "+cmp.Or(l.Theirs, "theirs"))
}
