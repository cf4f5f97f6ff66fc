package pipeline

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/repository"
)

// Policy says whose word counts on this platform, as it is now.
func (f *Flow) Policy() evidence.Policy { return f.Project.Platform.PolicyAt(f.Clock()) }

// promoting is the stage that takes releases from one environment to another.
func (f *Flow) promoting(ctx context.Context, from, to string) (promote.Stage, error) {
	a, err := f.Place(ctx, from)
	if err != nil {
		return promote.Stage{}, err
	}
	b, err := f.Place(ctx, to)
	if err != nil {
		return promote.Stage{}, err
	}
	return promote.Stage{From: a.promoting(), To: b.promoting(), Rules: f.rules(b.Environment), Hold: f.hold(a, b), Clock: f.Clock}, nil
}

// rules are those of the platform for what comes to an environment; nil if nobody
// has to sign.
func (f *Flow) rules(e manifest.Environment) func(slipway.Release) promote.Rules {
	if len(e.SignOffs) == 0 {
		return nil
	}
	return func(r slipway.Release) promote.Rules { return f.signing(e, r) }
}

// needs are the roles that have to say yes. One that is named twice needs as many
// people as both say.
func needs(asked []manifest.SignOff) []promote.Need {
	var all []promote.Need
	for _, s := range asked {
		i := slices.IndexFunc(all, func(n promote.Need) bool { return n.Role == s.Role })
		if i < 0 {
			all = append(all, promote.Need{Role: s.Role, Count: s.Count, Valid: s.Valid})
			continue
		}
		all[i].Count += s.Count
		if s.Valid > 0 && (all[i].Valid == 0 || s.Valid < all[i].Valid) {
			all[i].Valid = s.Valid
		}
	}
	return all
}

// makers are the people who made a release or wrote its commit, by what it says
// of itself: the user who released it, and the commit's author.
func makers(people map[string]manifest.Person, r slipway.Release) []string {
	user, _, _ := strings.Cut(r.By, "@")
	same := func(a, b string) bool { return a != "" && strings.EqualFold(a, b) }
	var all []string
	for _, name := range slices.Sorted(maps.Keys(people)) {
		p := people[name]
		if same(name, user) || same(p.Login, user) || same(p.Email, r.By) || same(p.Email, r.Source.Author) {
			all = append(all, name)
		}
	}
	return all
}

// A Review is what a person signs, and what others said to it.
type Review struct {
	Release  slipway.Release       `json:"release"`
	From     string                `json:"from"`
	Checks   []slipway.CheckResult `json:"checks"`
	Standing promote.Standing      `json:"standing"`
	Plan     *slipway.Plan         `json:"plan,omitempty"` // what deploying it would change now
	NoPlan   string                `json:"no_plan,omitempty"`
}

// Review returns a release that is to come to an environment; with no version, the
// newest of the environment before it. Who may sign need not be able to plan:
// where there is no plan it says why.
func (f *Flow) Review(ctx context.Context, app, version, env string) (Review, error) {
	stage, in, err := f.toSign(ctx, app, version, env)
	if err != nil {
		return Review{}, err
	}
	st, r, err := stage.Look(ctx, in)
	if err != nil {
		return Review{}, err
	}
	out := Review{Release: r, From: stage.From.Environment.Name, Standing: st}
	if out.Checks, err = f.CheckResults(ctx, r, out.From); err != nil {
		return Review{}, err
	}
	plan, err := f.planAhead(ctx, r, out.From, env)
	if err != nil {
		out.NoPlan = err.Error()
		return out, ctx.Err()
	}
	out.Plan = &plan
	return out, nil
}

