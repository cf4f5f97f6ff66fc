// Package deploy brings a target to a runtime: a plan first, then the plan
// applied as it stands, with the ledger told before and after. Start at
// Stage.Plan and Stage.Run.
package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/ledger"
)

// A Stage deploys to one environment.
type Stage struct {
	Environment slipway.Environment
	Driver      driver.Driver
	Blobs       driver.Blobs
	Ledger      ledger.Ledger
	Keeper      ledger.Keeper // of the environment's lease
	Clock       func() time.Time
	// Gate is asked about the plan that is to be applied, before the ledger or the
	// runtime is touched. It returns the plan with what it has to say, or the error
	// that ends the deployment. nil: nothing is asked.
	Gate func(context.Context, slipway.Plan) (slipway.Plan, error)
	// Attest writes the signed statement that a deployment is begun, or how it ended,
	// and returns its digest. nil: there is none.
	Attest func(context.Context, slipway.DeploymentReport, slipway.Target) ([]slipway.Digest, error)
}

// Input is a deployment to be.
type Input struct {
	// ID is the same each time this deployment is tried again after a crash, and
	// differs from every other one's.
	ID     string
	Target slipway.Target
	// Plan is what a person has seen and agreed to; nil: whatever Target needs.
	Plan *slipway.Plan
	// RollbackOf is the deployment whose target this is; 0: it is none's.
	RollbackOf int64
	// Drift says what to do about what somebody changed by hand.
	Drift slipway.DriftPolicy
	By    string
}

// Output is what is live now.
type Output struct {
	Deployment slipway.Deployment `json:"deployment"`
	Made       bool               `json:"made"` // false: the runtime had the target already
}

// Plan says what Run would change.
func (s Stage) Plan(ctx context.Context, in Input) (slipway.Plan, error) {
	h, err := ledger.ReadHistory(ctx, s.Ledger, ledger.Subject{App: in.Target.App, Environment: s.Environment.Name})
	if err != nil {
		return slipway.Plan{}, err
	}
	return s.fresh(ctx, h, in)
}

// fresh asks the driver for a plan.
func (s Stage) fresh(ctx context.Context, h ledger.History, in Input) (slipway.Plan, error) {
	r := request(h, in)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cost := make(chan *slipway.Cost, 1)
	go func() { cost <- driver.CostOf(ctx, s.Driver, in.Target, r.Live) }()
	p, err := s.Driver.Plan(ctx, r)
	if err != nil {
		return p, err
	}
	p.Drift, p.Cost, p.Next = in.Drift, <-cost, driver.NextOf(p, s.Clock())
	return p, nil
}

// request tells the driver what the ledger knows.
func request(h ledger.History, in Input) driver.PlanRequest {
	r := driver.PlanRequest{Target: in.Target, Drift: in.Drift}
	if d, ok := h.Current(); ok {
		r.Live = d.Handle
	}
	if d, ok := h.Deployment(in.RollbackOf); ok {
		r.Restore = d.Handle
	}
	if n := len(h.Deployments); n > 0 && h.Deployments[n-1].State != slipway.Deployed {
		r.Begun = &h.Deployments[n-1].Plan
	}
	return r
}

// Run deploys. It holds the environment's lease meanwhile. The ledger has the
// plan before the runtime is touched, and the outcome after, so a process that
// dies between leaves a deployment that is known to be unfinished: Run with the
// same ID goes on with it, and Run with another supersedes it.
func (s Stage) Run(ctx context.Context, in Input) (Output, error) {
	if err := s.fits(in); err != nil {
		return Output{}, err
	}
	subject := ledger.Subject{App: in.Target.App, Environment: s.Environment.Name}
	read := ledger.RecallHistory
	waiting := s.Keeper.Waiting
	s.Keeper.Waiting = func(busy error) {
		read = ledger.ReadHistory // for somebody else deploys just now
		if waiting != nil {
			waiting(busy)
		}
	}
	var out Output
	err := s.Keeper.Hold(ctx, subject, func(ctx context.Context) error {
		h, err := read(ctx, s.Ledger, subject)
		if err == nil {
			out, err = s.run(ctx, h, in)
		}
		return err
	})
	return out, err
}

