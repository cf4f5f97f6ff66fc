package lint

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/slipway-cd/slipway/leak"
	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/notebook/edit"
)

// Options say what is looked for; the zero value is the default.
type Options struct {
	// Select are the rules to apply, Ignore those to leave out: ids, names, or
	// the beginnings of ids, as in NB2. Without Select all apply.
	Select, Ignore []string
	// GlueVersion is the version whose modules imports are held against. Where
	// it is empty the notebook's %glue_version counts, and else no version does.
	GlueVersion string
	// Modules are modules that a worker has besides: helper modules that go with
	// the job, and what additional_python_modules names.
	Modules []string
	// HeavyOutput is how many bytes the outputs of a cell may have; 0 stands for
	// 100,000.
	HeavyOutput int
}

// A Position is a place in a notebook. Numbers count from 1; 0 says that the
// finding is not about one.
type Position struct {
	Cell     int    `json:"cell,omitempty"`
	ID       string `json:"id,omitempty"`     // the cell's
	Output   int    `json:"output,omitempty"` // the number of an output of the cell
	Line     int    `json:"line,omitempty"`   // of the cell's source, or of the output's text
	Column   int    `json:"column,omitempty"` // in characters
	FileLine int    `json:"file_line"`        // the line of the file
}

// String is the place as people read it: "cell 5 line 3".
func (p Position) String() string {
	if p.Cell == 0 {
		return "the notebook"
	}
	text := fmt.Sprintf("cell %d", p.Cell)
	if p.Output > 0 {
		text += fmt.Sprintf(" output %d", p.Output)
	}
	if p.Line > 0 {
		text += fmt.Sprintf(" line %d", p.Line)
	}
	return text
}

// A Finding is something that a rule has found.
type Finding struct {
	Rule     string   `json:"rule"`
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Fixable  bool     `json:"fixable"`
	Position

	mend mend
}

// A mend is how a finding is mended.
type mend uint8

const (
	mendNot mend = iota
	mendLine
	mendOutputs
)

// A Linter applies rules to notebooks. It may be used for several at once.
type Linter struct {
	options Options
	rules   map[string]bool
	secrets *leak.Finder
	modules map[string]map[string]bool // of each Glue version
}

// New returns a linter, or says what is wrong with the options.
func New(o Options) (*Linter, error) {
	ids, err := chosen(o.Select, o.Ignore)
	if err != nil {
		return nil, err
	}
	if o.HeavyOutput == 0 {
		o.HeavyOutput = 100_000
	}
	l := &Linter{options: o, rules: ids}
	if l.secrets, err = leak.New(); err != nil {
		return nil, err
	}
	if l.modules, err = glueModules(); err != nil {
		return nil, err
	}
	return l, nil
}

// Lint returns what the rules find, in the order of the notebook. Errors are
// those of [notebook.Read].
func (l *Linter) Lint(data []byte) ([]Finding, error) {
	f, err := edit.Open(data)
	if err != nil {
		return nil, err
	}
	return l.open(f).run(), nil
}

// Fix mends what can be mended safely, and returns the file and what it mended.
// A notebook in which there is nothing to mend comes back as it is.
func (l *Linter) Fix(data []byte) ([]byte, []Finding, error) {
	f, err := edit.Open(data)
	if err != nil {
		return nil, nil, err
	}
	var fixed []Finding
	for _, one := range l.open(f).run() {
		if one.Fixable {
			fixed = append(fixed, one)
		}
	}
	return f.Apply(changes(f, fixed)), fixed, nil
}

// changes returns the changes that mend findings, all of which can be mended.
func changes(f *edit.File, fixed []Finding) []edit.Change {
	lines := map[int][]int{}
	outputs := map[int]bool{}
	for _, one := range fixed {
		switch one.mend {
		case mendLine:
			lines[one.Cell] = append(lines[one.Cell], one.Line)
		case mendOutputs:
			outputs[one.Cell] = true
		case mendNot:
		}
	}
	var all []edit.Change
	for i, cell := range f.Cells() {
		if outputs[i+1] {
			all = append(all, cell.Get("outputs").Drop(func(int) bool { return true })...)
		}
		if len(lines[i+1]) > 0 {
			more, _ := f.DropLines(cell.Get(f.SourceKey(cell)), lines[i+1]) // it was asked before
			all = append(all, more...)
		}
	}
	return all
}

