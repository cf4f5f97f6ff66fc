// Package edit changes parts of a notebook's file and leaves every other byte as
// it is: indentation, order of keys, escapes and line ends stay.
//
// Start with [Open]. [File.Root] and [File.Cells] lead to the file's values;
// [Value.Drop] and [Value.Replace] make changes of them, and [File.Apply] applies
// these all at once. The package is pure.
package edit

import (
	"bytes"
	"slices"
	"sort"

	"github.com/slipway-cd/slipway/notebook"
)

// A File is a notebook and the file it was read from.
type File struct {
	Notebook *notebook.Notebook

	data []byte
	ends []int // where lines end
}

// Open reads a notebook as [notebook.Read] does, whose errors it returns. The
// file keeps data, which must not change.
func Open(data []byte) (*File, error) {
	nb, err := notebook.Read(data)
	if err != nil {
		return nil, err
	}
	f := &File{Notebook: nb, data: data}
	for i := 0; ; i++ {
		n := bytes.IndexByte(data[i:], '\n')
		if n < 0 {
			return f, nil
		}
		i += n
		f.ends = append(f.ends, i)
	}
}

// Root returns the whole document.
func (f *File) Root() Value {
	s := scanner{data: f.data}
	return s.value()
}

// Cells returns the cells in the order of [notebook.Notebook.Cells]. In formats
// v2 and v3 they stand in worksheets.
func (f *File) Cells() []Value {
	var cells []Value
	for _, list := range f.CellLists() {
		cells = append(cells, list.Items()...)
	}
	return cells
}

// CellLists returns the lists that hold the cells: one, and in formats v2 and v3
// one for each worksheet.
func (f *File) CellLists() []Value {
	root := f.Root()
	if f.Notebook.Format >= 4 || f.Notebook.Format == 1 {
		return []Value{root.Get("cells")}
	}
	var lists []Value
	for _, sheet := range root.Get("worksheets").Items() {
		lists = append(lists, sheet.Get("cells"))
	}
	return lists
}

// Line returns the line of the file, counted from 1, on which a value begins.
func (f *File) Line(v Value) int {
	return sort.SearchInts(f.ends, v.start) + 1
}

// A Change puts text in the place of a part of the file.
type Change struct {
	start, end int
	text       string
}

// Apply returns the file with the changes, which must not overlap.
func (f *File) Apply(changes []Change) []byte {
	if len(changes) == 0 {
		return f.data
	}
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b Change) int { return a.start - b.start })
	out := make([]byte, 0, len(f.data))
	at := 0
	for _, c := range changes {
		out = append(append(out, f.data[at:c.start]...), c.text...)
		at = c.end
	}
	return append(out, f.data[at:]...)
}

// Replace puts JSON text in the place of a value. Text that is there already is
// no change.
func (v Value) Replace(text string) []Change {
	if string(v.Raw()) == text {
		return nil
	}
	return []Change{{v.start, v.end, text}}
}

// Drop takes out the members or items for whose index drop is true, with the
// commas and blanks that belong to them.
func (v Value) Drop(drop func(i int) bool) []Change {
	parts := v.parts()
	var kept []int
	for i := range parts {
		if !drop(i) {
			kept = append(kept, i)
		}
	}
	switch {
	case len(kept) == len(parts):
		return nil
	case len(kept) == 0:
		return []Change{{start: v.start + 1, end: v.end - 1}}
	}
	var changes []Change
	cut := func(start, end int) {
		if start < end {
			changes = append(changes, Change{start: start, end: end})
		}
	}
	cut(parts[0].start, parts[kept[0]].start)
	for n, i := range kept[1:] {
		cut(parts[kept[n]].end, parts[i-1].end)
	}
	cut(parts[kept[len(kept)-1]].end, parts[len(parts)-1].end)
	return changes
}