// fits refuses a target, or a plan, that is for something else.
func (s Stage) fits(in Input) error {
	if in.Target.Environment != s.Environment.Name {
		return slipway.Errorf(slipway.Invalid, "this is a target for %s, not for %s", in.Target.Environment, s.Environment.Name)
	}
	if in.Plan != nil && !same(in.Plan.Target, in.Target) {
		return slipway.Errorf(slipway.Conflict, "this plan is not one for release %s of %s in %s as it is now", in.Target.Version, in.Target.App, s.Environment.Name).
			WithFix("make it again: slipway plan %s %s", in.Target.Version, s.Environment.Name)
	}
	return nil
}

func (s Stage) run(ctx context.Context, h ledger.History, in Input) (Output, error) {
	b, err := s.begin(ctx, h, in)
	if err != nil && ctx.Err() == nil {
		b, err = s.beginAgain(ctx, h, in, b, err)
	}
	if err != nil || b.over {
		return b.out, err
	}
	return s.apply(ctx, b.history, b.out.Deployment)
}

// A beginning is a deployment of which the ledger knows, or what there was to say
// instead.
type beginning struct {
	out     Output
	over    bool // there is nothing to apply
	history ledger.History
}

// beginAgain begins with what the ledger says now, if that is something else than what
// was remembered of it: who had the lease before may have deployed since. One who is
// still deploying does so without the lease, and that is an error.
func (s Stage) beginAgain(ctx context.Context, h ledger.History, in Input, b beginning, err error) (beginning, error) {
	if _, remembers := s.Ledger.(ledger.Recaller); !remembers {
		return b, err
	}
	now, readErr := ledger.ReadHistory(ctx, s.Ledger, h.Subject)
	if readErr != nil || now.Head == h.Head {
		return b, err
	}
	if other, ok := now.Unfinished(); ok && !h.Begun(other.ID) {
		return b, err
	}
	return s.begin(ctx, now, in)
}

// begin makes the plan and tells the ledger.
func (s Stage) begin(ctx context.Context, h ledger.History, in Input) (beginning, error) {
	if d, ok := mine(h, in.ID); ok {
		if d.State == slipway.Deploying {
			return beginning{out: Output{Deployment: d}, history: h}, nil
		}
		out, err := ended(h, d)
		return beginning{out: out, over: true}, err
	}
	plan, err := s.plan(ctx, h, in)
	if err != nil {
		return beginning{}, err
	}
	unfinished, interrupted := h.Unfinished()
	if current, ok := h.Current(); ok && plan.Empty() && !interrupted && same(current.Plan.Target, in.Target) {
		if accept, err := s.accepts(ctx, current, plan.Drift); err != nil || !accept {
			return beginning{out: Output{Deployment: current}, over: true}, err
		}
	}
	if s.Gate != nil {
		if plan, err = s.Gate(ctx, plan); err != nil {
			return beginning{}, err
		}
	}
	if interrupted {
		if h, err = s.supersede(ctx, h, unfinished, in.By); err != nil {
			return beginning{}, err
		}
	}
	d, err := s.start(ctx, &h, plan, in)
	if err != nil {
		return beginning{}, err
	}
	return beginning{out: Output{Deployment: d}, history: h}, nil
}

// accepts reports whether there is something that somebody changed by hand and that
// is to be kept. Then a deployment that changes nothing is made all the same: what
// is there becomes what was deployed, and is no drift any more.
func (s Stage) accepts(ctx context.Context, d slipway.Deployment, policy slipway.DriftPolicy) (bool, error) {
	if policy != slipway.DriftKeep {
		return false, nil
	}
	status, err := s.Driver.Observe(ctx, d.Handle, d.Plan.Target)
	return status.State == slipway.JobDrifted, err
}

