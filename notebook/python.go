package notebook

import (
	"slices"
	"strconv"
	"strings"
)

// A Profile names the versions of nbconvert, IPython and Python whose output
// is rendered.
type Profile int

// The profiles.
const (
	// IPython9 is nbconvert 7.17.1 with IPython 9.16.1 on Python 3.13, the
	// default.
	IPython9 Profile = iota
	// IPython8 is nbconvert 6.5.3 with IPython 8.5.0 on Python 3.11.
	IPython8
	// NoIPython is nbconvert without IPython beside it: magics stay as they
	// stand.
	NoIPython
)

// ParseProfile returns the profile of a name: ipython9, ipython8 or noipython.
func ParseProfile(name string) (Profile, error) {
	switch name {
	case "ipython9":
		return IPython9, nil
	case "ipython8":
		return IPython8, nil
	case "noipython":
		return NoIPython, nil
	}
	return 0, fileError("unknown profile %q; there are ipython9, ipython8 and noipython", name)
}

// Options are nbconvert's options; the zero value is its default.
type Options struct {
	Profile Profile
	// NoPrompt leaves out the "# In[1]:" lines (--no-prompt).
	NoPrompt bool
	// NoInput leaves out code cells (--no-input).
	NoInput bool
	// NoMarkdown and NoRaw leave out these cells
	// (--TemplateExporter.exclude_markdown, exclude_raw).
	NoMarkdown, NoRaw bool
	// RemoveCellTags drops cells with one of these tags
	// (--TagRemovePreprocessor.remove_cell_tags).
	RemoveCellTags []string
	// RemoveInputTags drops the text of cells with one of these tags
	// (remove_input_tags).
	RemoveInputTags []string
	// RemoveOutputsTags drops the prompt numbers of code cells with one of
	// these tags, as nbconvert does besides dropping outputs
	// (remove_all_outputs_tags).
	RemoveOutputsTags []string
	// RemovePatterns drops cells whose text begins with one of these
	// (--RegexRemovePreprocessor.patterns).
	RemovePatterns []*Pattern
}

// Python renders what nbconvert's python exporter renders, byte for byte. An
// error is an [*Error].
func (n *Notebook) Python(o Options) ([]byte, error) {
	size := 64
	for i := range n.Cells {
		size += len(n.Cells[i].Source) + 32
	}
	out := append(make([]byte, 0, size), "#!/usr/bin/env python\n# coding: utf-8\n"...)
	for i := range n.Cells {
		start := len(out)
		var err error
		if out, err = o.appendCell(out, &n.Cells[i]); err == nil {
			err = writable(out[start:])
		}
		if err != nil {
			return nil, inCell(err, i, &n.Cells[i])
		}
	}
	return out, nil
}

// writable says which character of a cell's text cannot be written.
func writable(text []byte) error {
	if r, ok := surrogateIn(string(text)); ok {
		return fileError(`it holds the lone surrogate \u%04x, which UTF-8 cannot write`, r)
	}
	return nil
}

// inCell completes an error that happened in cell i.
func inCell(err error, i int, cell *Cell) error {
	if e, ok := err.(*Error); ok { //nolint:errorlint // our own, never wrapped
		e.Cell, e.ID = i+1, cell.ID
	}
	return err
}

func (o Options) appendCell(out []byte, c *Cell) ([]byte, error) {
	if o.removed(c) || o.hidden(c) {
		return out, nil
	}
	switch {
	case c.Type == Code && !o.NoInput:
		return o.appendCode(out, c)
	case c.Type == Markdown && !o.NoMarkdown:
		out = append(out, '\n')
		out = appendComment(out, c.Source)
	case c.Type == Raw && !o.NoRaw && c.rawFor("text/x-python"):
		out = append(out, c.Source...)
	}
	return out, nil
}

// rawFor reports whether a raw cell goes into text of a mime type.
func (c *Cell) rawFor(mime string) bool {
	own := strings.ToLower(c.mime)
	return own == "" || own == mime
}

// removed reports whether the cell is taken out.
func (o Options) removed(c *Cell) bool {
	return anyTag(c, o.RemoveCellTags) ||
		slices.ContainsFunc(o.RemovePatterns, func(p *Pattern) bool { return p.match(c.Source) })
}

// hidden reports whether the cell's text is taken out.
func (o Options) hidden(c *Cell) bool {
	if anyTag(c, o.RemoveInputTags) {
		return true
	}
	if o.Profile == IPython8 {
		return c.hidden
	}
	return c.hiddenMeta
}

func (o Options) appendCode(out []byte, c *Cell) ([]byte, error) {
	source := c.Source
	if o.Profile != NoIPython {
		var err error
		if source, err = transform(source, o.Profile); err != nil {
			return nil, err
		}
	}
	if !o.NoPrompt {
		out = append(out, "\n# In["...)
		if c.ExecutionCount == 0 || anyTag(c, o.RemoveOutputsTags) {
			out = append(out, ' ')
		} else {
			out = strconv.AppendInt(out, int64(c.ExecutionCount), 10)
		}
		out = append(out, "]:\n\n"...)
	}
	out = append(out, '\n')
	out = append(out, source...)
	return append(out, '\n'), nil
}

// appendComment appends text as a comment, with the end of its last line.
func appendComment(out []byte, text string) []byte {
	out = append(out, "# "...)
	for {
		line, rest, more := strings.Cut(text, "\n")
		out = append(out, line...)
		out = append(out, '\n')
		if !more {
			return out
		}
		out = append(out, "# "...)
		text = rest
	}
}

func anyTag(c *Cell, tags []string) bool {
	return slices.ContainsFunc(tags, c.HasTag)
}
