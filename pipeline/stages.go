package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/release"
	"github.com/slipway-cd/slipway/repository"
)

// findRelease looks for the release of this very source in the environment where
// releases are made. It is nil if there is none.
func (f *Flow) findRelease(ctx context.Context, in ShipInput, origin string) (*slipway.Release, said, error) {
	p, err := f.Place(ctx, origin)
	if err != nil {
		return nil, said{}, err
	}
	version := in.Version
	if version == "" {
		version = in.Source.Version()
	}
	h, err := ledger.ReadHistory(ctx, p.Ledger, ledger.Subject{App: in.App, Environment: origin})
	if err != nil {
		return nil, said{}, err
	}
	if _, ok := h.Admitted(version); !ok || in.Again {
		return nil, said{silent: true}, nil
	}
	r, _, err := repository.FindRelease(ctx, p.Repository, in.App, version)
	if err != nil {
		return nil, said{}, err
	}
	if r.Source.Commit != in.Source.Commit || r.Source.Tree != in.Source.Tree {
		return nil, said{silent: true}, nil // the release stage says what is wrong
	}
	for _, stage := range []string{"build", "check", "release"} {
		f.emit(stage, Reused, r.Version, 0)
	}
	return &r, said{silent: true}, nil
}

// release fixes what was built.
func (f *Flow) release(ctx context.Context, in ShipInput, b Built, checks []slipway.CheckResult, origin string) (slipway.Release, said, error) {
	p, err := f.Place(ctx, origin)
	if err != nil {
		return slipway.Release{}, said{}, err
	}
	road, err := f.Project.Road(in.Environment)
	if err != nil {
		return slipway.Release{}, said{}, err
	}
	resolved, err := f.resolve(road, b.found())
	if err != nil {
		return slipway.Release{}, said{}, err
	}
	if err := f.compare(b, in.Environment); err != nil {
		return slipway.Release{}, said{}, err
	}
	out, err := release.Stage{Environment: p.Environment.Environment, Repository: p.Repository, Ledger: p.Ledger, Clock: f.Clock, Attest: f.attestRelease(p, resolved, checks)}.Run(ctx, release.Input{
		App: in.App, Team: f.Project.Manifest.Team, Version: in.Version, Source: in.Source,
		Artifacts: b.Artifacts, Open: b.open, Manifest: resolved, Checks: checks, By: in.By,
	})
	return out.Release, said{text: fmt.Sprintf("%s in %s", out.Release.Version, origin), reused: !out.Made}, err
}

// promote moves a release to the next environment.
func (f *Flow) promote(ctx context.Context, in promote.Input, from, to string) (promote.Output, said, error) {
	stage, err := f.promoting(ctx, from, to)
	if err != nil {
		return promote.Output{}, said{}, err
	}
	target, err := f.Place(ctx, to)
	if err != nil {
		return promote.Output{}, said{}, err
	}
	stage.Attest = f.attestPromotion(target)
	out, err := stage.Run(ctx, in)
	if errors.Is(err, repository.ErrAltered) {
		err = f.holdAltered(ctx, in, err)
	}
	return out, said{text: fmt.Sprintf("%s from %s to %s", in.Version, from, to), reused: !out.Made}, err
}

func (p *Place) promoting() promote.Place {
	return promote.Place{Environment: p.Environment.Environment, Repository: p.Repository, Ledger: p.Ledger}
}

// DeployInput says what to deploy where.
type DeployInput struct {
	App         string              `json:"app"`
	Environment string              `json:"environment"`
	Version     string              `json:"version"`               // of the release
	Plan        *slipway.Plan       `json:"plan,omitempty"`        // seen and agreed to; nil: whatever is needed
	RollbackOf  int64               `json:"rollback_of,omitempty"` // the deployment whose target comes back; 0: none
	Drift       slipway.DriftPolicy `json:"drift,omitempty"`
	By          string              `json:"by"`
}