// plan makes the plan, or takes the one that was agreed to if it still fits.
func (s Stage) plan(ctx context.Context, h ledger.History, in Input) (slipway.Plan, error) {
	if in.Plan != nil {
		in.Drift = in.Plan.Drift
	}
	now, err := s.fresh(ctx, h, in)
	if err != nil || in.Plan == nil || now.Empty() {
		return now, err
	}
	if now.Base != in.Plan.Base {
		return now, slipway.Errorf(slipway.Conflict, "the plan is stale: %s in %s has changed since it was made", in.Target.App, in.Target.Environment).
			WithFix("make it again: slipway plan %s %s", in.Target.Version, in.Target.Environment)
	}
	alike, err := sameEffect(now, *in.Plan)
	if err != nil || !alike {
		return now, slipway.Errorf(slipway.Conflict, "the plan for %s in %s is not as it was made: somebody edited it, or another version of Slipway made it", in.Target.App, in.Target.Environment).
			WithFix("make it again: slipway plan %s %s", in.Target.Version, in.Target.Environment)
	}
	return *in.Plan, nil
}

// sameEffect reports whether two plans show and do the same. One of them was saved,
// and so is compared as JSON, however that is laid out.
func sameEffect(a, b slipway.Plan) (bool, error) {
	type effect struct {
		Changes    []slipway.Change
		Definition json.RawMessage `json:",omitempty"`
	}
	var read [2]any
	for i, p := range []slipway.Plan{a, b} {
		data, err := json.Marshal(effect{p.Changes, p.Definition})
		if err != nil {
			return false, err
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber() // a number that a float64 cannot hold is another number
		if err := d.Decode(&read[i]); err != nil {
			return false, err
		}
	}
	return reflect.DeepEqual(read[0], read[1]), nil
}

// mine returns the deployment that an earlier, interrupted Run of the same ID
// started.
func mine(h ledger.History, id string) (slipway.Deployment, bool) {
	for _, d := range h.Deployments {
		if d.ID == id {
			return d, true
		}
	}
	return slipway.Deployment{}, false
}

func startedID(id string) string { return "deploy/" + id + "/started" }
func endedID(id string) string   { return "deploy/" + id + "/ended" }

// ended gives the outcome of a deployment that has ended.
func ended(h ledger.History, d slipway.Deployment) (Output, error) {
	switch d.State {
	case slipway.Deployed:
		return Output{Deployment: d, Made: true}, nil
	case slipway.Superseded:
		return Output{Deployment: d}, slipway.Errorf(slipway.Conflict, "deployment %d of %s in %s was cut short, and another one took its place", d.Number, h.Subject.App, h.Subject.Environment).
			WithFix("look at slipway history %s, then deploy again", h.Subject.Environment)
	case slipway.Deploying, slipway.DeployFail:
	}
	return Output{Deployment: d}, slipway.Errorf(slipway.Failed, "deployment %d of %s in %s failed: %s", d.Number, h.Subject.App, h.Subject.Environment, d.Error)
}

// write appends an entry where h ends. Releases are let in, and people say things,
// without the lease, so the chain may have moved on by some of that; if anything
// else moved it, somebody deployed without the lease, and that is an error of kind
// Conflict. Before it writes behind what people said it calls again.
func (s Stage) write(ctx context.Context, h *ledger.History, d ledger.Draft, again func(*ledger.Draft) error) (ledger.Entry, error) {
	d.Subject = h.Subject
	for {
		d.After = h.Head
		e, err := s.Ledger.Append(ctx, d)
		if err == nil {
			h.Head = e.Number
		}
		if err == nil || slipway.KindOf(err) != slipway.Conflict {
			return e, err
		}
		now, readErr := ledger.ReadHistory(ctx, s.Ledger, h.Subject)
		if readErr != nil || now.Head <= h.Head || slices.ContainsFunc(now.Entries[h.Head:], changes) {
			return e, err
		}
		said := slices.ContainsFunc(now.Entries[h.Head:], func(e ledger.Entry) bool { return ledger.IsWord(e.Kind) })
		h.Head = now.Head
		if said && again != nil {
			if err := again(&d); err != nil {
				return e, err
			}
		}
	}
}

// changes reports whether an entry is about what is deployed.
func changes(e ledger.Entry) bool {
	return e.Kind != ledger.ReleaseCreated && e.Kind != ledger.ReleasePromoted && e.Kind != ledger.RunEnded && !ledger.IsWord(e.Kind)
}

// start tells the ledger what is about to happen.
func (s Stage) start(ctx context.Context, h *ledger.History, plan slipway.Plan, in Input) (slipway.Deployment, error) {
	d := slipway.Deployment{
		ID: in.ID, Number: int64(len(h.Deployments)) + 1, State: slipway.Deploying, Plan: plan,
		RollbackOf: in.RollbackOf, Started: s.Clock().UTC(), By: in.By,
	}
	statements, err := s.attest(ctx, *h, d, d.Started)
	if err != nil {
		return d, err
	}
	entry := ledger.Draft{ID: startedID(in.ID), Kind: ledger.DeploymentStarted, Time: d.Started, By: in.By, Body: &d, Statements: statements}
	_, err = s.write(ctx, h, entry, func(entry *ledger.Draft) (err error) {
		if s.Gate == nil {
			return nil
		}
		if d.Plan, err = s.Gate(ctx, d.Plan); err == nil { // somebody may have taken back what opened it
			entry.Statements, err = s.attest(ctx, *h, d, d.Started)
		}
		return err
	})
	return d, err
}

// supersede ends a deployment whose process died, under the id that process
// would have used, so that only one of the two ends is ever there.
func (s Stage) supersede(ctx context.Context, h ledger.History, d slipway.Deployment, by string) (ledger.History, error) {
	d.State, d.Error, d.By, d.Ended = slipway.Superseded, "its process ended before it did", by, s.Clock().UTC()
	if _, err := s.end(ctx, h, d); err != nil {
		return h, err
	}
	return ledger.ReadHistory(ctx, s.Ledger, h.Subject)
}

// apply carries the plan out and tells the ledger how it ended.
func (s Stage) apply(ctx context.Context, h ledger.History, d slipway.Deployment) (Output, error) {
	handle, failure := s.Driver.Apply(ctx, d.Plan, s.Blobs)
	if failure != nil && (ctx.Err() != nil || errors.Is(failure, context.Canceled)) {
		return Output{Deployment: d}, failure // cut short, not failed: it may be gone on with
	}
	d.State, d.Handle = slipway.Deployed, handle
	if failure != nil {
		d.State, d.Error = slipway.DeployFail, failure.Error()
	}
	d.Ended = s.Clock().UTC()
	e, err := s.end(ctx, h, d)
	switch {
	case failure != nil:
		return Output{Deployment: d}, failure
	case err != nil:
		return Output{Deployment: d}, err
	}
	return s.told(h, d, e)
}

// end tells the ledger how a deployment ended, the statement first. A deployment
// whose end cannot be attested has not ended: called again, it goes on.
func (s Stage) end(ctx context.Context, h ledger.History, d slipway.Deployment) (ledger.Entry, error) {
	statements, err := s.attest(ctx, h, d, d.Ended)
	if err != nil {
		return ledger.Entry{}, err
	}
	return s.write(ctx, &h, ledger.Draft{
		ID: endedID(d.ID), Kind: ledger.DeploymentEnded, Time: d.Ended, By: d.By,
		Body: ledger.DeploymentEnd{Number: d.Number, State: d.State, Handle: d.Handle, Error: d.Error}, Statements: statements,
	}, nil)
}

// told is the outcome as the ledger has it: this end, or that of somebody who
// took this process for dead and was faster.
func (s Stage) told(h ledger.History, d slipway.Deployment, e ledger.Entry) (Output, error) {
	var end ledger.DeploymentEnd
	if err := json.Unmarshal(e.Body, &end); err != nil {
		return Output{Deployment: d}, err
	}
	d.State, d.Error = end.State, end.Error
	return ended(h, d)
}
