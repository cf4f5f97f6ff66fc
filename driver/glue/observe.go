package glue

import (
	"context"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// upcoming is how many times a status names.
const upcoming = 5

// Observe says what is there now, compared with what was deployed: with the target in
// what the target says, and with the handle's snapshot in the rest.
func (d *Driver) Observe(ctx context.Context, h slipway.Handle, deployed slipway.Target) (slipway.JobStatus, error) {
	w, err := d.wantOf(deployed)
	if err != nil {
		return slipway.JobStatus{}, err
	}
	w.name = h.Name
	last, err := snapshotOf(h)
	if err != nil {
		return slipway.JobStatus{}, err
	}
	var now remote
	var bytes map[string]slipway.Digest
	err = all(
		func() (err error) { now, err = d.read(ctx, h.Name); return err },
		func() error { bytes, _ = d.look(ctx, w); return nil },
	)
	if err != nil {
		return slipway.JobStatus{}, err
	}
	if !now.present() {
		return slipway.JobStatus{State: slipway.JobAbsent}, nil
	}
	known := []cells{w.set}
	if last != nil {
		known = append(known, last.cells())
	}
	now = now.reveal(known...)
	return d.status(w, now, expected(w, last, now.cells()), bytes), nil
}

// expected is what would be there if nobody had changed it.
func expected(w want, last *wish, there cells) *merge {
	m := &merge{wanted: w.set, release: w.release, there: there, last: last, looking: true}
	if last == nil {
		m.run()
		return m
	}
	m.before = last.cells()
	for _, name := range last.Kept {
		m.wanted = without(m.wanted, func(n string) bool { return n == name })
	}
	m.policy = slipway.DriftOverwrite
	m.last = &wish{Ours: nil, definition: last.definition}
	for _, name := range last.Ours {
		if m.wanted[name] == nil && m.before[name] != nil && !slices.Contains(last.Kept, name) {
			m.last.Ours = append(m.last.Ours, name) // the target no longer sets it
		}
	}
	m.run()
	return m
}

func (d *Driver) status(w want, now remote, m *merge, bytes map[string]slipway.Digest) slipway.JobStatus {
	differs := m.changed()
	v := &view{want: w, there: m.there, after: m.result, bytes: bytes}
	back := v.changes(differs)
	s := slipway.JobStatus{State: slipway.JobLive, Target: (&view{want: w, there: m.there, after: m.result, bytes: bytes}).target(differs)}
	for _, c := range back {
		s.State = slipway.JobDrifted
		s.Drift = append(s.Drift, reverse(c))
	}
	s.Schedule, s.Next = d.schedule(w, now)
	return s
}

// reverse turns a change that would put something right into the one that was made.
func reverse(c slipway.Change) slipway.Change {
	c.From, c.To = c.To, c.From
	switch c.Action {
	case slipway.Add:
		c.Action = slipway.Delete
	case slipway.Delete:
		c.Action = slipway.Add
	case slipway.Update:
	}
	c.Note = outsideNote
	return c
}

// schedule is when the job's own trigger starts it: in the manifest's words where
// they say the same.
func (d *Driver) schedule(w want, now remote) (string, []time.Time) {
	text, _ := now.Trigger["Schedule"].(string)
	if text == "" {
		return "", nil
	}
	t := w.target
	if w.set[triggerCells+"Schedule"] != text {
		t.Run = map[string]any{"schedule": text}
	}
	s, err := driver.ScheduleOf(t)
	if err != nil {
		return text, nil
	}
	if now.Trigger["State"] != active {
		return s.String(), nil
	}
	return s.String(), s.Running().Next(d.now(), upcoming)
}
