package operate

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/ledger"
)

// A Firing is one time a schedule fired.
type Firing struct {
	App  string      `json:"app,omitempty"` // empty: it could not be asked which apps there are
	Due  time.Time   `json:"due,omitzero"`  // zero: it could not be asked what is due
	Run  slipway.Run `json:"run"`
	Err  error       `json:"-"`               // why no run came of it; nil: one did
	Note string      `json:"error,omitempty"` // Err as text
}

// Schedule starts the runs that become due, until ctx is done or ticks is
// closed. At every tick it starts what was due since the one before; the first
// looks back to since. What was due while nobody was up is not made up for, as on
// Glue. A due run is started once, however many processes do this.
//
// What goes wrong is told, once while it stays the same; it ends nothing. An app that could not be asked is
// asked again at the next tick, from where it was left.
func (s Stage) Schedule(ctx context.Context, since time.Time, ticks <-chan time.Time, told func(Firing)) error {
	scheduler, ok := s.Driver.(driver.Scheduler)
	if !ok {
		return slipway.Errorf(slipway.Invalid, "the runtime %s of %s keeps schedules itself; there is nothing to fire from here", s.Environment.Runtime, s.Environment.Name)
	}
	w := watch{stage: s, scheduler: scheduler, since: since, behind: map[string]time.Time{}, wrong: map[string]string{}, told: told}
	for {
		select {
		case <-ctx.Done():
			return nil
		case now, ok := <-ticks:
			if !ok {
				return nil
			}
			w.fire(ctx, now)
		}
	}
}

// A watch is a schedule being kept.
type watch struct {
	stage     Stage
	scheduler driver.Scheduler
	since     time.Time            // up to when all was started
	behind    map[string]time.Time // the same, of apps that could not be asked then
	wrong     map[string]string    // what was told about an app; under "" about all
	told      func(Firing)
}

// fire starts what was due up to now.
func (w *watch) fire(ctx context.Context, now time.Time) {
	subjects, err := w.stage.Ledger.Subjects(ctx)
	if err != nil {
		w.failed(ctx, "", err)
		return
	}
	delete(w.wrong, "")
	for _, subject := range subjects {
		if subject.Environment != w.stage.Environment.Name || !subject.IsApp() {
			continue
		}
		from, ok := w.behind[subject.App]
		if !ok {
			from = w.since
		}
		if err := w.app(ctx, subject.App, from, now); err != nil {
			w.behind[subject.App] = from
			w.failed(ctx, subject.App, err)
			continue
		}
		delete(w.behind, subject.App)
		delete(w.wrong, subject.App)
	}
	w.since = now
}

// app starts what was due of one app.
func (w *watch) app(ctx context.Context, app string, from, now time.Time) error {
	h, err := ledger.ReadHistory(ctx, w.stage.Ledger, w.stage.subject(app))
	if err != nil {
		return err
	}
	d, ok := h.Current()
	if !ok {
		return nil
	}
	due, err := w.scheduler.Due(ctx, d.Handle, from, now)
	if err != nil {
		return err
	}
	for _, at := range due {
		w.told(w.stage.start(ctx, app, at))
	}
	return nil
}

func (w *watch) failed(ctx context.Context, app string, err error) {
	if ctx.Err() == nil && w.wrong[app] != err.Error() {
		w.wrong[app] = err.Error()
		w.told(Firing{App: app, Err: err, Note: err.Error()})
	}
}

// start begins the run of one due time. Its id is made of that time, so nobody
// starts it a second time.
func (s Stage) start(ctx context.Context, app string, due time.Time) Firing {
	f := Firing{App: app, Due: due}
	f.Run, f.Err = s.Start(ctx, app, driver.RunRequest{
		ID: "schedule-" + due.UTC().Format("20060102T150405Z"), Trigger: "schedule", By: "schedule",
	})
	if f.Err != nil {
		f.Note = f.Err.Error()
	}
	return f
}
