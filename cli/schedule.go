package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
)

type scheduleCommand struct {
	Run scheduleRunCommand `cmd:"" help:"Start the runs that are due, until it is stopped."`
}

type scheduleRunCommand struct {
	Environments []string `arg:"" optional:"" name:"env" help:"The environments. Default: local."`
}

// Help implements kong.HelpProvider.
func (scheduleRunCommand) Help() string {
	return `Starts the runs that are due in environments whose runtime has no schedule of its own, such as local, until Ctrl-C.
A due run is started once, however many of these are up. What was due while none was up is not made up for.

Example: slipway schedule run local staging

` + exitHelp
}

// Run implements the command.
func (c *scheduleRunCommand) Run(s *session) error {
	names := c.Environments
	if len(names) == 0 {
		names = []string{"local"}
	}
	return s.reading("", func(f *pipeline.Flow) error {
		ctx, cancel := context.WithCancel(s.ctx)
		defer cancel()
		var group sync.WaitGroup
		errs := make([]error, len(names))
		for i, name := range names {
			o, err := f.Operating(ctx, name)
			if err != nil {
				return err
			}
			group.Go(func() {
				errs[i] = s.keepSchedule(ctx, o)
				cancel()
			})
		}
		s.talk.say("schedules of %s are kept; Ctrl-C ends it", listed(names, len(names)))
		group.Wait()
		return errors.Join(errs...)
	})
}

// keepSchedule looks every second for what is due.
func (s *session) keepSchedule(ctx context.Context, o operate.Stage) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	ticks := make(chan time.Time)
	go func() {
		defer close(ticks)
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			select {
			case <-ctx.Done():
				return
			case ticks <- s.env.Clock():
			}
		}
	}()
	return o.Schedule(ctx, s.env.Clock(), ticks, func(f operate.Firing) {
		if s.globals.JSON {
			_ = printJSONLine(s.env.Stdout, f)
			return
		}
		if f.Due.IsZero() {
			s.talk.say("cannot see what is due in %s, and will try again: %s", o.Environment.Name, f.Err)
			return
		}
		if f.Err != nil {
			s.talk.say("%s  %s in %s: %s", when(f.Due), f.App, o.Environment.Name, f.Err)
			return
		}
		s.talk.say("%s  %s in %s: run %s started", when(f.Due), f.App, o.Environment.Name, f.Run.ID)
	})
}
