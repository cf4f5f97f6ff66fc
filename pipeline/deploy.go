package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/workflow"
)

// Deploy brings a release to an environment, or applies the plan it is given.
// If an earlier Deploy of the same was cut short, it goes on where that stopped.
func (f *Flow) Deploy(ctx context.Context, in DeployInput) (deploy.Output, error) {
	e, err := f.Project.Environment(in.Environment)
	if err == nil {
		err = f.Project.ownRoot(e)
	}
	if err != nil {
		return deploy.Output{}, err
	}
	prefix := in.App + "/" + in.Environment + "/"
	subject, err := subjectOf(in)
	if err != nil {
		return deploy.Output{}, err
	}
	subject = prefix + subject
	if err := f.giveUp(prefix, keep{deploy: subject}); err != nil {
		return deploy.Output{}, err
	}
	return f.host.flows.deploy.Run(f.carry(ctx), f.state.Engine(), subject, in, func() {
		f.emit("", Progress, "going on where the last deployment was cut short", 0)
	})
}

// deployWorkflow is Deploy's durable part.
func (f *Flow) deployWorkflow(steps *workflow.Steps, in DeployInput) (deploy.Output, error) {
	id, err := workflow.Do(steps, "identify", func(context.Context) (string, error) { return newID() })
	if err != nil {
		return deploy.Output{}, err
	}
	return f.deployed(steps, in, id)
}

// RollbackInput says what a rollback brings back.
type RollbackInput struct {
	App         string              `json:"app"`
	Environment string              `json:"environment"`
	To          int64               `json:"to"` // the number of a deployment; 0: the one that was live before
	Drift       slipway.DriftPolicy `json:"drift,omitempty"`
	By          string              `json:"by"`
}

// Rollback brings back, exactly, the target of a former deployment. Nothing is
// built or checked. If an earlier Rollback of the same was cut short, it goes on
// where that stopped: once the former deployment is live again, "the one before"
// would be another.
func (f *Flow) Rollback(ctx context.Context, in RollbackInput) (deploy.Output, error) {
	h, err := f.History(ctx, in.App, in.Environment)
	if err != nil {
		return deploy.Output{}, err
	}
	prefix := in.App + "/" + in.Environment + "/"
	subject := fmt.Sprintf("%s%d-from-%d", prefix, in.To, lastForward(h))
	if err := f.giveUp(prefix, keep{rollback: subject}); err != nil {
		return deploy.Output{}, err
	}
	return f.host.flows.rollback.Run(f.carry(ctx), f.state.Engine(), subject, in, func() {
		f.emit("", Progress, "going on where the last rollback was cut short", 0)
	})
}

// Former is the number of the deployment that a rollback to the one before brings
// back now.
func (f *Flow) Former(ctx context.Context, app, env string) (int64, error) {
	h, err := f.History(ctx, app, env)
	if err != nil {
		return 0, err
	}
	d, err := deploy.Former(h, 0)
	return d.Number, err
}

// lastForward is the number of the last deployment that is no rollback: as long
// as there is no newer one, a rollback that was cut short is still wanted.
func lastForward(h ledger.History) int64 {
	for _, d := range slices.Backward(h.Deployments) {
		if d.RollbackOf == 0 {
			return d.Number
		}
	}
	return 0
}

// rollbackWorkflow is Rollback's durable part.
func (f *Flow) rollbackWorkflow(steps *workflow.Steps, in RollbackInput) (deploy.Output, error) {
	id, err := workflow.Do(steps, "identify", func(context.Context) (string, error) { return newID() })
	if err != nil {
		return deploy.Output{}, err
	}
	former, err := workflow.Do(steps, "choose", func(ctx context.Context) (int64, error) {
		h, err := f.History(ctx, in.App, in.Environment)
		if err != nil {
			return 0, err
		}
		d, err := deploy.Former(h, in.To)
		return d.Number, err
	})
	if err != nil {
		return deploy.Output{}, err
	}
	return f.deployed(steps, DeployInput{App: in.App, Environment: in.Environment, RollbackOf: former, Drift: in.Drift, By: in.By}, id)
}

// Promote takes a release one environment further.
func (f *Flow) Promote(ctx context.Context, in promote.Input, env string) (promote.Output, error) {
	to, err := f.Place(ctx, env)
	if err != nil {
		return promote.Output{}, err
	}
	if to.Environment.Follows == "" {
		return promote.Output{}, slipway.Errorf(slipway.Blocked, "%s follows no environment: releases are made there, not promoted to it", env).
			WithFix("slipway release makes one")
	}
	if in.Version == "" {
		h, err := f.History(ctx, in.App, to.Environment.Follows)
		if err != nil {
			return promote.Output{}, err
		}
		if in.Version, err = f.chosen(h, ""); err != nil {
			return promote.Output{}, err
		}
	}
	return tell(f, "promote", func() (promote.Output, said, error) {
		return f.promote(ctx, in, to.Environment.Follows, env)
	})
}

