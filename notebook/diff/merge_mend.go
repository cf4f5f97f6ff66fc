package diff

import (
	"fmt"
)

// mend makes the merged cells those of a valid notebook of root's format: a code
// cell has outputs and an execution count, and from v4.5 on each cell an id of its
// own.
func (m *merger) mend(root *value, cells []*value) []*value {
	withIDs := minor(root) >= 5
	drop := !withIDs && max(minor(m.ours.root), minor(m.theirs.root)) >= 5
	seen, twice := map[string]bool{}, m.twice()
	for i, cell := range cells {
		if cell.str("cell_type") == "code" {
			cell = filled(filled(cell, "outputs", newList()), "execution_count", null)
		}
		switch id := cell.str("id"); {
		case drop:
			cell = cell.with("id", nil)
		case withIDs && (id == "" || seen[id] && !twice[id]):
			cell = cell.with("id", newText(newID(cell, seen)))
		}
		seen[cell.str("id")] = true
		cells[i] = cell
	}
	return cells
}

func filled(cell *value, key string, to *value) *value {
	if cell.get(key) == nil {
		return cell.with(key, to)
	}
	return cell
}

// twice are the ids that two cells have on one of the sides already.
func (m *merger) twice() map[string]bool {
	twice := map[string]bool{}
	for _, d := range []*Document{m.ours, m.theirs} {
		seen := map[string]bool{}
		for _, cell := range d.cells {
			id := cell.str("id")
			twice[id] = twice[id] || seen[id]
			seen[id] = true
		}
	}
	return twice
}

// newID makes an id of a cell's source, so that two people who merge the same
// get the same.
func newID(cell *value, seen map[string]bool) string {
	for seed := uint64(1); ; seed++ {
		id := fmt.Sprintf("%08x", hashText(seed, cell.str("source"))>>32)
		if !seen[id] {
			return id
		}
	}
}