// toSign finds which release is meant, and the stage that it comes through. Where
// guard rails ask for sign-offs it may be there already.
func (f *Flow) toSign(ctx context.Context, app, version, env string) (promote.Stage, promote.Input, error) {
	to, err := f.Place(ctx, env)
	if err != nil {
		return promote.Stage{}, promote.Input{}, err
	}
	rails, err := f.railRoles(ctx, env)
	if err != nil {
		return promote.Stage{}, promote.Input{}, err
	}
	from := to.Environment.Follows
	if from == "" && len(rails) == 0 {
		return promote.Stage{}, promote.Input{}, slipway.Errorf(slipway.Invalid, "%s follows no environment: releases are made there, and nobody signs for them", env)
	}
	if len(rails) > 0 {
		here, err := f.History(ctx, app, env)
		if err != nil {
			return promote.Stage{}, promote.Input{}, err
		}
		if _, in := here.Admitted(version); in || from == "" {
			from = env
		}
	}
	h, err := f.History(ctx, app, from)
	if err != nil {
		return promote.Stage{}, promote.Input{}, err
	}
	if version, err = f.chosen(h, version); err != nil {
		return promote.Stage{}, promote.Input{}, err
	}
	stage, err := f.promoting(ctx, from, env)
	if len(rails) > 0 {
		stage.Rails = rails
		stage.Rules = func(r slipway.Release) promote.Rules { return f.signing(to.Environment, r) }
	}
	return stage, promote.Input{App: app, Version: version}, err
}

// planAhead says what deploying a release would change that is not in the
// environment yet.
func (f *Flow) planAhead(ctx context.Context, r slipway.Release, from, env string) (slipway.Plan, error) {
	a, err := f.Place(ctx, from)
	if err != nil {
		return slipway.Plan{}, err
	}
	p, err := f.live(ctx, env)
	if err != nil {
		return slipway.Plan{}, err
	}
	t, err := target(ctx, a.Repository, r, env)
	if err != nil {
		return slipway.Plan{}, err
	}
	stage := f.deploying(p)
	stage.Blobs = blobs{a.Repository}
	plan, err := stage.Plan(ctx, deploy.Input{Target: t})
	if err != nil {
		return plan, err
	}
	_, record, err := repository.FindRelease(ctx, a.Repository, r.App, r.Version)
	if err != nil {
		return plan, err
	}
	return f.judged(ctx, p, plan, aboutRelease(r, record))
}

// SignOffs returns what people said to a release before it came to an environment,
// and whether that is still so by the platform file as it is now.
func (f *Flow) SignOffs(ctx context.Context, r slipway.Release, env string) ([]promote.Said, error) {
	p, err := f.Place(ctx, env)
	if err != nil {
		return nil, err
	}
	h, err := f.History(ctx, r.App, env)
	if err != nil {
		return nil, err
	}
	signed, err := promote.ReadSigned(ctx, p.Repository, h, r.Version)
	if err != nil {
		return nil, err
	}
	admission, _ := h.Admitted(r.Version)
	return promote.Judge(f.signing(p.Environment, r), r, admission.Record, env, signed).Said, nil
}

// SignOff signs for a release on its way to an environment and records it.
func (f *Flow) SignOff(ctx context.Context, in promote.Signing, env string) (promote.Signed, error) {
	stage, named, err := f.toSign(ctx, in.App, in.Version, env)
	if err != nil {
		return promote.Signed{}, err
	}
	in.Version = named.Version
	return stage.Sign(ctx, in)
}

// PromoteSigned promotes a release if the app's manifest asks for that and all who
// have to have signed. It is nil if there is nothing to do by itself.
func (f *Flow) PromoteSigned(ctx context.Context, in promote.Input, env string) (*promote.Output, error) {
	if !slices.Contains(f.Project.Manifest.Deliver.Signed, env) {
		return nil, nil
	}
	here, err := f.History(ctx, in.App, env)
	if err != nil {
		return nil, err
	}
	if _, there := here.Admitted(in.Version); there {
		return nil, nil
	}
	stage, _, err := f.toSign(ctx, in.App, in.Version, env)
	if err != nil {
		return nil, err
	}
	st, _, err := stage.Look(ctx, in)
	if err != nil || st.Err() != nil || len(st.Roles) == 0 {
		return nil, err
	}
	out, err := f.Promote(ctx, in, env)
	return &out, err
}
