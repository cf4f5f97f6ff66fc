package drivertest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

var runID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Start begins a run, and ends it unless the script is endless.
func (f *Fake) Start(_ context.Context, h slipway.Handle, r driver.RunRequest) (run slipway.Run, err error) {
	if len(r.ID) > 128 || !runID.MatchString(r.ID) {
		return run, slipway.Errorf(slipway.Invalid, "%q cannot be the id of a run", r.ID)
	}
	err = f.do("Start", h.App, func(j *fakeJob) error {
		if old := j.run(r.ID); old != nil {
			run = old.Run
			return nil
		}
		if j.Target == nil {
			return slipway.Errorf(slipway.NotFound, "the job %s is not there", h.App)
		}
		if n := j.underWay(); n >= atOnce(*j.Target) {
			return slipway.Errorf(slipway.Busy, "concurrent runs exceeded for %s: %d under way", h.App, n)
		}
		run = j.start(r, f.clock().UTC())
		return nil
	})
	return run, err
}

func (j *fakeJob) start(r driver.RunRequest, now time.Time) slipway.Run {
	run := slipway.Run{
		ID: r.ID, App: j.Target.App, Environment: j.Target.Environment, Version: j.Target.Version,
		Trigger: r.Trigger, By: r.By, Arguments: r.Arguments, Created: now, Started: now,
	}
	var output string
	output, run.State, run.Message = play(j.Script)
	if run.State.Ended() {
		run.Ended = now
	}
	j.Runs = append(j.Runs, fakeRun{run, output})
	return run
}

func (j *fakeJob) run(id string) *fakeRun {
	i := slices.IndexFunc(j.Runs, func(r fakeRun) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &j.Runs[i]
}

func (j *fakeJob) underWay() int {
	n := 0
	for _, r := range j.Runs {
		if !r.State.Ended() {
			n++
		}
	}
	return n
}

// atOnce is how many runs a target allows at once.
func atOnce(t slipway.Target) int {
	data, err := json.Marshal(t.Run["max_concurrent_runs"])
	n := 0
	if errors.Join(err, json.Unmarshal(data, &n)) != nil || n < 1 {
		return 1
	}
	return n
}

// find calls use with a run that is there.
func (f *Fake) find(method string, h slipway.Handle, id string, use func(*fakeRun)) error {
	return f.do(method, h.App, func(j *fakeJob) error {
		r := j.run(id)
		if r == nil {
			return slipway.Errorf(slipway.NotFound, "there is no run %s", id)
		}
		use(r)
		return nil
	})
}

// Run returns one run.
func (f *Fake) Run(_ context.Context, h slipway.Handle, id string) (run slipway.Run, err error) {
	err = f.find("Run", h, id, func(r *fakeRun) { run = r.Run })
	return run, err
}

// Runs returns the newest runs, newest first.
func (f *Fake) Runs(_ context.Context, h slipway.Handle, limit int) (runs []slipway.Run, err error) {
	err = f.do("Runs", h.App, func(j *fakeJob) error {
		for _, r := range slices.Backward(j.Runs) {
			if limit == 0 || len(runs) < limit {
				runs = append(runs, r.Run)
			}
		}
		return nil
	})
	return runs, err
}

// Stop ends a run.
func (f *Fake) Stop(_ context.Context, h slipway.Handle, id string) error {
	return f.find("Stop", h, id, func(r *fakeRun) {
		if !r.State.Ended() {
			r.State, r.Message, r.Ended = slipway.RunStopped, "stopped", f.clock().UTC()
		}
	})
}

// Logs writes what a run printed to w.
func (f *Fake) Logs(ctx context.Context, h slipway.Handle, id string, follow bool, w io.Writer) error {
	var run fakeRun
	if err := f.find("Logs", h, id, func(r *fakeRun) { run = *r }); err != nil {
		return err
	}
	if _, err := io.WriteString(w, run.Output); err != nil {
		return err
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for follow && !run.State.Ended() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := f.change(h.App, func(j *fakeJob) error { run = *j.run(id); return nil }); err != nil {
			return err
		}
	}
	return nil
}
