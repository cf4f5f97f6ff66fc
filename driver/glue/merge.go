package glue

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// A wish is a plan's definition: what Glue is to have, whole. The handle of a
// deployment keeps it too, as Glue had it afterwards: that is the snapshot which
// later plans compare with, and which a rollback brings back.
type wish struct {
	definition
	// Ours are the cells that the manifest sets, and Kept those of them that were
	// left as somebody had changed them. A connection is a cell of its own here.
	Ours []string `json:"ours,omitempty"`
	Kept []string `json:"kept,omitempty"`
	// From are the cells that change, as they were; null: not there.
	From map[string]any `json:"from,omitempty"`
	// Replaces is the job's former name: what is there under it goes in the end.
	Replaces string `json:"replaces,omitempty"`
}

// definitionData is where a handle keeps its snapshot.
const definitionData = "definition"

// wishOf reads what a plan or a handle keeps; nil if there is nothing.
func wishOf(data []byte) (*wish, error) {
	if len(data) == 0 {
		return nil, nil
	}
	w := &wish{}
	if err := decode(data, w); err != nil {
		return nil, slipway.Errorf(slipway.Conflict, "the definition that was kept cannot be read: %w", err).
			WithFix("somebody changed it; plan again")
	}
	return w, nil
}

func snapshotOf(h slipway.Handle) (*wish, error) { return wishOf([]byte(h.Data[definitionData])) }

// A merge brings together what was deployed last, what is there, and what is wanted.
type merge struct {
	policy  slipway.DriftPolicy
	last    *wish // nil: nobody knows
	before  cells // of last
	begun   cells // of a deployment that was cut short
	there   cells
	wanted  cells           // a nil value: it must not be
	release map[string]bool // never kept
	former  *wish           // brought back to the letter: what is not wanted goes; nil: no

	result   cells
	ours     []string
	kept     []string
	warnings []string
	looking  bool     // nothing will be done, so that secrets need not be there
	lost     []string // secrets that are to come back, and are not there
	drifted  []string // cells that somebody changed
}

// run decides cell by cell.
func (m *merge) run() {
	m.result = cells{}
	for _, name := range union(m.before, m.there, m.wanted) {
		if foreignTag(name) && m.wanted[name] == nil && !m.was(name) {
			continue // a tag of others is none of ours
		}
		v := m.decide(name)
		if !m.looking && holdsWithheld(v) && !equal(name, v, m.there[name]) {
			v = m.unknown(name)
		}
		if v != nil {
			m.result[name] = v
		}
		if want := m.wanted[name]; want != nil {
			m.ours = append(m.ours, name)
		}
	}
	if m.result["WorkerType"] != nil {
		delete(m.result, "MaxCapacity")
	}
	m.dropTrigger()
	if m.former != nil {
		m.ours, m.kept = m.former.Ours, m.former.Kept
	}
}

// dropTrigger leaves nothing of a trigger that has no schedule.
func (m *merge) dropTrigger() {
	if m.result[triggerCells+"Schedule"] != nil {
		return
	}
	for name := range m.result {
		if strings.HasPrefix(name, triggerCells) {
			delete(m.result, name)
		}
	}
}

// was reports whether the manifest set the cell in the last deployment.
func (m *merge) was(name string) bool { return m.last != nil && slices.Contains(m.last.Ours, name) }

// outside reports whether somebody else changed the cell since the last deployment.
func (m *merge) outside(name string) bool {
	if m.last == nil || m.there == nil || as(name, m.there, m.before) {
		return false
	}
	if m.begun != nil && equal(name, m.there[name], m.begun[name]) {
		return false
	}
	return m.wanted[name] == nil || !equal(name, m.there[name], m.wanted[name])
}

