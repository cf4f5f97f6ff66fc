package notebook

import (
	"bytes"
	"strings"
)

// A Script is what nbconvert's script exporter makes of a notebook.
type Script struct {
	Text []byte
	// Extension is the extension of the file's name, as in ".py".
	Extension string
}

// Script renders what nbconvert's script exporter renders (--to script), byte
// for byte: what [Notebook.Python] renders where the notebook names that
// exporter, as those of IPython's kernel do, else the code as it stands. An
// error is an [*Error].
func (n *Notebook) Script(o Options) (Script, error) {
	switch name := n.Language.Exporter; {
	case strings.EqualFold(name, "python"):
		text, err := n.Python(o)
		return Script{Text: text, Extension: ".py"}, err
	case name != "" && name != "script":
		return Script{}, fileError("its metadata.language_info asks for nbconvert's exporter %q; only python and script can be had", name)
	}
	out := Script{Extension: n.extension}
	for i := range n.Cells {
		start := len(out.Text)
		out.Text = o.appendPlain(out.Text, &n.Cells[i], n.mime)
		if err := writable(out.Text[start:]); err != nil {
			return Script{}, inCell(err, i, &n.Cells[i])
		}
	}
	out.Text = bytes.TrimLeft(out.Text, "\r\n")
	return out, nil
}

// appendPlain appends a cell's text without transforming it.
func (o Options) appendPlain(out []byte, c *Cell, mime string) []byte {
	switch {
	case o.removed(c) || o.hidden(c):
	case c.Type == Code && !o.NoInput:
		out = append(out, '\n')
		out = append(out, c.Source...)
		out = append(out, '\n')
	case c.Type == Raw && !o.NoRaw && c.rawFor(mime):
		out = append(out, c.Source...)
	}
	return out
}
