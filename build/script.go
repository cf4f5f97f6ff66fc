package build

import (
	"bytes"
	"errors"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook"
)

// checkPython says whether Python could read a file, as far as its tokens tell.
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
	if fault := notebook.CheckPython(data); fault != nil {
		return slipway.Errorf(slipway.Invalid, "%s: line %d: %s", name, fault.Line, fault.Msg)
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

// notebook turns the notebook into a script, its settings, and its tests.
func (b *build) notebook() error {
	data, err := b.sources.require("build.notebook", b.Plan.Notebook)
	if err != nil {
		return err
	}
	file := path.Base(b.Plan.Notebook)
	glue, err := convert(file, data, b.Plan.Magics)
	if err != nil {
		return errNotebook(b.Plan.Notebook, err)
	}
	for _, s := range glue.Settings {
		b.record.Settings = append(b.record.Settings, Setting(s))
	}
	for _, p := range glue.Parameters {
		b.record.Parameters = append(b.record.Parameters, Parameter(p))
	}
	for _, w := range glue.Warnings {
		b.record.Warnings = append(b.record.Warnings, b.Plan.Notebook+": "+w.Error())
	}
	name := strings.TrimSuffix(file, ".ipynb")
	if len(glue.Tests) > 0 {
		b.record.Tests = name + "_tests.py"
		b.files[b.record.Tests], b.origin[b.record.Tests] = glue.Tests, "the test cells of "+b.Plan.Notebook
	}
	return b.add(slipway.KindScript, name+".py", b.Plan.Notebook, glue.Script)
}

func convert(name string, data []byte, magics map[string]notebook.Action) (*notebook.GlueScript, error) {
	nb, err := notebook.Read(data)
	if err != nil {
		return nil, err
	}
	return nb.Glue(notebook.GlueOptions{Name: name, Actions: magics})
}

// errNotebook puts the notebook's path before each cell and line.
func errNotebook(name string, err error) error {
	var all notebook.Errors
	if !errors.As(err, &all) {
		return slipway.Errorf(slipway.Invalid, "%s: %w", name, err)
	}
	lines := make([]string, len(all))
	for i, e := range all {
		lines[i] = name + ": " + e.Error()
	}
	return &slipway.Error{Kind: slipway.Invalid, Message: strings.Join(lines, "\n"), Err: err}
}
