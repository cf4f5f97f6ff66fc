// Package operate looks after what is deployed: its status, its runs, their
// logs, and the schedule where the runtime has none of its own. Start at Stage.
package operate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/ledger"
)

// A Stage operates one environment.
type Stage struct {
	Environment slipway.Environment
	Driver      driver.Driver
	Ledger      ledger.Ledger
	Keeper      ledger.Keeper // of the environment's lease
	Clock       func() time.Time
	// Attest writes the signed statement that a job is taken away, and returns its
	// digest. nil: there is none.
	Attest func(context.Context, slipway.Removal, slipway.Target) ([]slipway.Digest, error)
	// KeepRuns is how many runs of a job are kept, beside those that the ledger names,
	// where the runtime keeps them for ever; 0: all.
	KeepRuns int
}

// Status is what is known of an app in an environment.
type Status struct {
	App         string              `json:"app"`
	Environment string              `json:"environment"`
	Current     *slipway.Deployment `json:"current,omitempty"`    // what is live; nil: nothing
	Set         *slipway.ReleaseSet `json:"set,omitempty"`        // with which it came; nil: alone
	Unfinished  *slipway.Deployment `json:"unfinished,omitempty"` // under way, or cut short
	Job         slipway.JobStatus   `json:"job"`                  // what the runtime says
	Runs        []slipway.Run       `json:"runs"`                 // newest first
}

// Status asks the ledger and the runtime. It includes at most runs runs; 0 means none.
func (s Stage) Status(ctx context.Context, app string, runs int) (Status, error) {
	st := Status{App: app, Environment: s.Environment.Name, Job: slipway.JobStatus{State: slipway.JobAbsent}}
	h, err := ledger.ReadHistory(ctx, s.Ledger, s.subject(app))
	if err != nil {
		return st, err
	}
	if d, ok := h.Unfinished(); ok {
		st.Unfinished = &d
	}
	d, ok := h.Last()
	if !ok {
		return st, nil
	}
	if live, ok := h.Current(); ok {
		st.Current = &live
		if a, in := h.Admitted(live.Plan.Target.Version); in {
			st.Set = a.Set
		}
		if st.Job, err = s.Driver.Observe(ctx, live.Handle, live.Plan.Target); err != nil {
			return st, err
		}
	}
	if runner, ok := s.Driver.(driver.Runner); ok && runs > 0 {
		st.Runs, err = runner.Runs(ctx, d.Handle, runs)
	}
	return st, err
}

func (s Stage) subject(app string) ledger.Subject {
	return ledger.Subject{App: app, Environment: s.Environment.Name}
}

// Live returns the deployment that is live; that there is none is an error of
// kind NotFound with the way out.
func (s Stage) Live(ctx context.Context, app string) (slipway.Deployment, error) {
	return s.deployment(ctx, app, ledger.History.Current)
}

// last returns the deployment whose runs are the app's: the one that is live, or
// the one that was, if the job was removed.
func (s Stage) last(ctx context.Context, app string) (slipway.Deployment, error) {
	return s.deployment(ctx, app, ledger.History.Last)
}

func (s Stage) deployment(ctx context.Context, app string, pick func(ledger.History) (slipway.Deployment, bool)) (slipway.Deployment, error) {
	h, err := ledger.ReadHistory(ctx, s.Ledger, s.subject(app))
	if err != nil {
		return slipway.Deployment{}, err
	}
	d, ok := pick(h)
	if !ok {
		return d, slipway.Errorf(slipway.NotFound, "nothing of %s is deployed in %s", app, s.Environment.Name).
			WithFix("slipway ship %s", s.Environment.Name)
	}
	return d, nil
}

// Remove takes the app's job away from the runtime and tells the ledger, the
// statement first. The history and the runs stay. It holds the environment's lease meanwhile.
func (s Stage) Remove(ctx context.Context, app, by string) (d slipway.Deployment, err error) {
	err = s.Keeper.Hold(ctx, s.subject(app), func(ctx context.Context) error {
		if d, err = s.Live(ctx, app); err != nil {
			return err
		}
		at := s.Clock().UTC()
		statements, err := s.attest(ctx, d, by, at)
		if err != nil {
			return err
		}
		if err := s.Driver.Remove(ctx, d.Handle); err != nil {
			return err
		}
		return s.removed(ctx, d, ledger.Draft{
			ID: fmt.Sprintf("remove/%d", d.Number), Kind: ledger.JobRemoved, Time: at, By: by, Body: ledger.Removal{Number: d.Number}, Statements: statements,
		})
	})
	return d, err
}

// attest writes the statement that the job of a deployment is taken away.
func (s Stage) attest(ctx context.Context, d slipway.Deployment, by string, at time.Time) ([]slipway.Digest, error) {
	if s.Attest == nil {
		return nil, nil
	}
	t := d.Plan.Target
	h, err := ledger.ReadHistory(ctx, s.Ledger, s.subject(t.App))
	if err != nil {
		return nil, err
	}
	admission, _ := h.Admitted(t.Version) // of a target without a release it is empty
	return s.Attest(ctx, slipway.Removal{
		App: t.App, Environment: t.Environment, Number: d.Number, Version: t.Version, Record: admission.Record, Job: d.Handle.Name,
		By: by, Time: at.Truncate(time.Microsecond),
	}, t)
}