// deploy brings a release, or a former target, to an environment.
func (f *Flow) deploy(ctx context.Context, in DeployInput, id string) (deploy.Output, said, error) {
	p, err := f.live(ctx, in.Environment)
	if err != nil {
		return deploy.Output{}, said{}, err
	}
	h, err := ledger.RecallHistory(ctx, p.Ledger, ledger.Subject{App: in.App, Environment: in.Environment})
	if err != nil {
		return deploy.Output{}, said{}, err
	}
	if !h.Begun(id) { // what was cut short is gone on with, whatever the hour
		if err := opens(f.asked(p.Environment), f.Clock(), in.RollbackOf != 0); err != nil {
			return deploy.Output{}, said{}, err
		}
	}
	t, err := f.target(ctx, p, h, in)
	if err != nil {
		return deploy.Output{}, said{}, err
	}
	stage := f.deploying(p)
	stage.Gate = f.gate(p, id, in.RollbackOf != 0)
	out, err := stage.Run(ctx, deploy.Input{ID: id, Target: t, Plan: in.Plan, RollbackOf: in.RollbackOf, Drift: in.Drift, By: in.By})
	if err == nil {
		f.Settle(ctx, in.App, in.Environment)
	}
	d := out.Deployment
	if !out.Made {
		return out, said{text: fmt.Sprintf("%s has %s already (deployment %d)", in.Environment, d.Plan.Target.Version, d.Number), reused: true}, err
	}
	text := fmt.Sprintf("%s to %s: %s (deployment %d)", d.Plan.Target.Version, in.Environment, summary(d.Plan), d.Number)
	if d.Plan.Cost != nil {
		text += "; cost: " + d.Plan.Cost.String()
	}
	return out, said{text: text}, err
}

func (f *Flow) deploying(p *Place) deploy.Stage {
	return deploy.Stage{
		Environment: p.Environment.Environment, Driver: p.Driver, Blobs: blobs{p.Repository}, Ledger: p.Ledger, Keeper: f.keeper(p), Clock: f.Clock,
		Attest: f.attestDeployment(p),
	}
}

func (f *Flow) keeper(p *Place) ledger.Keeper {
	return ledger.Keeper{
		Leases: p.Ledger, Holder: f.Me, Clock: f.Clock, Wait: f.Wait,
		Waiting: func(busy error) { f.emit(f.current, Warned, "waiting: "+busy.Error(), 0) },
	}
}

// target finds what is to be deployed.
func (f *Flow) target(ctx context.Context, p *Place, h ledger.History, in DeployInput) (slipway.Target, error) {
	switch {
	case in.RollbackOf != 0:
		d, err := deploy.Former(h, in.RollbackOf)
		return d.Plan.Target, err
	case in.Plan != nil && in.Version == "":
		in.Version = in.Plan.Target.Version
	}
	version, err := f.chosen(h, in.Version)
	if err != nil {
		return slipway.Target{}, err
	}
	r, _, err := repository.FindRelease(ctx, p.Repository, in.App, version)
	if err != nil {
		return slipway.Target{}, err
	}
	return target(ctx, p.Repository, r, in.Environment)
}

// chosen is the release that a person named, or the newest one.
func (f *Flow) chosen(h ledger.History, version string) (string, error) {
	env := h.Subject.Environment
	if version == "" {
		if n := len(h.Admissions); n > 0 {
			return h.Admissions[n-1].Version, nil
		}
		return "", slipway.Errorf(slipway.NotFound, "there is no release of %s in %s yet", h.Subject.App, env).
			WithFix("slipway ship %s makes one and takes it there", env)
	}
	if _, ok := h.Admitted(version); ok {
		return version, nil
	}
	err := slipway.Errorf(slipway.NotFound, "there is no release %s of %s in %s", version, h.Subject.App, env)
	if near := nearest(version, h.Admissions); near != "" {
		return "", err.WithFix("did you mean %s? slipway releases %s lists them all", near, env)
	}
	if e, _ := f.Project.Environment(env); e.Follows != "" {
		return "", err.WithFix("slipway releases %s lists those that are there; slipway promote %s %s brings it", env, version, env)
	}
	return "", err.WithFix("slipway releases %s lists those that are there; slipway release %s makes it of the commit that is checked out", env, version)
}

