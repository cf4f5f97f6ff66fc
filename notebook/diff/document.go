package diff

import (
	"slices"

	"github.com/slipway-cd/slipway/notebook"
)

// A Document is a notebook of format v4, as a file holds it.
type Document struct {
	root  *value
	style *style
	cells []*value // those of root
	older bool     // than v4, in its file
}

// Read reads a notebook of any format; older ones than v4 are read as v4, so
// that they can be compared, and are not fit for [Merge]. An error is a
// [*notebook.Error].
func Read(data []byte) (*Document, error) {
	text := string(data)
	st := styleOf(text)
	root, ok := parse(text, st)
	older := false
	if !ok || !current(root) {
		nb, err := notebook.Read(data) // which also says what is wrong
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, &notebook.Error{Msg: "not JSON"}
		}
		if older = nb.Format < 4; older {
			root = upgrade(root, nb)
		}
	}
	for i, cell := range root.list("cells") {
		if cell.kind != kindObject {
			return nil, &notebook.Error{Cell: i + 1, Msg: "it is not a JSON object"}
		}
	}
	joinLines(root)
	doc := newDocument(root, st)
	doc.older = older
	return doc, nil
}

// current reports whether a value is surely a notebook of format v4, one that
// [notebook.Read] takes too.
func current(root *value) bool {
	format, cells := root.get("nbformat"), root.get("cells")
	if format == nil || format.kind != kindNumber || format.text != "4" || cells == nil || cells.kind != kindList {
		return false
	}
	return !slices.ContainsFunc(cells.kids, func(cell *value) bool { return !isSource(cell.get("source")) })
}

// isSource reports whether a member is a text, or a list of texts.
func isSource(v *value) bool {
	switch {
	case v == nil, v.kind == kindText:
		return true
	case v.kind == kindList:
		return !slices.ContainsFunc(v.kids, func(line *value) bool { return line.kind != kindText })
	}
	return false
}

// Empty is the notebook that stands for a file that is not there.
func Empty() *Document {
	root := newObject().with("cells", newList()).with("metadata", newObject()).
		with("nbformat", newNumber("4")).with("nbformat_minor", newNumber("5"))
	return newDocument(root, &jupyter)
}

func newDocument(root *value, st *style) *Document {
	return &Document{root: root, style: st, cells: root.list("cells")}
}

// Bytes returns the document as a file. What was read and not changed comes out
// as it was, to the byte.
func (d *Document) Bytes() []byte {
	w := &writer{style: d.style}
	w.WriteString(d.style.before)
	w.value(d.root, 0)
	w.WriteString(d.style.after)
	return []byte(w.String())
}

// Equal reports whether two documents mean the same, however they are written.
func (d *Document) Equal(other *Document) bool { return equal(d.root, other.root) }

// Cells returns how many cells there are.
func (d *Document) Cells() int { return len(d.cells) }
