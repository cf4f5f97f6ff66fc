package build

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook"
)

// checkPython says whether Python could read a file at all.
func checkPython(name string, data []byte) error {
	switch at := bytes.IndexByte(data, 0); {
	case len(bytes.TrimSpace(data)) == 0:
		return slipway.Errorf(slipway.Invalid, "%s is empty", name)
	case !utf8.Valid(data):
		return slipway.Errorf(slipway.Invalid, "%s: line %d is not UTF-8", name, lineOfInvalid(data)).
			WithFix("save the file as UTF-8")
	case at >= 0:
		return slipway.Errorf(slipway.Invalid, "%s: line %d holds a NUL byte, so it is no Python", name, 1+bytes.Count(data[:at], []byte("\n")))
	}
	return nil
}

func lineOfInvalid(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[size:]
	}
	return line
}

// A Parameter is an argument that the notebook declares.
type Parameter struct {
	Name    string `json:"name"`
	Default string `json:"default,omitempty"`
}

// script makes what the runtime executes.
func (b *build) script() error {
	if b.Plan.Notebook != "" {
		return b.notebook()
	}
	if b.Plan.Script == "" {
		return nil
	}
	data, err := b.sources.require("build.script", b.Plan.Script)
	if err != nil {
		return err
	}
	if err := checkPython(b.Plan.Script, data); err != nil {
		return err
	}
	return b.add(slipway.KindScript, path.Base(b.Plan.Script), b.Plan.Script, data)
}

// notebook turns the notebook into a script.
func (b *build) notebook() error {
	data, err := b.sources.require("build.notebook", b.Plan.Notebook)
	if err != nil {
		return err
	}
	script, err := convert(data)
	if err != nil {
		return errNotebook(b.Plan.Notebook, err)
	}
	name := strings.TrimSuffix(path.Base(b.Plan.Notebook), ".ipynb") + ".py"
	return b.add(slipway.KindScript, name, b.Plan.Notebook, script)
}

func convert(data []byte) ([]byte, error) {
	nb, err := notebook.Read(data)
	if err != nil {
		return nil, err
	}
	return nb.Python(notebook.Options{})
}

// errNotebook puts the notebook's path before the cell and line.
func errNotebook(name string, err error) error {
	return slipway.Errorf(slipway.Invalid, "%s: %w", name, err)
}