// Release builds, checks and releases a source where releases are made on the
// road to an environment.
func (f *Flow) Release(ctx context.Context, in ShipInput) (slipway.Release, error) {
	if in.Version != "" {
		if err := slipway.CheckVersion(in.Version); err != nil {
			return slipway.Release{}, err
		}
	}
	if err := f.Project.onlyOne(ctx); err != nil {
		return slipway.Release{}, err
	}
	road, err := f.Project.Road(in.Environment)
	if err != nil {
		return slipway.Release{}, err
	}
	found, _, err := f.findRelease(ctx, in, road[0].Name)
	if err != nil || found != nil {
		return *orEmpty(found), err
	}
	built, err := f.Build(ctx, in.Source)
	if err != nil {
		return slipway.Release{}, err
	}
	checks, err := f.Check(ctx, in.Source, built, in.Again)
	if err != nil {
		return slipway.Release{}, err
	}
	return tell(f, "release", func() (slipway.Release, said, error) {
		return f.release(ctx, in, built, checks, road[0].Name)
	})
}

func orEmpty(r *slipway.Release) *slipway.Release {
	if r == nil {
		return &slipway.Release{}
	}
	return r
}

// Build turns a source into artifacts.
func (f *Flow) Build(ctx context.Context, src slipway.Source) (Built, error) {
	return tell(f, "build", func() (Built, said, error) { return f.build(ctx, src) })
}

// Check asks the manifest's checks about what was built. The results are
// complete also where the error says that a required check did not pass.
func (f *Flow) Check(ctx context.Context, src slipway.Source, b Built, again bool) ([]slipway.CheckResult, error) {
	return tell(f, "check", func() ([]slipway.CheckResult, said, error) { return f.check(ctx, src, b, again) })
}

// tell runs a stage outside of a workflow, and tells how it went.
func tell[T any](f *Flow, name string, fn func() (T, said, error)) (T, error) {
	began := f.Clock()
	f.began(name)
	v, told, err := fn()
	f.told(name, told, err, began)
	return v, err
}

// Plan says what deploying a release would change; with no version, the newest.
func (f *Flow) Plan(ctx context.Context, in DeployInput) (slipway.Plan, error) {
	p, err := f.live(ctx, in.Environment)
	if err != nil {
		return slipway.Plan{}, err
	}
	h, err := f.History(ctx, in.App, in.Environment)
	if err != nil {
		return slipway.Plan{}, err
	}
	t, err := f.target(ctx, p, h, in)
	if err != nil {
		return slipway.Plan{}, err
	}
	plan, err := f.deploying(p).Plan(ctx, deploy.Input{Target: t, RollbackOf: in.RollbackOf, Drift: in.Drift})
	if err != nil {
		return plan, err
	}
	a := f.about(ctx, p, plan, in.RollbackOf != 0)
	if a.release != nil {
		plan = f.former(ctx, p, plan, a.release.Source)
	}
	return f.judged(ctx, p, plan, a)
}

// PlanSource says what shipping a source would change: it builds it, and makes
// no release.
func (f *Flow) PlanSource(ctx context.Context, src slipway.Source, env string, drift slipway.DriftPolicy) (slipway.Plan, error) {
	p, err := f.live(ctx, env)
	if err != nil {
		return slipway.Plan{}, err
	}
	b, err := f.Build(ctx, src)
	if err != nil {
		return slipway.Plan{}, err
	}
	r, err := f.Project.Manifest.ResolveOver(b.found(), env, f.Project.Platform)
	if err != nil {
		return slipway.Plan{}, err
	}
	plan, err := f.deploying(p).Plan(ctx, deploy.Input{Drift: drift, Target: slipway.Target{
		App: f.Project.Manifest.App, Environment: env, Version: src.Version(), Commit: src.Commit,
		Shape: f.Project.Manifest.Shape.Name, Run: r.RunMap(), Artifacts: b.Artifacts,
	}})
	if err != nil {
		return plan, err
	}
	plan.Warnings = append(plan.Warnings, f.Project.Manifest.Differences(b.found(), env)...)
	plan = f.former(ctx, p, plan, src)
	return f.judged(ctx, p, plan, about{team: f.Project.Manifest.Team, released: f.Clock()}) // it would be released now
}

// History reads an environment's ledger.
func (f *Flow) History(ctx context.Context, app, env string) (ledger.History, error) {
	p, err := f.Place(ctx, env)
	if err != nil {
		return ledger.History{}, err
	}
	return ledger.ReadHistory(ctx, p.Ledger, ledger.Subject{App: app, Environment: env})
}
