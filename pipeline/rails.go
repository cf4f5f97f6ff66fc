package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/repository"
)

// Rails are the platform's guard rails, compiled. They are loaded when the first
// plan asks for them.
func (f *Flow) Rails(ctx context.Context) (*policy.Book, error) {
	if f.rails != nil {
		return f.rails, nil
	}
	book, err := f.Project.Rails(ctx)
	f.rails = book
	return book, err
}

// Rails loads the guard rails of the platform file and of the files that it
// names. Every complaint about them is in the error.
func (p *Project) Rails(ctx context.Context) (*policy.Book, error) {
	first := p.Platform.Rails()
	sources, seen := []policy.Source{first}, map[string]bool{}
	for _, v := range first.Files() {
		name := path.Clean(v.Text())
		if seen[name] {
			continue
		}
		seen[name] = true
		data, err := p.besidePlatform(ctx, name, func(message string) error { return p.Platform.Complain(v, message) })
		if err != nil {
			return nil, err
		}
		source, err := policy.ReadFile(path.Join(path.Dir(p.Platform.File), name), data)
		if err != nil {
			return nil, err
		}
		sources = append(sources, source)
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
	released time.Time // zero: nobody knows
	rollback bool
}

// about finds out about the release of a plan. Of one that a rollback brings
// back, less may be known.
func (f *Flow) about(ctx context.Context, p *Place, plan slipway.Plan, rollback bool) about {
	r, _, err := repository.FindRelease(ctx, p.Repository, plan.Target.App, plan.Target.Version)
	if err != nil {
		return about{team: f.Project.Manifest.Team, rollback: rollback} // a rail that asks for more cannot be judged
	}
	return about{team: r.Team, released: r.Created, rollback: rollback}
}

// gate keeps a deployment from going on that runs into a closed rail.
func (f *Flow) gate(p *Place, rollback bool) func(context.Context, slipway.Plan) (slipway.Plan, error) {
	return func(ctx context.Context, plan slipway.Plan) (slipway.Plan, error) {
		plan, err := f.judged(ctx, p, plan, f.about(ctx, p, plan, rollback))
		if err != nil {
			return plan, err
		}
		return plan, Closed(plan)
	}
}

// judged is the plan with the rails that it runs into.
func (f *Flow) judged(ctx context.Context, p *Place, plan slipway.Plan, a about) (slipway.Plan, error) {
	book, err := f.Rails(ctx)
	if err != nil {
		return plan, err
	}
	facts, err := f.facts(ctx, p, plan, a, f.Clock())
	if err != nil {
		return plan, err
	}
	plan.Rails = book.Judge(facts)
	for i := range plan.Rails {
		plan.Rails[i].Asked = f.asked(plan.Rails[i].Rail)
	}
	return plan, nil
}

func (f *Flow) facts(ctx context.Context, p *Place, plan slipway.Plan, a about, at time.Time) (policy.Facts, error) {
	facts := policy.Facts{
		Plan: plan, Team: a.team, Environment: p.Environment.Environment, Rollback: a.rollback, Released: a.released, Time: at,
	}
	if f.Grants == nil {
		return facts, nil
	}
	var err error
	facts.Grants, err = f.Grants(ctx, plan.Target.App, p.Environment.Name)
	return facts, err
}

// asked is the manifest's request to cross a rail, in words.
func (f *Flow) asked(rail string) string {
	for _, ask := range f.Project.Manifest.Ask {
		if ask.Rail == rail {
			return fmt.Sprintf("%s asks for it until %s: %s", manifest.FileName, ask.Until.Format(time.DateOnly), ask.Why)
		}
	}
	return ""
}

// Closed returns the error, of kind slipway.Blocked, that a plan ends with if a
// rail in its way is closed.
func Closed(plan slipway.Plan) error {
	var reasons, fixes []string
	for _, h := range plan.Rails {
		if !h.Closed() {
			continue
		}
		reasons = append(reasons, h.Reason())
		if h.Fix != "" {
			fixes = append(fixes, h.Fix)
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	t := plan.Target
	fixes = append(fixes, fmt.Sprintf("slipway explain %s shows all that is closed, and who can open it", t.Environment))
	return slipway.Errorf(slipway.Blocked, "%s is closed for %s %s: %s", t.Environment, t.App, t.Version, strings.Join(reasons, "; ")).
		WithFix("%s", strings.Join(fixes, "\n"))
}
