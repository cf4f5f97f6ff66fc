package glue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

var _ driver.Driver = (*Driver)(nil)

// Plan says what Apply would do. It compares what was deployed last, what is there,
// and what the target wants, and holds the target to what Glue will take.
func (d *Driver) Plan(ctx context.Context, r driver.PlanRequest) (slipway.Plan, error) {
	w, err := d.wantOf(r.Target)
	if err != nil {
		return slipway.Plan{}, err
	}
	s, err := d.survey(ctx, w, r)
	if err != nil {
		return slipway.Plan{}, err
	}
	if err := owned(w, s.now, r); err != nil {
		return slipway.Plan{}, err
	}
	m, err := merging(w, &s, r)
	if err != nil {
		return slipway.Plan{}, err
	}
	m.run()
	if err := m.refuseLost(w); err != nil {
		return slipway.Plan{}, err
	}
	if r.Drift == slipway.DriftRefuse && len(m.drifted) > 0 {
		return slipway.Plan{}, refuseDrift(w, m)
	}
	return s.plan(w, m, r)
}

// A survey is what Plan finds out, all at once.
type survey struct {
	now    remote
	old    remote // under the job's former name
	bytes  map[string]slipway.Digest
	checks []string // warnings
}

func (d *Driver) survey(ctx context.Context, w want, r driver.PlanRequest) (survey, error) {
	var s survey
	var triggers, checks, files []string
	find, listed := d.triggerAmong(&triggers), func() error { return nil }
	if scheduled(w, r) {
		find, listed = d.trigger, func() error { triggers = d.otherTriggers(ctx, w.name); return nil }
	}
	err := all(
		func() (err error) { s.now, err = d.readWith(ctx, w.name, find); return err },
		func() (err error) {
			if former := formerName(w, r); former != "" {
				s.old, err = d.read(ctx, former)
			}
			return err
		},
		func() (err error) { checks, err = d.preflight(ctx, w, r); return err },
		listed,
		func() error { s.bytes, files = d.look(ctx, w); return nil },
	)
	s.checks = slices.Concat(checks, files, triggers)
	if s.now.foreign {
		s.checks = append(s.checks, fmt.Sprintf("the trigger %s is not Slipway's, and stays as it is", triggerName(w.name)))
	}
	return s, err
}

// scheduled reports whether the job is to have a schedule, or had one of Slipway's.
// Then its trigger is looked for by its name, for somebody may have turned it to
// another job.
func scheduled(w want, r driver.PlanRequest) bool {
	if w.set[triggerCells+"Schedule"] != nil {
		return true
	}
	definitions := []json.RawMessage{json.RawMessage(r.Live.Data[definitionData]), json.RawMessage(r.Restore.Data[definitionData])}
	if r.Begun != nil {
		definitions = append(definitions, r.Begun.Definition)
	}
	for _, data := range definitions {
		if was, err := wishOf(data); err != nil || was != nil && was.Trigger != nil {
			return true
		}
	}
	return false
}

// formerName is the name that the live job has, where the target gives it another.
func formerName(w want, r driver.PlanRequest) string {
	if r.Live.Name == w.name {
		return ""
	}
	return r.Live.Name
}

// owned refuses a job that is not the app's.
func owned(w want, now remote, r driver.PlanRequest) error {
	if w.set[triggerCells+"Schedule"] != nil && now.foreign {
		return slipway.Errorf(slipway.Conflict, "the trigger %s is there already, and Slipway did not make it", triggerName(w.name)).
			WithFix("delete or rename it, or take run.schedule out of the manifest and leave the schedule to it")
	}
	t := w.target
	switch owner := now.owner(); {
	case !now.present(), now.Tags[tagApp] == t.App && now.Tags[tagEnvironment] == t.Environment:
		return nil
	case owner != "" && now.Tags[tagEnvironment] == t.Environment:
		return slipway.Errorf(slipway.Conflict, "the job %s is there already, and belongs to %s", w.name, owner).
			WithFix("give yours another name in run.name; or, if %[1]s is what this app was called before, write app: %[1]s once more, slipway remove %[2]s, and ship it under its new name", now.Tags[tagApp], t.Environment)
	case owner != "":
		return slipway.Errorf(slipway.Conflict, "the job %s is there already, and belongs to %s", w.name, owner).
			WithFix("give it another name in run.name, or slipway remove it there first")
	case r.Live.Name == w.name, r.Begun != nil && r.Begun.Target.JobName() == w.name:
		return nil // somebody took the tags away
	}
	return slipway.Errorf(slipway.Conflict, "the job %s is there already, and Slipway did not make it", w.name).
		WithFix("slipway adopt %q %s takes it over as it is; or give yours another name in run.name", w.name, t.Environment)
}