// removed tells the ledger. Releases may be let in at the same time, which moves
// the chain on.
func (s Stage) removed(ctx context.Context, d slipway.Deployment, draft ledger.Draft) error {
	for {
		h, err := ledger.ReadHistory(ctx, s.Ledger, s.subject(d.Plan.Target.App))
		if err != nil {
			return err
		}
		draft.Subject, draft.After = h.Subject, h.Head
		if _, err = s.Ledger.Append(ctx, draft); err == nil || slipway.KindOf(err) != slipway.Conflict {
			return err
		}
	}
}

// runner returns the live deployment and the driver's ability to run it.
func (s Stage) runner(ctx context.Context, app string) (slipway.Deployment, driver.Runner, error) {
	d, err := s.Live(ctx, app)
	return s.running(d, err)
}

// ran returns the last deployment and the driver's ability to tell of its runs.
func (s Stage) ran(ctx context.Context, app string) (slipway.Deployment, driver.Runner, error) {
	d, err := s.last(ctx, app)
	return s.running(d, err)
}

func (s Stage) running(d slipway.Deployment, err error) (slipway.Deployment, driver.Runner, error) {
	if err != nil {
		return d, nil, err
	}
	r, ok := s.Driver.(driver.Runner)
	if !ok {
		return d, nil, s.unable("start runs")
	}
	return d, r, nil
}

func (s Stage) unable(what string) error {
	return slipway.Errorf(slipway.Invalid, "the runtime %s of %s cannot %s", s.Environment.Runtime, s.Environment.Name, what)
}

// Start begins a run of the live job.
func (s Stage) Start(ctx context.Context, app string, r driver.RunRequest) (slipway.Run, error) {
	d, runner, err := s.runner(ctx, app)
	if err != nil {
		return slipway.Run{}, err
	}
	run, err := runner.Start(ctx, d.Handle, r)
	if err == nil {
		_ = s.prune(ctx, app, d.Handle) // the run was started, and the next one prunes as well
	}
	return run, err
}

// prune has the runtime forget old runs of which the ledger says nothing.
func (s Stage) prune(ctx context.Context, app string, h slipway.Handle) error {
	p, ok := s.Driver.(driver.Pruner)
	if !ok || s.KeepRuns == 0 {
		return nil
	}
	named := sync.OnceValues(func() (map[string]bool, error) { return s.namedRuns(ctx, app) })
	_, err := p.PruneRuns(ctx, h, s.KeepRuns, func(id string) bool {
		ids, err := named()
		return err != nil || ids[id]
	})
	return err
}

// namedRuns are the runs of which the ledger says how they ended.
func (s Stage) namedRuns(ctx context.Context, app string) (map[string]bool, error) {
	h, err := ledger.ReadHistory(ctx, s.Ledger, s.subject(app))
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, e := range h.Entries {
		if e.Kind != ledger.RunEnded {
			continue
		}
		var v slipway.RunVerdict
		if err := json.Unmarshal(e.Body, &v); err != nil {
			return nil, err
		}
		ids[v.Run] = true
	}
	return ids, nil
}

// Runs returns the newest runs, newest first; limit 0 means all.
func (s Stage) Runs(ctx context.Context, app string, limit int) ([]slipway.Run, error) {
	d, runner, err := s.ran(ctx, app)
	if err != nil {
		return nil, err
	}
	return runner.Runs(ctx, d.Handle, limit)
}

// Run returns one run; with an empty id, the newest.
func (s Stage) Run(ctx context.Context, app, id string) (slipway.Run, error) {
	d, runner, err := s.ran(ctx, app)
	if err != nil {
		return slipway.Run{}, err
	}
	if id != "" {
		return runner.Run(ctx, d.Handle, id)
	}
	runs, err := runner.Runs(ctx, d.Handle, 1)
	if err != nil {
		return slipway.Run{}, err
	}
	if len(runs) == 0 {
		return slipway.Run{}, slipway.Errorf(slipway.NotFound, "%s has not run in %s yet", app, s.Environment.Name).
			WithFix("slipway run %s %s", app, s.Environment.Name)
	}
	return runs[0], nil
}

// Logs writes what a run printed to w; with follow, until it has ended.
func (s Stage) Logs(ctx context.Context, app, id string, follow bool, w io.Writer) error {
	d, err := s.last(ctx, app)
	if err != nil {
		return err
	}
	t, ok := s.Driver.(driver.LogTailer)
	if !ok {
		return s.unable("show logs")
	}
	return t.Logs(ctx, d.Handle, id, follow, w)
}

// Stop ends a run and returns it as it ended.
func (s Stage) Stop(ctx context.Context, app, id string) (slipway.Run, error) {
	d, err := s.last(ctx, app)
	if err != nil {
		return slipway.Run{}, err
	}
	st, ok := s.Driver.(driver.Stopper)
	if !ok {
		return slipway.Run{}, s.unable("stop runs")
	}
	if err := st.Stop(ctx, d.Handle, id); err != nil {
		return slipway.Run{}, err
	}
	return s.Run(ctx, app, id)
}
