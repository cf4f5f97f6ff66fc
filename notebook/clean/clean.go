// Package clean takes out of a notebook what a run leaves behind: outputs,
// execution counts and volatile metadata. Code, and the file's formatting, stay.
//
// Start with [Clean]. What it takes out, and how cells say that they keep their
// outputs, is what nbstripout does; ids of cells stay as they are. The package is
// pure.
package clean

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/notebook/edit"
)

// Options say what stays and what else goes; the zero value is the default.
type Options struct {
	// KeepOutputs keeps all outputs. Where it is false a cell keeps its own if
	// it is tagged keep_output, or has keep_output or init_cell in its metadata;
	// keep_output in the notebook's metadata keeps all.
	KeepOutputs bool
	// KeepCounts keeps execution counts.
	KeepCounts bool
	// DropEmpty drops cells that hold nothing but blanks.
	DropEmpty bool
	// DropTagged drops cells with one of these tags.
	DropTagged []string
	// Keys are further keys to take out, as in "metadata.kernelspec" for the
	// notebook and "cell.metadata.slideshow" for its cells.
	Keys []string
	// KeepKeys are keys that stay, of [Keys].
	KeepKeys []string
}

// TagKeep is the tag of cells that keep their outputs.
const TagKeep = "keep_output"

// Keys returns the keys that are taken out by default: they change from run to
// run, or say how the notebook looked on somebody's screen.
func Keys() []string { return slices.Clone(volatile) }

//nolint:gochecknoglobals // immutable table
var volatile = []string{
	"metadata.signature",
	"metadata.widgets",
	"cell.metadata.collapsed",
	"cell.metadata.ExecuteTime",
	"cell.metadata.execution",
	"cell.metadata.heading_collapsed",
	"cell.metadata.hidden",
	"cell.metadata.scrolled",
}

// A Report counts what was taken out.
type Report struct {
	Outputs int `json:"outputs"`  // outputs
	Counts  int `json:"counts"`   // execution counts, those of outputs too
	Keys    int `json:"metadata"` // keys of metadata
	Cells   int `json:"cells"`    // cells
}

// Empty reports whether nothing was taken out.
func (r Report) Empty() bool { return r == Report{} }

// String says what was taken out, as in "3 outputs, 4 execution counts".
func (r Report) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{r.Outputs, "output"}, {r.Counts, "execution count"}, {r.Keys, "metadata key"}, {r.Cells, "cell"}} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 "+p.what)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", p.n, p.what))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// Check says what is wrong with the options.
func (o Options) Check() error {
	for _, key := range slices.Concat(o.Keys, o.KeepKeys) {
		head, rest, _ := strings.Cut(key, ".")
		if rest == "" || head != "cell" && head != "metadata" {
			return fmt.Errorf("the key %q must begin with \"metadata.\" or with \"cell.metadata.\", and go on", key)
		}
		if head == "cell" && !strings.HasPrefix(rest, "metadata.") {
			return fmt.Errorf("the key %q is none of a cell's metadata; write cell.metadata.NAME", key)
		}
	}
	return nil
}

// Clean returns the notebook's file without what a run leaves behind. A notebook
// that is clean already comes back as it is. Errors about the notebook are those
// of [notebook.Read].
func Clean(data []byte, o Options) ([]byte, Report, error) {
	if err := o.Check(); err != nil {
		return nil, Report{}, err
	}
	f, err := edit.Open(data)
	if err != nil {
		return nil, Report{}, err
	}
	c := &cleaner{options: o, file: f, keys: o.keys()}
	if err := c.run(); err != nil {
		return nil, Report{}, err
	}
	return f.Apply(c.changes), c.report, nil
}

// keys returns the paths to take out, those of cells and of the notebook.
func (o Options) keys() (keys [2][]string) {
	for _, key := range append(Keys(), o.Keys...) {
		if slices.Contains(o.KeepKeys, key) {
			continue
		}
		if path, ok := strings.CutPrefix(key, "cell.metadata."); ok {
			keys[ofCell] = append(keys[ofCell], path)
		} else {
			keys[ofNotebook] = append(keys[ofNotebook], strings.TrimPrefix(key, "metadata."))
		}
	}
	return keys
}

const (
	ofCell = iota
	ofNotebook
)

// A cleaner collects the changes that clean one notebook.
type cleaner struct {
	options Options
	file    *edit.File
	keys    [2][]string
	changes []edit.Change
	report  Report
}