// merging puts together what is compared.
func merging(w want, s *survey, r driver.PlanRequest) (*merge, error) {
	m := &merge{policy: r.Drift, wanted: w.set, release: w.release}
	var err error
	if r.Live.Name == w.name {
		if m.last, err = snapshotOf(r.Live); err != nil {
			return nil, err
		}
	}
	if m.last != nil {
		m.before = m.last.cells()
	}
	if r.Begun != nil && r.Begun.Target.JobName() == w.name {
		begun, err := wishOf(r.Begun.Definition)
		if err != nil {
			return nil, err
		}
		if begun != nil {
			m.begun = begun.cells()
		}
	}
	if err := m.restore(r.Restore); err != nil {
		return nil, err
	}
	s.now = s.now.reveal(m.wanted, m.before, m.begun)
	if s.now.present() {
		m.there = s.now.cells()
	}
	return m, nil
}

func without(c cells, gone func(string) bool) cells {
	var out cells
	for name, v := range c {
		if !gone(name) {
			out = cells(set(out, name, v))
		}
	}
	return out
}

// restore takes the former definition for what is wanted, to the letter.
func (m *merge) restore(h slipway.Handle) error {
	former, err := snapshotOf(h)
	if err != nil || former == nil {
		return err
	}
	m.former, m.wanted = former, former.cells()
	return nil
}

func refuseDrift(w want, m *merge) error {
	var list []string
	for _, name := range m.drifted {
		list = append(list, fmt.Sprintf("%s is %s, it was %s", fieldOf(name), show(name, m.there[name]), show(name, m.before[name])))
	}
	return slipway.Errorf(slipway.Blocked, "the job %s was %s:\n  %s", w.name, outsideNote, strings.Join(list, "\n  ")).
		WithFix("take the changes into the manifest, or say --drift keep or --drift overwrite")
}

// plan writes down what was decided.
func (s survey) plan(w want, m *merge, r driver.PlanRequest) (slipway.Plan, error) {
	differs := m.changed()
	v := &view{want: w, there: m.there, after: m.result, bytes: s.bytes}
	p := slipway.Plan{Target: r.Target, Base: s.now.base()}
	if s.now.present() {
		p.Changes = v.changes(differs)
	} else {
		p.Changes = append(driver.Diff(slipway.Target{}, r.Target), v.carried()...)
	}
	v.note(p.Changes, m)
	out := wish{definition: m.result.definition(), Ours: m.ours, Kept: m.kept, From: map[string]any{}}
	for _, name := range differs {
		out.From[name] = m.there[name]
	}
	if s.old.present() && s.old.owner() == r.Target.App+" in "+r.Target.Environment {
		out.Replaces = r.Live.Name
		p.Changes = append(p.Changes, slipway.Change{Field: "run.name", Action: slipway.Update, From: out.Replaces, To: w.name, Note: "Glue cannot rename a job: another is made, and then the old one goes"})
	}
	p.Warnings = slices.Concat(w.warnings, s.checks, m.warnings)
	if !s.now.present() && r.Live.Name == w.name {
		p.Warnings = append(p.Warnings, "the job was removed outside Slipway; applying this plan makes it again")
	}
	var err error
	p.Definition, err = json.Marshal(out)
	return p, err
}

// carried are the changes of a job that is made again, beyond what the target says.
func (v *view) carried() []slipway.Change {
	var list []slipway.Change
	for _, name := range union(v.after) {
		if v.want.set[name] == nil && !filled(name, v.after[name], v.after) {
			list = append(list, change(fieldOf(name), nil, spell(name, v.after[name])))
		}
	}
	return list
}

// note marks what somebody else changed.
func (v *view) note(list []slipway.Change, m *merge) {
	notes := map[string]string{}
	for _, name := range m.drifted {
		note := outsideNote
		if !equal(name, m.before[name], m.result[name]) {
			note += "; Slipway deployed " + show(name, m.before[name])
		}
		notes[fieldOf(name)] = note
	}
	for where, a := range v.want.files {
		if digest, looked := v.bytes[where]; looked && digest != a.Digest && lists(m.there, where) {
			notes[driver.FileField(a)] = outsideNote + ": other bytes lie at " + where
		}
	}
	for i, c := range list {
		if notes[c.Field] != "" {
			list[i].Note = notes[c.Field]
		}
	}
}

// lists reports whether a job's definition names a file.
func lists(c cells, where string) bool {
	if c["Command.ScriptLocation"] == where {
		return true
	}
	for _, argument := range []string{pyFilesArgument, modulesArgument, jarsArgument, filesArgument} {
		if slices.Contains(split(c[defaultArgument+argument]), where) {
			return true
		}
	}
	return false
}
