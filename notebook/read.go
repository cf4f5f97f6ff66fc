package notebook

import (
	"bytes"
	"slices"
	"strings"
)

// A CellType is the kind of a cell. Notebooks may hold types that are not
// named here; they are kept and not rendered.
type CellType string

// The types of cells in format v4, into which older formats are read.
const (
	Code     CellType = "code"
	Markdown CellType = "markdown"
	Raw      CellType = "raw"
)

// A Notebook is a notebook of any format, in the terms of v4.
type Notebook struct {
	// Format and Minor are the file's own nbformat, as in 4 and 5.
	Format, Minor int
	Kernel        Kernel
	Language      Language
	Cells         []Cell
	// Metadata is the notebook's metadata, the JSON text as it stands in the
	// file; nil where there is none.
	Metadata []byte

	mime, extension string // of the plain script
}

// A Kernel is what the notebook says about the kernel it was written for.
type Kernel struct {
	Name, DisplayName, Language string
}

// A Language is what the kernel said about its language.
type Language struct {
	Name, FileExtension, Exporter string
}

// A Cell is one cell of a notebook.
type Cell struct {
	// ID is the cell's id; only format v4.5 has ids.
	ID     string
	Type   CellType
	Source string
	Tags   []string
	// ExecutionCount is the number in the cell's prompt, 0 where it has none.
	ExecutionCount int
	// Metadata is the cell's metadata, the JSON text as it stands in the file;
	// nil where there is none.
	Metadata []byte

	mime       string // a raw cell's mime type
	hidden     bool   // transient.remove_source of nbconvert 6
	hiddenMeta bool   // metadata.transient.remove_source of nbconvert 7
}

// HasTag reports whether the cell has the tag.
func (c *Cell) HasTag(tag string) bool {
	return slices.Contains(c.Tags, tag)
}

// Read reads a notebook of any format from v1 to v4.5. It is lenient: it takes
// what it can render, where nbconvert and [ReadStrict] insist on the schema. An
// error is an [*Error].
func Read(data []byte) (*Notebook, error) {
	_, nb, err := read(data)
	return nb, err
}

func read(data []byte) (*document, *Notebook, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil, fileError("the file is empty")
	}
	doc, err := parseJSON(data)
	if err != nil {
		return nil, nil, err
	}
	r := reader{document: doc}
	nb, err := r.notebook()
	return doc, nb, err
}

// A reader makes a Notebook of a document.
type reader struct{ *document }

func (r reader) notebook() (*Notebook, error) {
	if r.root.kind != kindObject {
		return nil, fileError("not a notebook: expected a JSON object")
	}
	nb := &Notebook{Format: 1}
	if v := r.get(r.root, "nbformat"); v.kind != kindNone {
		var ok bool
		if nb.Format, ok = r.integer(v); !ok || nb.Format < 1 || nb.Format > 4 {
			return nil, fileError("unsupported nbformat %s; formats 1 to 4 can be read", r.raw(v))
		}
	} else if r.get(r.root, "cells").kind == kindNone {
		return nil, fileError("not a notebook: it has neither nbformat nor cells")
	}
	nb.Minor, _ = r.integer(r.get(r.root, "nbformat_minor"))
	r.metadata(nb, r.get(r.root, "metadata"))
	if err := r.cells(nb); err != nil {
		return nil, err
	}
	return nb, nil
}

func (r reader) metadata(nb *Notebook, meta value) {
	if meta.kind != kindNone {
		nb.Metadata = r.raw(meta)
	}
	spec := r.get(meta, "kernelspec")
	nb.Kernel = Kernel{
		Name:        r.text(r.get(spec, "name")),
		DisplayName: r.text(r.get(spec, "display_name")),
		Language:    r.text(r.get(spec, "language")),
	}
	info := r.get(meta, "language_info")
	nb.mime, nb.extension = "text/plain", ".txt"
	if v := r.get(info, "mimetype"); v.kind != kindNone {
		nb.mime = r.text(v)
	}
	if v := r.get(info, "file_extension"); v.kind != kindNone {
		nb.extension = r.text(v)
	}
	nb.Language = Language{
		Name:          r.text(r.get(info, "name")),
		FileExtension: r.text(r.get(info, "file_extension")),
		Exporter:      r.text(r.get(info, "nbconvert_exporter")),
	}
}

func (r reader) cells(nb *Notebook) error {
	if nb.Format >= 4 || nb.Format == 1 {
		cells := r.get(r.root, "cells")
		if cells.kind != kindArray {
			return fileError("not a notebook: it has no list of cells")
		}
		return r.appendCells(nb, cells)
	}
	for _, sheet := range r.get(r.root, "worksheets").kids {
		if err := r.appendCells(nb, r.get(sheet, "cells")); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) appendCells(nb *Notebook, cells value) error {
	if cells.kind != kindArray {
		return nil
	}
	for _, v := range cells.kids {
		cell := Cell{Type: CellType(r.text(r.get(v, "cell_type")))}
		r.cellMetadata(&cell, v)
		if !r.source(nb.Format, &cell, v) {
			return &Error{Cell: len(nb.Cells) + 1, Msg: "its source is neither a string nor a list of strings"}
		}
		nb.Cells = append(nb.Cells, cell)
	}
	return nil
}

func (r reader) cellMetadata(cell *Cell, v value) {
	cell.ID = r.text(r.get(v, "id"))
	cell.ExecutionCount, _ = r.integer(r.get(v, "execution_count"))
	meta := r.get(v, "metadata")
	if meta.kind != kindNone {
		cell.Metadata = r.raw(meta)
	}
	for _, tag := range r.get(meta, "tags").kids {
		if tag.kind == kindString {
			cell.Tags = append(cell.Tags, r.text(tag))
		}
	}
	cell.mime = r.text(r.get(meta, "raw_mimetype"))
	cell.hidden = r.truthy(r.get(r.get(v, "transient"), "remove_source"))
	cell.hiddenMeta = r.truthy(r.get(r.get(meta, "transient"), "remove_source"))
}

// truthy is Python's bool of a value.
func (r reader) truthy(v value) bool {
	switch v.kind {
	case kindNone, kindNull, kindFalse:
		return false
	case kindString:
		return v.end > v.start
	case kindArray, kindObject:
		return len(v.kids) > 0
	case kindNumber:
		return strings.ContainsAny(strings.ToLower(string(r.raw(v))), "123456789ni")
	default:
		return true
	}
}

// joined returns the text of a string or a list of strings; join chooses what
// stands between the strings of a list.
func (r reader) joined(v value, join func(first string) string) (string, bool) {
	switch v.kind {
	case kindNone, kindNull:
		return "", true
	case kindString:
		return r.text(v), true
	case kindArray:
		return r.joinedList(v, join)
	default:
		return "", false
	}
}

func (r reader) joinedList(v value, join func(first string) string) (string, bool) {
	between, size := "", 0
	for _, kid := range v.kids {
		if kid.kind != kindString {
			return "", false
		}
		size += kid.end - kid.start + 1
	}
	buf := make([]byte, 0, size)
	for i, kid := range v.kids {
		if i == 0 {
			between = join(r.text(kid))
		} else {
			buf = append(buf, between...)
		}
		buf = r.appendText(buf, kid)
	}
	return string(buf), true
}
