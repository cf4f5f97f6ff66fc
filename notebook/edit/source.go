package edit

import (
	"bytes"
	"slices"
)

// SourceKey returns the key of a cell's source in the notebook's format.
func (f *File) SourceKey(cell Value) string {
	kind := cell.Get("cell_type").Text()
	switch {
	case f.Notebook.Format == 1 && kind == "code":
		return "code"
	case f.Notebook.Format == 1:
		return "text"
	case f.Notebook.Format <= 3 && kind == "code":
		return "input"
	}
	return "source"
}

// TextLines returns for each line of a text the line of the file on which it
// stands, from 1. The text is a string or a list of strings, one behind another;
// lines of one string all stand on its line.
func (f *File) TextLines(text Value) []int {
	if !text.Is('[') {
		return []int{f.Line(text)}
	}
	var lines []int
	for _, item := range text.Items() {
		n := len(lineEnds(item.Raw()))
		if !bytes.HasSuffix(item.Raw(), []byte(`\n"`)) {
			n++
		}
		for range n {
			lines = append(lines, f.Line(item))
		}
	}
	return lines
}

// DropLines takes lines, counted from 1, out of a source. It is false where the
// source is not written as one line an item, or as one string.
func (f *File) DropLines(source Value, lines []int) ([]Change, bool) {
	if source.Is('"') {
		return dropFromText(source, lines), true
	}
	items := source.Items()
	for i, item := range items {
		ends := lineEnds(item.Raw())
		whole := len(ends) == 1 && ends[0] == item.end-item.start-1
		if !whole && (len(ends) > 0 || i < len(items)-1) {
			return nil, false
		}
	}
	drop := func(i int) bool { return slices.Contains(lines, i+1) }
	changes := source.Drop(drop)
	last := len(items) - 1
	if last < 0 || !drop(last) {
		return changes, true
	}
	for last >= 0 && drop(last) {
		last--
	}
	if last >= 0 { // its line end would begin an empty line
		end := items[last].end
		changes = append(changes, Change{start: end - 3, end: end - 1})
	}
	return changes, true
}

// lineEnds returns where the lines of a JSON string end: behind each \n.
func lineEnds(raw []byte) []int {
	var ends []int
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if i++; raw[i] == 'n' {
			ends = append(ends, i+1)
		}
	}
	return ends
}

func dropFromText(source Value, lines []int) []Change {
	raw := source.Raw()
	ends := append(lineEnds(raw), len(raw)-1)
	var changes []Change
	start, keptEnd := 1, -1
	for i, end := range ends {
		if slices.Contains(lines, i+1) {
			changes = append(changes, Change{start: source.start + start, end: source.start + end})
		} else {
			keptEnd = end
		}
		start = end
	}
	if slices.Contains(lines, len(ends)) && keptEnd > 0 {
		changes = append(changes, Change{start: source.start + keptEnd - 2, end: source.start + keptEnd})
	}
	return changes
}
