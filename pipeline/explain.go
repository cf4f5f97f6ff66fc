package pipeline

import (
	"context"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/repository"
)

// An Explanation says what keeps the release that is next for an environment
// from being deployed there, why, and who can open it.
type Explanation struct {
	App         string            `json:"app"`
	Environment string            `json:"environment"`
	Version     string            `json:"version,omitempty"` // empty: there is no release yet
	Open        bool              `json:"open"`
	Gates       []Gate            `json:"gates"` // closed ones
	Rails       []slipway.RailHit `json:"rails"` // that the plan runs into
}

// A Gate is a rule of the platform's, other than a rail, that is closed.
type Gate struct {
	Name string   `json:"name"`
	Why  string   `json:"why"`
	Fix  string   `json:"fix,omitempty"`
	By   []string `json:"by,omitempty"` // who can open it, as the platform file names them
}

// Explain says what keeps the next release from an environment: the newest of
// the environment that it follows, or else the newest there. It changes nothing.
func (f *Flow) Explain(ctx context.Context, env string) (Explanation, error) {
	p, err := f.live(ctx, env)
	if err != nil {
		return Explanation{}, err
	}
	x := Explanation{App: f.Project.Manifest.App, Environment: env, Gates: []Gate{}, Rails: []slipway.RailHit{}}
	for _, g := range f.environmentGates(p.Environment) {
		g.closes(&x, opens(g.rules, f.Clock(), false))
	}
	plan, err := f.next(ctx, &x, p)
	switch {
	case ctx.Err() != nil:
		return x, ctx.Err()
	case err != nil:
		x.close("plan", nil, err)
	default:
		x.Rails = append(x.Rails, plan.Rails...)
		if err := f.roomFor(ctx, &x, plan); err != nil {
			return x, err
		}
	}
	x.Open = len(x.Gates) == 0 && Closed(plan) == nil
	return x, nil
}

// roomFor adds the gate of each quota that has no room for a plan.
func (f *Flow) roomFor(ctx context.Context, x *Explanation, plan slipway.Plan) error {
	if plan.Empty() {
		return nil
	}
	all, err := f.accounts(ctx, plan.Target.Shape, plan.Target.Environment)
	if err != nil {
		return err
	}
	for _, a := range all {
		err := a.fits(ctx, plan.Target)
		if err != nil && slipway.KindOf(err) != slipway.Blocked {
			return err
		}
		if err != nil {
			x.close("quota "+a.quota.Name, nil, err)
		}
	}
	return nil
}

// environmentGate is one rule of an environment by itself.
type environmentGate struct {
	name  string
	rules manifest.Environment
	by    []string
}

// environmentGates are those of an environment's rules. At a server who may deploy is no
// gate: it depends on who asks.
func (f *Flow) environmentGates(e manifest.Environment) []environmentGate {
	if f.Authority != "" {
		e.Deployers = nil
	}
	freeze, deployers := e, e
	freeze.Deployers, deployers.Freeze = nil, nil
	return []environmentGate{{"freeze", freeze, nil}, {"deployers", deployers, e.Deployers}}
}

func (g environmentGate) closes(x *Explanation, err error) {
	if err != nil {
		x.close(g.name, g.by, err)
	}
}

func (x *Explanation) close(gate string, by []string, err error) {
	x.Gates = append(x.Gates, Gate{Name: gate, Why: err.Error(), Fix: slipway.FixOf(err), By: by})
}

// next plans the release that is next for an environment, and adds the gates on
// its way there.
func (f *Flow) next(ctx context.Context, x *Explanation, p *Place) (slipway.Plan, error) {
	here, err := f.History(ctx, x.App, x.Environment)
	if err != nil {
		return slipway.Plan{}, err
	}
	coming, err := f.coming(ctx, x.App, p, here)
	if err != nil {
		return slipway.Plan{}, err
	}
	if coming == nil {
		if x.Version, err = f.chosen(here, ""); err != nil {
			return slipway.Plan{}, err
		}
		plan, err := f.Plan(ctx, DeployInput{App: x.App, Environment: x.Environment, Version: x.Version})
		if err == nil && !plan.Empty() {
			x.closedBy("quarantine", f.heldHere(ctx, p, here, plan.Target, f.about(ctx, p, plan, false)))
		}
		return plan, err
	}
	x.Version = coming.Version
	if err := f.keeps(ctx, x, *coming, p); err != nil {
		return slipway.Plan{}, err
	}
	if err := f.signed(ctx, x, *coming, p.Environment); err != nil {
		return slipway.Plan{}, err
	}
	return f.planAhead(ctx, *coming, p.Environment.Follows, x.Environment)
}

// keeps adds the gate of what keeps a release in the environment before.
func (f *Flow) keeps(ctx context.Context, x *Explanation, r slipway.Release, to *Place) error {
	from, err := f.Place(ctx, to.Environment.Follows)
	if err != nil {
		return err
	}
	before, err := f.History(ctx, r.App, to.Environment.Follows)
	if err != nil {
		return err
	}
	after, err := f.History(ctx, r.App, x.Environment)
	if err != nil {
		return err
	}
	x.closedBy("promotion", f.hold(from, to)(ctx, before, after, r))
	return nil
}

// closedBy adds a gate if there is an error that closes it.
func (x *Explanation) closedBy(gate string, err error) {
	if err != nil {
		x.close(gate, nil, err)
	}
}

// coming is the newest release of the environment before, if it is not here yet;
// else it is nil.
func (f *Flow) coming(ctx context.Context, app string, p *Place, here ledger.History) (*slipway.Release, error) {
	from := p.Environment.Follows
	if from == "" {
		return nil, nil
	}
	before, err := f.History(ctx, app, from)
	if err != nil || len(before.Admissions) == 0 {
		return nil, err
	}
	newest := before.Admissions[len(before.Admissions)-1].Version
	if _, ok := here.Admitted(newest); ok {
		return nil, nil
	}
	origin, err := f.Place(ctx, from)
	if err != nil {
		return nil, err
	}
	r, _, err := repository.FindRelease(ctx, origin.Repository, app, newest)
	return &r, err
}

// signed adds the gate of the sign-offs that a release still lacks.
func (f *Flow) signed(ctx context.Context, x *Explanation, r slipway.Release, e manifest.Environment) error {
	if len(e.SignOffs) == 0 {
		return nil
	}
	stage, in, err := f.toSign(ctx, x.App, r.Version, x.Environment)
	if err != nil {
		return err
	}
	standing, _, err := stage.Look(ctx, in)
	if err != nil {
		return err
	}
	var by []string
	for _, role := range standing.Roles {
		if role.Missing() > 0 {
			by = append(by, role.Role)
		}
	}
	if err := standing.Err(); err != nil {
		x.close("sign-offs", by, err)
	}
	return nil
}
