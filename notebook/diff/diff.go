package diff

import (
	"slices"
	"sync"
)

// A Diff is what differs between two notebooks.
type Diff struct {
	// Notebook is what differs outside of the cells.
	Notebook []Item
	// Cells are the cells that differ, in the order of the second notebook;
	// those that were removed stand where they were.
	Cells []Cell

	ops []op
}

// A Cell is one cell that differs.
type Cell struct {
	// Before and After are the cell in either notebook; nil where it is not.
	Before, After *Side
	// Moved says that the cell stands in another place among the others.
	Moved bool
	// Source are the lines of its source, all of them, with what became of each.
	// It is empty where the source is the same.
	Source []Line
	// Outputs and Details are what else differs; Details is id, type, execution
	// count, metadata and attachments.
	Outputs, Details []Item
}

// A Side is a cell as one of the notebooks has it.
type Side struct {
	Number int // from 1
	ID     string
	Type   string
	Source string
}

// Compare finds what differs between two notebooks.
func Compare(a, b *Document, o Options) *Diff {
	al := align(a, b)
	os := opser{ignored: o.paths(), cells: al.inOrder}
	d := &Diff{ops: os.mapping("", a.root, b.root)}
	d.Notebook = notebookItems(d.ops)
	c := cellLister{a: a, b: b, moved: map[int]int{}, gone: map[int]bool{}, ops: cellOps(d.ops), noOutputs: o.IgnoreOutputs}
	for _, p := range al.moved {
		c.moved[p.b], c.gone[p.a] = p.a, true
		c.ops[p.a] = os.item("/cells/*", a.cells[p.a], b.cells[p.b])
	}
	d.Cells = c.list(al.inOrder)
	return d
}

// Empty reports whether nothing differs.
func (d *Diff) Empty() bool { return len(d.ops) == 0 }

// JSON returns the operations that make the second notebook of the first, in the
// format of nbdime. What the options ignore is not among them.
func (d *Diff) JSON() []byte { return opsJSON(d.ops) }

// cellOps returns the operations on each cell that stayed.
func cellOps(ops []op) map[int][]op {
	byCell := map[int][]op{}
	for _, o := range ops {
		if o.key == "cells" && o.op == "patch" {
			for _, one := range o.diff {
				if one.op == "patch" {
					byCell[one.index] = one.diff
				}
			}
		}
	}
	return byCell
}

// A cellLister lists the cells that differ.
type cellLister struct {
	a, b  *Document
	ops   map[int][]op // by the cell's place in a
	moved map[int]int  // from the place in b to that in a
	gone  map[int]bool // places in a whose cell is shown where it went
	cells []Cell

	noOutputs bool
}

func (c *cellLister) list(inOrder []pair) []Cell {
	at := pair{}
	for _, p := range append(slices.Clone(inOrder), pair{len(c.a.cells), len(c.b.cells)}) {
		for ; at.a < p.a; at.a++ {
			if !c.gone[at.a] {
				c.add(at.a, -1, false)
			}
		}
		for ; at.b < p.b; at.b++ {
			if from, ok := c.moved[at.b]; ok {
				c.add(from, at.b, true)
			} else {
				c.add(-1, at.b, false)
			}
		}
		if p.a < len(c.a.cells) && p.b < len(c.b.cells) {
			c.add(p.a, p.b, false)
		}
		at = pair{p.a + 1, p.b + 1}
	}
	c.sources()
	return c.cells
}

// sources compares the cells' sources, on all processors.
func (c *cellLister) sources() {
	if len(c.cells) <= sourcesAtOnce {
		compareSources(c.cells)
		return
	}
	var group sync.WaitGroup
	for part := range slices.Chunk(c.cells, sourcesAtOnce) {
		group.Go(func() { compareSources(part) })
	}
	group.Wait()
}

func compareSources(cells []Cell) {
	for i := range cells {
		cells[i].Source = lineDiff(cells[i].Before.source(), cells[i].After.source())
	}
}

// sourcesAtOnce is how many sources are worth a goroutine.
const sourcesAtOnce = 64

func (s *Side) source() string {
	if s == nil {
		return ""
	}
	return s.Source
}

// add lists a cell if it differs.
func (c *cellLister) add(i, j int, moved bool) {
	cell := Cell{Before: sideOf(c.a, i), After: sideOf(c.b, j), Moved: moved}
	switch {
	case cell.Before == nil:
		cell.Outputs = c.outputs(c.b.cells[j], '+')
	case cell.After == nil:
		cell.Outputs = c.outputs(c.a.cells[i], '-')
	default:
		ops := c.ops[i]
		if len(ops) == 0 && !moved {
			return
		}
		cell.Outputs, cell.Details = cellItems(ops)
	}
	c.cells = append(c.cells, cell)
}

func (c *cellLister) outputs(cell *value, op byte) []Item {
	if c.noOutputs {
		return nil
	}
	return wholeOutputs(cell, op)
}

func sideOf(d *Document, i int) *Side {
	if i < 0 {
		return nil
	}
	cell := d.cells[i]
	return &Side{Number: i + 1, ID: cell.str("id"), Type: cell.str("cell_type"), Source: cell.str("source")}
}
