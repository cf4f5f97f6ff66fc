package diff

import (
	"fmt"
	"slices"

	"github.com/slipway-cd/slipway/notebook"
)

// A Conflict is a place in a merged notebook that a person has to look at.
type Conflict struct {
	// Cell is the number of the cell in the merged notebook, from 1.
	Cell int
	// ID is the cell's id, where it has one.
	ID string
	// Msg says what both sides did.
	Msg string
}

// String says it in one line.
func (c Conflict) String() string {
	if c.ID != "" {
		return fmt.Sprintf("cell %d [%s]: %s", c.Cell, c.ID, c.Msg)
	}
	return fmt.Sprintf("cell %d: %s", c.Cell, c.Msg)
}

// Labels name the two sides in conflict markers, and say how long the markers
// are. The zero value is ours, theirs and git's seven characters.
type Labels struct {
	Ours, Theirs string
	Size         int
}

// Merge merges what two notebooks made of a third.
//
// Only sources conflict: where both sides changed the same lines, or one changed
// a cell that the other removed, the cell holds both versions between conflict
// markers. An attachment that both changed is a conflict too, and stays ours.
// Everything else has a rule:
//
//   - Cells that both sides added at one place are both kept, ours first.
//   - A cell that both sides moved stays where we moved it.
//   - Outputs and execution count come together from the side whose source the
//     merged cell has. Where it has both sides' source and both ran it, they are
//     ours; where it has neither's they are removed, for nobody ran that source.
//   - Metadata merge key by key; where both sides changed one, ours stays. Tags
//     merge as a set.
//   - The higher format wins. Ids that it needs and that are missing are made,
//     and where two cells have the same id the second gets another one.
//
// An error is a [*notebook.Error] that says which of the three cannot be merged.
func Merge(base, ours, theirs *Document, l Labels) (*Document, []Conflict, error) {
	for i, d := range []*Document{base, ours, theirs} {
		if d.older {
			return nil, nil, &notebook.Error{Msg: [...]string{"the base", "our side", "their side"}[i] + " is of an older format than v4; save it with a current Jupyter first"}
		}
	}
	switch {
	case base.Equal(theirs), ours.Equal(theirs):
		return ours, nil, nil
	case base.Equal(ours):
		return theirs, nil, nil
	}
	m := merger{base: base, ours: ours, theirs: theirs, labels: l}
	out := m.merge()
	switch {
	case out.Equal(ours):
		return ours, m.conflicts, nil
	case out.Equal(theirs):
		return theirs, m.conflicts, nil
	}
	return out, m.conflicts, nil
}

type merger struct {
	base, ours, theirs *Document
	labels             Labels
	conflicts          []Conflict
}

func (m *merger) merge() *Document {
	root := merge3(without3(m.base.root), without3(m.ours.root), without3(m.theirs.root))
	if !equal(m.base.root.get("nbformat_minor"), m.theirs.root.get("nbformat_minor")) && minor(m.theirs.root) > minor(root) {
		root = root.with("nbformat_minor", m.theirs.root.get("nbformat_minor"))
	}
	nodes := m.order()
	cells := make([]*value, 0, len(nodes))
	for _, n := range nodes {
		cells = append(cells, m.cell(n, len(cells)+1))
	}
	cells = m.mend(root, cells)
	for i := range m.conflicts {
		m.conflicts[i].ID = cells[m.conflicts[i].Cell-1].str("id")
	}
	return newDocument(inPlace(m.ours.root, root, newList(cells...)), m.ours.style)
}

// without3 takes away what is merged apart.
func without3(root *value) *value { return root.with("cells", nil) }

// inPlace puts the cells where our side has them.
func inPlace(ours, root, cells *value) *value {
	out := newObject()
	at := slices.Index(ours.keys, "cells")
	for i, key := range root.keys {
		if i == at {
			out.keys, out.kids = append(out.keys, "cells"), append(out.kids, cells)
		}
		out.keys, out.kids = append(out.keys, key), append(out.kids, root.kids[i])
	}
	if at >= len(root.keys) {
		out.keys, out.kids = append(out.keys, "cells"), append(out.kids, cells)
	}
	return out
}

func minor(root *value) int {
	n, err := integer(root.get("nbformat_minor"))
	if err != nil {
		return 0
	}
	return n
}

// merge3 merges a value that is no text to be shown: by its keys if it is an
// object, as a set if it is a list of tags. Ours stays where both changed it. A
// value may be absent, which is nil.
func merge3(base, ours, theirs *value) *value {
	switch {
	case equal(base, ours):
		return preferring(ours, theirs)
	case equal(base, theirs), equal(ours, theirs), !isKind(kindObject, ours, theirs):
		return ours
	}
	var out edits
	for _, key := range mergedKeys(ours, theirs) {
		from := base.get(key)
		if key == "tags" && isKind(kindList, ours.get(key), theirs.get(key)) {
			out.set(key, mergeTags(from, ours.get(key), theirs.get(key)))
			continue
		}
		out.set(key, merge3(from, ours.get(key), theirs.get(key)))
	}
	return out.of(ours)
}

// preferring returns b, as a wrote it if they are equal.
func preferring(a, b *value) *value {
	if equal(a, b) {
		return a
	}
	return b
}

func isKind(k kind, vs ...*value) bool {
	return !slices.ContainsFunc(vs, func(v *value) bool { return v == nil || v.kind != k })
}

func mergedKeys(a, b *value) []string {
	keys := slices.Clone(a.keys)
	for _, key := range b.keys {
		if a.index(key) < 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// mergeTags keeps our tags without those they removed, and adds those they added.
func mergeTags(base, ours, theirs *value) *value {
	var before []*value
	if isKind(kindList, base) {
		before = base.kids
	}
	has := func(list []*value, v *value) bool {
		return slices.ContainsFunc(list, func(other *value) bool { return equal(v, other) })
	}
	out := newList()
	for _, tag := range ours.kids {
		if !has(before, tag) || has(theirs.kids, tag) {
			out.kids = append(out.kids, tag)
		}
	}
	for _, tag := range theirs.kids {
		if !has(before, tag) && !has(ours.kids, tag) {
			out.kids = append(out.kids, tag)
		}
	}
	return preferring(ours, preferring(theirs, out))
}