// nearest returns the one version that v is part of, if there is only one.
func nearest(v string, admissions []ledger.Admission) string {
	found := ""
	for _, a := range admissions {
		if strings.Contains(a.Version, v) || strings.HasPrefix(a.Commit, v) {
			if found != "" {
				return ""
			}
			found = a.Version
		}
	}
	return found
}

// summary says in a few words what a plan changes.
func summary(p slipway.Plan) string {
	switch n := len(p.Changes); n {
	case 0:
		return "nothing to change"
	case 1:
		return "1 change"
	default:
		return fmt.Sprintf("%d changes", n)
	}
}

// Operating returns the stage that looks after an environment.
func (f *Flow) Operating(ctx context.Context, env string) (operate.Stage, error) {
	p, err := f.live(ctx, env)
	if err != nil {
		return operate.Stage{}, err
	}
	return operate.Stage{
		Environment: p.Environment.Environment, Driver: p.Driver, Ledger: p.Ledger, Keeper: f.keeper(p), Clock: f.Clock, Attest: f.attestRemoval(p),
		KeepRuns: f.Project.Platform.KeepRuns(),
	}, nil
}

// startRun starts the run that a deployment asks for. Where another deployment
// has taken its place it is nil: what was deployed here is not there any more.
// The lease keeps it there meanwhile.
func (f *Flow) startRun(ctx context.Context, d slipway.Deployment, by string) (run *slipway.Run, told said, err error) {
	t := d.Plan.Target
	o, err := f.Operating(ctx, t.Environment)
	if err != nil {
		return nil, said{}, err
	}
	p, err := f.live(ctx, t.Environment)
	if err != nil {
		return nil, said{}, err
	}
	err = f.keeper(p).Hold(ctx, ledger.Subject{App: t.App, Environment: t.Environment}, func(ctx context.Context) error {
		live, err := o.Live(ctx, t.App)
		if err != nil || live.Number != d.Number {
			told.text = fmt.Sprintf("not started: deployment %d has taken the place of deployment %d", live.Number, d.Number)
			return err
		}
		r, err := o.Start(ctx, t.App, driver.RunRequest{ID: runOf(d), Trigger: driver.Deployed, By: by})
		run, told.text = &r, r.ID+" started"
		return err
	})
	return run, told, err
}

// hadRun returns the run that a deployment asks for; nil if it was not started.
func (f *Flow) hadRun(ctx context.Context, d slipway.Deployment) (*slipway.Run, error) {
	o, err := f.Operating(ctx, d.Plan.Target.Environment)
	if err != nil {
		return nil, err
	}
	r, err := o.Run(ctx, d.Plan.Target.App, runOf(d))
	if err != nil && slipway.KindOf(err) == slipway.NotFound {
		return nil, nil
	}
	return &r, err
}

// unsettled returns a deployment's run that is under way, or ended badly and was
// not followed by another: whoever ships again is told so. Otherwise it is nil.
func (f *Flow) unsettled(ctx context.Context, r slipway.Run) (*slipway.Run, error) {
	if r.State == slipway.RunSucceeded {
		return nil, nil
	}
	if !r.State.Ended() {
		f.emit("run", Reused, r.ID+" is under way", 0)
		return &r, nil
	}
	o, err := f.Operating(ctx, r.Environment)
	if err != nil {
		return nil, err
	}
	newest, err := o.Run(ctx, r.App, "")
	if err != nil || newest.ID != r.ID {
		return nil, err
	}
	f.emit("run", Reused, fmt.Sprintf("%s: %s; slipway run %s starts another", r.ID, r.State, r.Environment), 0)
	return &r, nil
}

// runOf is the id of the run that a deployment asks for.
func runOf(d slipway.Deployment) string { return fmt.Sprintf("deployment-%d", d.Number) }
