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
	seen := map[string]bool{}
	for i, cell := range cells {
		if cell.str("cell_type") == "code" {
			cell = filled(filled(cell, "outputs", newList()), "execution_count", null)
		}
		switch id := cell.str("id"); {
		case drop:
			cell = cell.with("id", nil)
		case withIDs && (id == "" || seen[id] && !m.twice(id)):
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

// twice reports whether one of the sides itself has two cells with an id.
func (m *merger) twice(id string) bool {
	for _, d := range []*Document{m.ours, m.theirs} {
		n := 0
		for _, cell := range d.cells {
			if cell.str("id") == id {
				n++
			}
		}
		if n > 1 {
			return true
		}
	}
	return false
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
