package pipeline

import (
	"context"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/workflow"
)

// ShipInput says what goes how far.
type ShipInput struct {
	App         string              `json:"app"`
	Environment string              `json:"environment"`
	Version     string              `json:"version"` // empty: the source's own
	Source      slipway.Source      `json:"source"`
	Again       bool                `json:"again"` // ask checks that have passed for the same bytes again
	Drift       slipway.DriftPolicy `json:"drift,omitempty"`
	By          string              `json:"by"`
}

// Shipped is how far it came.
type Shipped struct {
	Release    slipway.Release    `json:"release"`
	Deployment slipway.Deployment `json:"deployment"`
	Changed    bool               `json:"changed"`       // false: the environment had it already
	Run        *slipway.Run       `json:"run,omitempty"` // started because run.after_deploy says so
}

// keep names the workflows that are not given up, by their subjects.
type keep struct{ ship, deploy, rollback string }

// giveUp ends what was cut short on the way to an environment and is not asked
// for any more, whichever command began it.
func (f *Flow) giveUp(prefix string, k keep) error {
	if _, err := f.host.flows.ship.Abandon(f.state.Engine(), prefix, k.ship); err != nil {
		return err
	}
	if _, err := f.host.flows.deploy.Abandon(f.state.Engine(), prefix, k.deploy); err != nil {
		return err
	}
	_, err := f.host.flows.rollback.Abandon(f.state.Engine(), prefix, k.rollback)
	return err
}

// Ship takes a source along the road to an environment, as far as the rules
// allow. If an earlier Ship of the same source was cut short, it goes on where
// that one stopped; whatever else was cut short on that road is given up.
func (f *Flow) Ship(ctx context.Context, in ShipInput) (Shipped, error) {
	if in.Version != "" {
		if err := slipway.CheckVersion(in.Version); err != nil {
			return Shipped{}, err
		}
	}
	if err := f.Project.onlyOne(ctx); err != nil {
		return Shipped{}, err
	}
	p, err := f.live(ctx, in.Environment)
	if err != nil {
		return Shipped{}, err // a road that cannot be walked to its end is not begun
	}
	if _, err := f.Rails(ctx); err != nil {
		return Shipped{}, err
	}
	if err := f.Project.ownRoot(p.Environment); err != nil {
		return Shipped{}, err
	}
	prefix := in.App + "/" + in.Environment + "/"
	subject := prefix + digestOf(in.Source.Commit, in.Source.Tree, in.Version)
	if err := f.giveUp(prefix, keep{ship: subject}); err != nil {
		return Shipped{}, err
	}
	return f.host.flows.ship.Run(f.carry(ctx), f.state.Engine(), subject, in, func() {
		f.emit("", Progress, "going on where the last ship was cut short", 0)
	})
}

// ship is the road, top to bottom. Each stage is recorded, so a process that
// dies is followed by one that goes on at the first stage without a record.
func (f *Flow) ship(steps *workflow.Steps, in ShipInput) (Shipped, error) {
	var out Shipped
	in.Source.Root = f.Project.Root // which is this machine's business, and not in the record
	trip, err := workflow.Do(steps, "identify", func(context.Context) (trip, error) { return f.trip(in.Environment) })
	if err != nil {
		return out, err
	}
	if out.Release, err = f.released(steps, in, trip.Road[0]); err != nil {
		return out, err
	}
	for i := 1; i < len(trip.Road); i++ {
		if err := f.promoted(steps, promote.Input{App: in.App, Version: out.Release.Version, By: in.By}, trip.Road[i-1], trip.Road[i]); err != nil {
			return out, err
		}
	}
	deployed, err := f.deployed(steps, DeployInput{App: in.App, Environment: in.Environment, Version: out.Release.Version, Drift: in.Drift, By: in.By}, trip.ID)
	if err != nil {
		return out, err
	}
	out.Deployment, out.Changed = deployed.Deployment, deployed.Made
	if deployed.Made {
		f.warn(deployed.Deployment.Plan)
	}
	out.Run, err = f.startedAfter(steps, deployed, in.By)
	return out, err
}

// A trip is what a ship decides at its start, once: the platform file may be
// another when it goes on.
type trip struct {
	ID   string   `json:"id"`   // of the deployment at its end
	Road []string `json:"road"` // the environments, the one where releases are made first
}

func (f *Flow) trip(env string) (trip, error) {
	road, err := f.Project.Road(env)
	if err != nil {
		return trip{}, err
	}
	var t trip
	for _, e := range road {
		t.Road = append(t.Road, e.Name)
	}
	t.ID, err = newID()
	return t, err
}