// decide says what the cell is to be; nil: not there.
func (m *merge) decide(name string) any {
	want, set := m.wanted[name]
	outside := m.outside(name)
	if outside {
		m.drifted = append(m.drifted, name)
	}
	if m.keeps(name, outside) {
		return m.keep(name, set)
	}
	if name == "Connections.Connections" {
		return m.connections(outside)
	}
	switch {
	case set:
		return want
	case name == "GlueVersion" && m.there != nil:
		return m.there[name] // an update that names none leaves it as it is
	case m.former != nil, m.was(name):
		return nil
	case strings.HasPrefix(name, triggerCells):
		return m.triggerCell(name)
	case m.there == nil:
		return m.carry(name)
	case outside && m.policy == slipway.DriftOverwrite:
		return m.before[name]
	case outside, m.last == nil && !filled(name, m.there[name], m.there):
		m.warn(name)
	}
	return m.there[name]
}

// keeps reports whether the policy leaves the cell as somebody changed it.
func (m *merge) keeps(name string, outside bool) bool {
	if m.policy != slipway.DriftKeep || m.release[name] || strings.HasPrefix(name, ownTags) || m.there == nil {
		return false
	}
	return outside || m.last != nil && slices.Contains(m.last.Kept, name) && as(name, m.there, m.before)
}

func (m *merge) keep(name string, set bool) any {
	m.warn(name)
	if set {
		m.kept = append(m.kept, name)
	}
	return m.there[name]
}

// carry brings back what a job that somebody removed had besides.
func (m *merge) carry(name string) any {
	if strings.HasPrefix(name, tagCells) || m.last == nil {
		return nil
	}
	return m.before[name]
}

// triggerCell is what nobody sets of a trigger that is ours: it goes where the
// trigger goes.
func (m *merge) triggerCell(name string) any {
	if m.wanted[triggerCells+"Schedule"] == nil {
		return nil
	}
	return m.there[name]
}

// connections are those that the manifest names, in its order, and those that
// somebody else added.
func (m *merge) connections(outside bool) any {
	const name = "Connections.Connections"
	want := texts(m.wanted[name])
	for _, c := range want {
		m.ours = append(m.ours, name+"."+c)
	}
	out := slices.Clone(want)
	there := texts(m.there[name])
	if m.there == nil {
		there = texts(m.before[name])
	}
	for _, c := range there {
		before := m.last != nil && slices.Contains(texts(m.before[name]), c)
		switch {
		case slices.Contains(want, c), m.was(name + "." + c), m.former != nil:
			continue
		case outside && m.last != nil && !before && m.policy == slipway.DriftOverwrite:
			continue
		case outside && !before:
			m.warnings = append(m.warnings, fmt.Sprintf("kept: the connection %s, which somebody added", c))
		}
		out = append(out, c)
	}
	if m.policy == slipway.DriftOverwrite && outside {
		for _, c := range texts(m.before[name]) {
			if !slices.Contains(out, c) && !m.was(name+"."+c) {
				out = append(out, c)
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	list, _ := encodeTexts(out)
	return list
}

// warn tells that something is kept.
func (m *merge) warn(name string) {
	text := fmt.Sprintf("kept: %s is %s", fieldOf(name), show(name, m.there[name]))
	if m.last != nil {
		text += fmt.Sprintf(", and was %s when Slipway deployed last", show(name, m.before[name]))
	}
	m.warnings = append(m.warnings, text)
}

// show prints a cell's value, and no secret.
func show(name string, v any) string {
	text, isText := v.(string)
	switch {
	case v == nil:
		return "not set"
	case isText && (isWithheld(text) || isArgument(name) && suspicious(name, text) || driver.SecretValue(text)):
		return driver.Masked
	case isText:
		return text
	}
	data, err := json.Marshal(v)
	if err != nil || len(data) > 200 || name == "CodeGenConfigurationNodes" {
		return "another"
	}
	return string(data)
}

// changed are the cells that the result would change.
func (m *merge) changed() []string {
	var out []string
	for _, name := range union(m.there, m.result) {
		if foreignTag(name) && !slices.Contains(m.ours, name) && !m.was(name) {
			continue
		}
		if !as(name, m.there, m.result) {
			out = append(out, name)
		}
	}
	return out
}