func (c *cleaner) run() error {
	if last := c.file.Root().Get("metadata").Get("keep_output"); last.Exists() && !c.options.KeepOutputs {
		c.options.KeepOutputs = truthy(last)
	}
	c.members(c.file.Root(), "metadata", func(meta edit.Value) { c.dropKeys(meta, c.keys[ofNotebook]) })
	number := 0
	for _, list := range c.file.CellLists() {
		cells := list.Items()
		gone := make([]bool, len(cells))
		for i, cell := range cells {
			number++
			if gone[i] = c.goes(&c.file.Notebook.Cells[number-1]); gone[i] {
				c.report.Cells++
			} else if err := c.cell(cell, number); err != nil {
				return err
			}
		}
		c.changes = append(c.changes, list.Drop(func(i int) bool { return gone[i] })...)
	}
	return nil
}

// goes reports whether a cell is dropped.
func (c *cleaner) goes(cell *notebook.Cell) bool {
	blank := strings.IndexFunc(cell.Source, func(r rune) bool { return !unicode.IsSpace(r) && (r < 0x1c || r > 0x1f) }) < 0
	return c.options.DropEmpty && blank || slices.ContainsFunc(c.options.DropTagged, cell.HasTag)
}

// members calls fn for each member of an object with a key; there may be
// several, of which readers take the last.
func (c *cleaner) members(v edit.Value, key string, fn func(edit.Value)) {
	for _, m := range v.Members() {
		if m.Key == key {
			fn(m.Value)
		}
	}
}

func (c *cleaner) cell(cell edit.Value, number int) error {
	keep, err := c.keeps(cell.Get("metadata"))
	if err != nil {
		return &notebook.Error{Cell: number, ID: cell.Get("id").Text(), Msg: err.Error()}
	}
	for _, m := range cell.Members() {
		switch m.Key {
		case "outputs":
			c.outputs(m.Value, keep)
		case "execution_count", "prompt_number":
			c.count(m.Value)
		case "metadata":
			c.dropKeys(m.Value, c.keys[ofCell])
		}
	}
	return nil
}

// keeps reports whether a cell keeps its outputs.
func (c *cleaner) keeps(meta edit.Value) (bool, error) {
	if v := meta.Get("init_cell"); v.Exists() {
		return truthy(v), nil
	}
	tagged := slices.ContainsFunc(meta.Get("tags").Items(), func(tag edit.Value) bool { return tag.Text() == TagKeep })
	switch said := meta.Get("keep_output"); {
	case said.Exists() && tagged && !truthy(said):
		return false, fmt.Errorf("its metadata says keep_output: false, and its tags say %s; take one of them out", TagKeep)
	case said.Exists() || tagged:
		return tagged || truthy(said), nil
	}
	return c.options.KeepOutputs, nil
}

func (c *cleaner) outputs(list edit.Value, keep bool) {
	items := list.Items() // none of what is no list
	if !keep && len(items) == 0 {
		return
	}
	if !keep {
		c.report.Outputs += len(items)
		c.changes = append(c.changes, list.Drop(func(int) bool { return true })...)
		return
	}
	for _, output := range items {
		for _, key := range []string{"execution_count", "prompt_number"} {
			c.members(output, key, c.count)
		}
	}
}

// count makes an execution count null.
func (c *cleaner) count(v edit.Value) {
	if changes := v.Replace("null"); changes != nil && !c.options.KeepCounts {
		c.report.Counts++
		c.changes = append(c.changes, changes...)
	}
}

// dropKeys takes keys out of metadata. A path names a key with dots in it, or
// leads into the objects within.
func (c *cleaner) dropKeys(meta edit.Value, paths []string) {
	members := meta.Members()
	inner := map[int][]string{}
	gone := make([]bool, len(members))
	for _, path := range paths {
		head, rest, deep := strings.Cut(path, ".")
		whole := slices.ContainsFunc(members, func(m edit.Member) bool { return m.Key == path })
		for i, m := range members {
			switch {
			case m.Key == path:
				gone[i] = true
			case deep && !whole && m.Key == head:
				inner[i] = append(inner[i], rest)
			}
		}
	}
	for i, m := range members {
		if gone[i] {
			c.report.Keys++
		} else if len(inner[i]) > 0 {
			c.dropKeys(m.Value, inner[i])
		}
	}
	c.changes = append(c.changes, meta.Drop(func(i int) bool { return gone[i] })...)
}

// truthy is Python's bool of a value.
func truthy(v edit.Value) bool {
	switch raw := string(v.Raw()); raw {
	case "", "null", "false", `""`, "0", "0.0", "-0", "-0.0":
		return false
	default:
		return !v.Is('[') && !v.Is('{') || len(v.Items())+len(v.Members()) > 0
	}
}
