package pipeline

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/promote"
)

// SetInput says which releases come to an environment together.
type SetInput struct {
	Environment string              `json:"environment"`
	Members     []slipway.SetMember `json:"members"` // by app and version
	By          string              `json:"by"`
}

// ReadSetMember reads one release of a set, as APP@VERSION.
func ReadSetMember(text string) (slipway.SetMember, error) {
	app, version, ok := strings.Cut(text, "@")
	if !ok || app == "" || version == "" {
		return slipway.SetMember{}, slipway.Errorf(slipway.Invalid, "%q is no release of a set", text).WithFix("write it as APP@VERSION, such as roads@v1.4.0")
	}
	return slipway.SetMember{App: app, Version: version}, slipway.CheckVersion(version)
}

// setLease is what the one set at a time that comes to an environment holds.
func setLease(env string) ledger.Subject { return ledger.Subject{App: "sets@" + env, Environment: env} }

// PromoteSet takes releases of several apps one environment further, all or none: what
// guard rails say to the plan of each, sign-offs, soak times and quarantines are judged
// first. It may be called again after a crash, and goes on.
func (f *Flow) PromoteSet(ctx context.Context, in SetInput) (promote.SetOutput, error) {
	if len(in.Members) == 0 {
		return promote.SetOutput{}, slipway.Errorf(slipway.Invalid, "a set has at least one release")
	}
	to, err := f.Place(ctx, in.Environment)
	if err != nil {
		return promote.SetOutput{}, err
	}
	from := to.Environment.Follows
	if from == "" {
		return promote.SetOutput{}, slipway.Errorf(slipway.Blocked, "%s follows no environment: releases are made there, not promoted to it", in.Environment).
			WithFix("slipway release makes one")
	}
	var members []promote.Member
	for _, m := range in.Members {
		stage, err := f.promoting(ctx, from, in.Environment)
		if err != nil {
			return promote.SetOutput{}, err
		}
		if f.Signer != nil {
			stage.Attest = func(ctx context.Context, p slipway.Promotion, r slipway.Release) ([]slipway.Digest, error) {
				return f.named(r).attestPromotion(to)(ctx, p, r)
			}
		}
		members = append(members, promote.Member{Stage: stage, App: m.App, Version: m.Version, Judge: f.judgeMember(from, to)})
	}
	return tell(f, "promote", func() (out promote.SetOutput, told said, err error) {
		err = f.keeper(to).Hold(ctx, setLease(in.Environment), func(ctx context.Context) error {
			out, err = promote.RunSet(ctx, in.By, members...)
			return err
		})
		reused := true
		var names []string
		for _, m := range out.Members {
			reused = reused && !m.Made
			names = append(names, m.Release.App+" "+m.Release.Version)
		}
		return out, said{text: fmt.Sprintf("%s from %s to %s, set %s", strings.Join(names, ", "), from, in.Environment, out.Set.Digest.Short()), reused: reused}, err
	})
}

// judgeMember says what guard rails of an environment say to the plan of a release that
// is to come there.
func (f *Flow) judgeMember(from string, to *Place) func(context.Context, slipway.Release, slipway.Digest) error {
	return func(ctx context.Context, r slipway.Release, record slipway.Digest) error {
		origin, err := f.Place(ctx, from)
		if err != nil {
			return err
		}
		t, err := target(ctx, origin.Repository, r, to.Environment.Name)
		if err != nil {
			return err
		}
		of, err := f.ofApp(r, t.Shape)
		if err != nil {
			return err
		}
		p, err := f.live(ctx, to.Environment.Name)
		if err != nil {
			return err
		}
		stage := f.deploying(p)
		stage.Blobs = blobs{origin.Repository}
		plan, err := stage.Plan(ctx, deploy.Input{Target: t})
		if err != nil {
			return err
		}
		if plan, err = of.judged(ctx, p, plan, aboutRelease(r, record)); err != nil {
			return err
		}
		return Closed(plan)
	}
}

// named is this flow for another app, of which a release is all that is known.
func (f *Flow) named(r slipway.Release) *Flow {
	other, project, m := *f, *f.Project, *f.Project.Manifest
	m.App, m.Team, m.Ask = r.App, r.Team, nil
	project.Manifest = &m
	other.Project, other.rails, other.quotas = &project, nil, nil
	return &other
}

// ofApp is named, with the shape that guard rails are compiled against.
func (f *Flow) ofApp(r slipway.Release, shape string) (*Flow, error) {
	other := f.named(r)
	if other.Project.Manifest.Shape = f.Project.shapes.Lookup(shape); other.Project.Manifest.Shape == nil {
		return nil, slipway.Errorf(slipway.NotFound, "release %s of %s has the shape %s, which is not on the menu", r.Version, r.App, shape)
	}
	return other, nil
}

// SetOf is the set that a release came to an environment with; nil: it came alone.
func (f *Flow) SetOf(ctx context.Context, r slipway.Release, env string) (*slipway.ReleaseSet, error) {
	h, err := f.History(ctx, r.App, env)
	if err != nil {
		return nil, err
	}
	a, _ := h.Admitted(r.Version)
	return a.Set, nil
}