// released returns the release of the source: the one that was made before, or
// a new one, built and checked.
func (f *Flow) released(steps *workflow.Steps, in ShipInput, origin string) (slipway.Release, error) {
	found, err := stage(f, steps, "look", func(ctx context.Context) (*slipway.Release, said, error) {
		return f.findRelease(ctx, in, origin)
	})
	if err != nil {
		return slipway.Release{}, err
	}
	if found != nil {
		return *found, nil
	}
	built, err := stage(f, steps, "build", func(ctx context.Context) (Built, said, error) {
		return f.build(ctx, in.Source)
	})
	if err != nil {
		return slipway.Release{}, err
	}
	checks, err := stage(f, steps, "check", func(ctx context.Context) ([]slipway.CheckResult, said, error) {
		return f.check(ctx, in.Source, built, in.Again)
	})
	if err != nil {
		return slipway.Release{}, err
	}
	made, err := stage(f, steps, "release", func(ctx context.Context) (slipway.Release, said, error) {
		return f.release(ctx, in, built, checks, origin)
	})
	return made, err
}

func (f *Flow) promoted(steps *workflow.Steps, in promote.Input, from, to string) error {
	_, err := stage(f, steps, "promote", func(ctx context.Context) (promote.Output, said, error) {
		return f.promote(ctx, in, from, to)
	})
	return err
}

func (f *Flow) deployed(steps *workflow.Steps, in DeployInput, id string) (deploy.Output, error) {
	return stage(f, steps, "deploy", func(ctx context.Context) (deploy.Output, said, error) {
		return f.deploy(ctx, in, id)
	})
}

// warn tells what nobody has seen who did not look at the plan first: what it
// warns of, and what it changed that others had changed by hand.
func (f *Flow) warn(p slipway.Plan) {
	for _, w := range p.Warnings {
		f.emit("deploy", Warned, w, 0)
	}
	for _, h := range p.Rails {
		f.emit("deploy", Warned, h.String(), 0)
	}
	var fields []string
	for _, c := range p.Changes {
		if c.Note != "" {
			fields = append(fields, c.Field)
		}
	}
	if len(fields) > 0 {
		f.emit("deploy", Warned, "changed outside Slipway, and put right: "+strings.Join(fields, ", "), 0)
	}
}

// startedAfter starts a run of what was just deployed, if the manifest asks for
// it. The run's id is the deployment's, so it is started once: asked for again, it
// is the one that was started, unless all is well with it.
func (f *Flow) startedAfter(steps *workflow.Steps, d deploy.Output, by string) (*slipway.Run, error) {
	if asked, _ := d.Deployment.Plan.Target.Run["after_deploy"].(bool); !asked {
		return nil, nil
	}
	if !d.Made { // deployed before; its run may have been refused then
		had, err := f.hadRun(steps.Context(), d.Deployment)
		if err != nil {
			return nil, err
		}
		if had != nil {
			f.recordEnd(steps.Context(), *had, by) // who followed it may have died before
			return f.unsettled(steps.Context(), *had)
		}
	}
	return stage(f, steps, "run", func(ctx context.Context) (*slipway.Run, said, error) {
		return f.startRun(ctx, d.Deployment, by)
	})
}

// said is what a stage tells about its result.
type said struct {
	text   string
	reused bool // nothing had to be done
	silent bool // not worth a line
}

// stage runs one stage as a recorded step, and tells how it went.
func stage[T any](f *Flow, steps *workflow.Steps, name string, fn func(context.Context) (T, said, error)) (T, error) {
	ran := false
	v, err := workflow.Do(steps, name, func(ctx context.Context) (T, error) {
		ran = true
		began := f.Clock()
		if name != "look" {
			f.began(name)
		}
		v, told, err := fn(ctx)
		f.told(name, told, err, began)
		return v, err
	})
	if !ran && err == nil && name != "look" {
		f.emit(name, Reused, "done before the interruption", 0)
	}
	return v, err
}

// began tells that a stage began.
func (f *Flow) began(name string) {
	f.current = name
	f.emit(name, Started, "", 0)
}

// told tells how a stage ended.
func (f *Flow) told(name string, told said, err error, began time.Time) {
	took := f.Clock().Sub(began)
	switch {
	case err != nil:
		f.emit(name, Stopped, err.Error(), took)
	case told.silent:
	case told.reused:
		f.emit(name, Reused, told.text, took)
	default:
		f.emit(name, Done, told.text, took)
	}
}