// A run is the linting of one notebook.
type run struct {
	*Linter
	file     *edit.File
	nb       *notebook.Notebook
	glue     bool // it was written for Glue
	cells    []*cell
	findings []Finding
	told     map[place]bool // where rules have found something
	known    map[string]Rule
	last     columnAt
}

// A columnAt is a place in a line, as a byte and as a character of it.
type columnAt struct {
	cell, line, bytes, chars int
}

// column returns the column, from 1 and in characters, of a byte of a line. It
// counts from the place that was asked for before, if it can.
func (r *run) column(c *cell, line, bytes int) int {
	text := c.lines[line-1]
	bytes = min(bytes, len(text))
	if r.last.cell != c.number || r.last.line != line || r.last.bytes > bytes {
		r.last = columnAt{cell: c.number, line: line}
	}
	r.last.chars += utf8.RuneCountInString(text[r.last.bytes:bytes])
	r.last.bytes = bytes
	return r.last.chars + 1
}

// A place is where a rule has found something.
type place struct {
	rule       string
	cell, line int
}

func (l *Linter) open(f *edit.File) *run {
	r := &run{Linter: l, file: f, nb: f.Notebook, glue: f.Notebook.LooksLikeGlue(), told: map[place]bool{}, known: map[string]Rule{}}
	for _, rule := range rules {
		r.known[rule.ID] = rule
	}
	for i, value := range f.Cells() {
		r.cells = append(r.cells, newCell(f, &r.nb.Cells[i], i+1, value, r.glue))
	}
	return r
}

func (r *run) run() []Finding {
	r.language()
	python := r.python()
	if python {
		r.syntax()
		r.names()
		r.leftovers()
		r.imports()
		r.commit()
	}
	if python && r.glue {
		r.build()
	}
	r.order()
	r.outputs()
	r.secretsInSource()
	r.places()
	out := slices.DeleteFunc(r.findings, func(f Finding) bool { return !r.rules[f.Rule] || r.silenced(f) })
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Cell, b.Cell), cmp.Compare(a.Output, b.Output), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(out)
}

// report adds a finding about a cell, or about one of its lines: both counted
// from 1, the column from 0 and in bytes.
func (r *run) report(id string, c *cell, line, column int, format string, args ...any) *Finding {
	rule := r.known[id]
	f := Finding{Rule: id, Name: rule.Name, Severity: rule.Severity, Message: fmt.Sprintf(format, args...)}
	f.Cell, f.ID, f.Line = c.number, c.ID, line
	f.FileLine = r.file.Line(c.value)
	if line > 0 && line <= len(c.lines) {
		f.Column = r.column(c, line, column)
		f.FileLine = lineIn(c.fileLines, line, f.FileLine)
	}
	r.findings = append(r.findings, f)
	r.told[place{id, c.number, line}] = true
	return &r.findings[len(r.findings)-1]
}

// lineIn returns the file's line of line n of a text; the last one where there
// are fewer, and otherwise where there are none.
func lineIn(lines []int, n, otherwise int) int {
	if len(lines) == 0 {
		return otherwise
	}
	return lines[min(n, len(lines))-1]
}

// build reports what the build says of a notebook for Glue.
func (r *run) build() {
	script, err := r.nb.Glue(notebook.GlueOptions{})
	if many, ok := errors.AsType[notebook.Errors](err); ok {
		for _, e := range many {
			r.said(Refused, e)
		}
	}
	if script != nil {
		for _, w := range script.Warnings {
			r.said(LeftOut, w)
		}
	}
}

// said reports what the build says, unless another rule has said it.
func (r *run) said(id string, e *notebook.Error) {
	if e.Cell < 1 || e.Cell > len(r.cells) {
		return
	}
	if r.told[place{Syntax, e.Cell, e.Line}] || r.told[place{Display, e.Cell, e.Line}] {
		return
	}
	r.report(id, r.cells[e.Cell-1], e.Line, 0, "%s", e.Msg)
}
