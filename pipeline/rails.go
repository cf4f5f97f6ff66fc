package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/shape"
)

// Rails are the platform's guard rails, compiled. They are loaded when the first
// plan asks for them.
func (f *Flow) Rails(ctx context.Context) (*policy.Book, error) {
	if f.rails != nil {
		return f.rails, nil
	}
	book, err := f.Project.Rails(ctx)
	if err != nil {
		return nil, err
	}
	if f.Project.Platform != nil && f.Project.Manifest != nil { // without one there is nobody to ask
		if err := f.Project.Manifest.CheckAsks(book.Names()); err != nil {
			return nil, err
		}
	}
	f.rails = book
	return book, nil
}

// Rails loads the guard rails of the platform file, of the files that it names and
// of the shapes. Every complaint about them is in the error.
func (p *Project) Rails(ctx context.Context) (*policy.Book, error) {
	sources, err := p.Platform.RailSources()
	if err != nil {
		return nil, err
	}
	seen := map[[2]string]bool{}
	for _, from := range slices.Clone(sources) {
		for _, v := range from.Files() {
			name := path.Clean(v.Text())
			key := [2]string{from.Environment, name}
			if seen[key] {
				continue
			}
			seen[key] = true
			data, err := p.besidePlatform(ctx, name, func(message string) error { return p.Platform.Complain(v, message) })
			if err != nil {
				return nil, err
			}
			source, err := policy.ReadFile(path.Join(path.Dir(p.Platform.File), name), data)
			if err != nil {
				return nil, err
			}
			source.Environment = from.Environment
			sources = append(sources, source)
		}
	}
	shapes := p.shapes.All()
	if p.Manifest != nil { // an app meets those of its own shape alone
		shapes = []*shape.Shape{p.Manifest.Shape}
	}
	for _, s := range shapes {
		source, err := policy.OfShape(s)
		if err != nil {
			return nil, err
		}
		if source.Rails != nil {
			sources = append(sources, source)
		}
	}
	return policy.Load(p.Platform.RailScope(p.shapes), sources...)
}

