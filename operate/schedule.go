package operate

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// A Firing is one time a schedule fired.
type Firing struct {
	App  string      `json:"app"`
	Due  time.Time   `json:"due"`
	Run  slipway.Run `json:"run"`
	Err  error       `json:"-"`               // why no run came of it; nil: one did
	Note string      `json:"error,omitempty"` // Err as text
}

// Schedule starts the runs that become due, until ctx is done or ticks is
// closed. At every tick it starts what was due since the one before; the first
// looks back to since. What was due while nobody was up is not made up for, as on
// Glue. A due run is started once, however many processes do this.
func (s Stage) Schedule(ctx context.Context, since time.Time, ticks <-chan time.Time, told func(Firing)) error {
	scheduler, ok := s.Driver.(driver.Scheduler)
	if !ok {
		return slipway.Errorf(slipway.Invalid, "the runtime %s of %s keeps schedules itself; there is nothing to fire from here", s.Environment.Runtime, s.Environment.Name)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case now, ok := <-ticks:
			if !ok {
				return nil
			}
			if err := s.fire(ctx, scheduler, since, now, told); err != nil {
				return err
			}
			since = now
		}
	}
}

// fire starts what was due after since, up to now.
func (s Stage) fire(ctx context.Context, scheduler driver.Scheduler, since, now time.Time, told func(Firing)) error {
	subjects, err := s.Ledger.Subjects(ctx)
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		if subject.Environment != s.Environment.Name {
			continue
		}
		d, err := s.Live(ctx, subject.App)
		if slipway.KindOf(err) == slipway.NotFound && err != nil {
			continue
		}
		if err != nil {
			return err
		}
		due, err := scheduler.Due(ctx, d.Handle, since, now)
		if err != nil {
			return err
		}
		for _, at := range due {
			told(s.start(ctx, subject.App, at))
		}
	}
	return nil
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
