package manifest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// An Upgraded is a manifest for a newer version of its shape.
type Upgraded struct {
	Data  []byte   `json:"-"` // the file; comments and all else are as they were
	From  int      `json:"from"`
	To    int      `json:"to"`
	Notes []string `json:"notes,omitempty"` // what the shape says to people
	Done  []string `json:"done,omitempty"`  // what was changed, a line each
	Left  []string `json:"left,omitempty"`  // what only a person can change, a line each
}

// Upgrade makes a manifest one for the newest version of its shape. data is the file
// that m was read from. Where the shape has no upgrade for a version in between, its
// notes say so.
func (m *Manifest) Upgrade(data []byte, shapes shape.Menu) Upgraded {
	newest := shapes.Lookup(m.Shape.Name)
	up := Upgraded{Data: data, From: m.Shape.Version, To: newest.Version}
	e := &edit{up: &up, lines: strings.SplitAfter(string(data), "\n")}
	for v := m.Shape.Version; v < newest.Version; v++ {
		i := slices.IndexFunc(newest.Upgrades, func(u shape.Upgrade) bool { return u.From == v })
		if i < 0 {
			up.Left = append(up.Left, fmt.Sprintf("the shape does not say what changes from version %d to the next", v))
			continue
		}
		u := newest.Upgrades[i]
		up.Notes = append(up.Notes, fmt.Sprintf("version %d: %s", v+1, u.Notes))
		e.upgrades = append(e.upgrades, u)
	}
	if up.From == up.To {
		return up
	}
	e.layer(m.tree.Get("run"), "run")
	for _, env := range m.tree.Get("environments").Members() {
		e.layer(env.Value.Get("run"), schema.Join("environments", env.Key)+".run")
	}
	if ref := m.tree.Get("shape"); strings.Contains(ref.Text(), "@") {
		e.replace(ref.Pos, ref.Text(), newest.Ref(), "shape is "+newest.Ref())
	}
	up.Data = []byte(strings.Join(e.apply(), ""))
	return up
}

// An edit changes a file's text at places that were read.
type edit struct {
	up       *Upgraded
	upgrades []shape.Upgrade
	lines    []string
	changes  []textChange
}

type textChange struct {
	pos      schema.Pos
	old, new string
	line     bool // the whole line goes
}

// layer changes the parameters of one layer of run.
func (e *edit) layer(run *schema.Value, path string) {
	for _, m := range run.Members() {
		name, value := m.Key, m.Value.Text()
		removed := false
		for _, u := range e.upgrades {
			if next, ok := u.Rename[name]; ok {
				name = next
			}
			if next, ok := u.Values[name][value]; ok {
				value = next
			}
			removed = removed || slices.Contains(u.Remove, name)
		}
		at := path + "." + m.Key
		switch {
		case removed:
			e.remove(m, at)
			continue
		case name != m.Key:
			e.replace(m.Pos, m.Key, name, fmt.Sprintf("%s is called %s", at, name))
		}
		if value != m.Value.Text() {
			e.replace(m.Value.Pos, m.Value.Text(), value, fmt.Sprintf("%s is %s", at, value))
		}
	}
}

// replace changes a word, which stands there as it is or in quotes.
func (e *edit) replace(pos schema.Pos, old, next, done string) {
	line := []rune(e.lines[pos.Line-1])
	from := pos.Col - 1
	if from < len(line) && (line[from] == '"' || line[from] == '\'') {
		from++
	}
	if from+len([]rune(old)) > len(line) || string(line[from:from+len([]rune(old))]) != old {
		e.up.Left = append(e.up.Left, fmt.Sprintf("line %d: %s", pos.Line, done))
		return
	}
	pos.Col = from + 1
	e.changes = append(e.changes, textChange{pos: pos, old: old, new: next})
	e.up.Done = append(e.up.Done, done)
}

// remove takes a line away that holds nothing but a parameter.
func (e *edit) remove(m schema.Member, path string) {
	line := strings.TrimSpace(e.lines[m.Pos.Line-1])
	alone := strings.HasPrefix(line, m.Key+":") && m.Value.Kind != schema.List && m.Value.Kind != schema.Map && m.Value.Kind != schema.Object
	if !alone || m.Value.Pos.Line != m.Pos.Line {
		e.up.Left = append(e.up.Left, fmt.Sprintf("line %d: %s is no more, take it out", m.Pos.Line, path))
		return
	}
	e.changes = append(e.changes, textChange{pos: m.Pos, line: true})
	e.up.Done = append(e.up.Done, path+" is taken out")
}

// apply makes the changes, the last in the file first, so that places stay right.
func (e *edit) apply() []string {
	slices.SortFunc(e.changes, func(a, b textChange) int {
		if a.pos.Line != b.pos.Line {
			return b.pos.Line - a.pos.Line
		}
		return b.pos.Col - a.pos.Col
	})
	for _, c := range e.changes {
		i := c.pos.Line - 1
		if c.line {
			e.lines[i] = ""
			continue
		}
		line := []rune(e.lines[i])
		at := c.pos.Col - 1
		e.lines[i] = string(line[:at]) + c.new + string(line[at+len([]rune(c.old)):])
	}
	return e.lines
}

// Changed reports whether there is anything to write.
func (u Upgraded) Changed(data []byte) bool { return !bytes.Equal(u.Data, data) }