// besidePlatform reads a file that the platform file names, from where that one
// is from. No link leads out of its folder.
func (p *Project) besidePlatform(ctx context.Context, name string, complain func(string) error) ([]byte, error) {
	if p.platformGit != nil {
		where := *p.platformGit
		where.Path = path.Join(path.Dir(where.Path), name)
		got, err := git.FetchFile(ctx, filepath.Join(p.State, "cache", "platform"), p.environ, where)
		return got.Data, err
	}
	root, err := os.OpenRoot(p.platformDir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // it was only read
	data, err := root.ReadFile(filepath.FromSlash(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, complain(fmt.Sprintf("there is no file %s beside %s", name, manifest.PlatformFileName))
	case err != nil:
		return nil, complain(fmt.Sprintf("the file %s cannot be read: %v", name, err))
	}
	return data, nil
}

// about is what rails are asked about besides the plan.
type about struct {
	team     string
	release  *slipway.Release // nil: nothing is known of it, or there is none yet
	record   slipway.Digest   // of the release; empty: there is none
	released time.Time        // zero: nobody knows
	rollback bool
}

// aboutRelease is what is known of a release with a record.
func aboutRelease(r slipway.Release, record slipway.Digest) about {
	return about{team: r.Team, release: &r, record: record, released: r.Created}
}

// about finds out about the release of a plan. Of one that a rollback brings
// back, less may be known.
func (f *Flow) about(ctx context.Context, p *Place, plan slipway.Plan, rollback bool) about {
	r, record, err := repository.FindRelease(ctx, p.Repository, plan.Target.App, plan.Target.Version)
	if err != nil {
		return about{team: f.Project.Manifest.Team, rollback: rollback} // a rail that asks for more cannot be judged
	}
	a := aboutRelease(r, record)
	a.rollback = rollback
	return a
}

// gate keeps a deployment from going on that runs into a closed rail, or into a quota
// that is full. What it needs of quotas is then reserved.
func (f *Flow) gate(p *Place, id string, rollback bool) func(context.Context, slipway.Plan) (slipway.Plan, error) {
	return func(ctx context.Context, plan slipway.Plan) (slipway.Plan, error) {
		a := f.about(ctx, p, plan, rollback)
		h, err := ledger.RecallHistory(ctx, p.Ledger, ledger.Subject{App: plan.Target.App, Environment: p.Environment.Name})
		if err == nil {
			err = f.heldHere(ctx, p, h, plan.Target, a)
		}
		if err != nil {
			return plan, err
		}
		if a.release != nil {
			plan = f.former(ctx, p, plan, a.release.Source)
		}
		if plan, err = f.judged(ctx, p, plan, a); err != nil {
			return plan, err
		}
		if err := closed(plan); err != nil {
			return plan, err
		}
		return plan, f.reserve(ctx, plan.Target, id)
	}
}

// judged is the plan with the rails that it runs into. What people permitted is
// only looked for where a rail asks for that.
func (f *Flow) judged(ctx context.Context, p *Place, plan slipway.Plan, a about) (slipway.Plan, error) {
	book, err := f.Rails(ctx)
	if err != nil {
		return plan, err
	}
	if plan.Cost == nil {
		plan.Cost = f.formula(plan.Target)
	}
	facts := f.facts(p, plan, a, f.Clock())
	if book.Uses("others", plan.Target.Shape, p.Environment.Name) {
		if facts.Others, err = f.others(ctx, p, plan.Target.App, a.team); err != nil {
			return plan, err
		}
	}
	plan.Rails = book.Judge(facts)
	if slices.ContainsFunc(plan.Rails, func(h slipway.RailHit) bool { return h.Closed() && h.Effect != slipway.RailBlocks }) {
		if facts.Grants, err = f.permissions(ctx, p, book, plan, a); err != nil {
			return plan, err
		}
		plan.Rails = book.Judge(facts)
	}
	for i := range plan.Rails {
		f.ways(&plan.Rails[i], plan, a)
	}
	return plan, nil
}

// formula is what a run costs by the shape, where the runtime has no prices; nil: the
// shape does not say either.
func (f *Flow) formula(t slipway.Target) *slipway.Cost {
	s := f.Project.shapes.Lookup(t.Shape)
	if s == nil || s.Cost.Run == "" {
		return nil
	}
	c := &slipway.Cost{App: t.App, Environment: t.Environment, Prices: slipway.Prices{Source: "shape " + s.Ref()}, Notes: []string{"by the formula of the shape " + s.Ref()}}
	worst, err := policy.CostOf(s, t.Run)
	if err != nil {
		c.Unknown = err.Error()
	}
	c.Worst = worst
	return c
}

func (f *Flow) facts(p *Place, plan slipway.Plan, a about, at time.Time) policy.Facts {
	return policy.Facts{
		Plan: plan, Team: a.team, Environment: p.Environment.Environment, Rollback: a.rollback, Released: a.released, Time: at,
		People: f.people(a),
	}
}

// people are who has to do with a release, by their short names where the platform
// has them. Without a server all of it is what machines say of themselves.
func (f *Flow) people(a about) policy.People {
	who := policy.People{Deployer: f.personOf(f.Me.Who)}
	if f.Project.Platform != nil {
		who.Team = f.Project.Platform.Teams[a.team].People
	}
	if a.release != nil {
		who.Author, who.Releaser = f.personOf(a.release.Source.Author), f.personOf(a.release.By)
	}
	return who
}

// personOf is the short name of a person, or else what the machine calls them.
func (f *Flow) personOf(who string) string {
	if f.Project.Platform == nil {
		return who
	}
	if names := makers(f.Project.Platform.People, slipway.Release{By: who, Source: slipway.Source{Author: who}}); len(names) > 0 {
		return names[0]
	}
	return who
}

// permissions are all that people said to open rails for what is planned.
func (f *Flow) permissions(ctx context.Context, p *Place, book *policy.Book, plan slipway.Plan, a about) ([]slipway.RailGrant, error) {
	h, err := ledger.ReadHistory(ctx, p.Ledger, ledger.Subject{App: plan.Target.App, Environment: p.Environment.Name})
	if err != nil {
		return nil, err
	}
	all, err := f.granted(ctx, p, h)
	if err != nil {
		return nil, err
	}
	var r slipway.Release
	if a.release != nil {
		r = *a.release
	}
	out := f.exceptions(all, p, r)
	if a.record == "" {
		return out, nil
	}
	signed, err := f.railSignOffs(ctx, p, book, h, r, a.record)
	return append(out, signed...), err
}

// Closed returns the error, of kind slipway.Blocked, that a plan ends with if a
// rail in its way is closed. Where nothing is to change, nothing is in the way.
func Closed(plan slipway.Plan) error {
	if plan.Empty() {
		return nil
	}
	return closed(plan)
}

func closed(plan slipway.Plan) error {
	var reasons, fixes []string
	for _, h := range plan.Rails {
		if !h.Closed() {
			continue
		}
		reasons = append(reasons, h.Reason())
		if h.Fix != "" {
			fixes = append(fixes, h.Fix)
		}
		fixes = append(fixes, h.Ways...)
	}
	if len(reasons) == 0 {
		return nil
	}
	t := plan.Target
	fixes = append(fixes, fmt.Sprintf("slipway explain %s shows all that is closed, and who can open it", t.Environment))
	return slipway.Errorf(slipway.Blocked, "%s is closed for %s %s: %s", t.Environment, t.App, t.Version, strings.Join(reasons, "; ")).
		WithFix("%s", strings.Join(fixes, "\n"))
}
