package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/repository"
)

// An app's history is under its name. Under another name it is another app, and the job
// that it left behind goes on, with its schedule.

// atOnce is how many chains are read at a time.
const atOnce = 16

// LeftBehind are the deployments that are live in an environment under other names, and
// come from the same folder of the same repository. A source that has no remote is
// compared with none.
func (f *Flow) LeftBehind(ctx context.Context, env, app string, src slipway.Source) ([]slipway.Deployment, error) {
	p, err := f.Place(ctx, env)
	if err != nil || src.Remote == "" {
		return nil, err
	}
	subjects, err := p.Ledger.Subjects(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]*slipway.Deployment, len(subjects))
	failed := make([]error, len(subjects))
	var group sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i, s := range subjects {
		if s.App == app || s.Environment != env || !s.IsApp() {
			continue
		}
		group.Go(func() {
			free <- struct{}{}
			found[i], failed[i] = comesFrom(ctx, p, s, src)
			<-free
		})
	}
	group.Wait()
	var list []slipway.Deployment
	for i, d := range found {
		if failed[i] != nil {
			return nil, failed[i]
		}
		if d != nil {
			list = append(list, *d)
		}
	}
	return list, nil
}

// WasCalled proves that something is live in an environment that comes from the app's
// folder and has a name that the app had before.
func (f *Flow) WasCalled(ctx context.Context, env, app, former string, src slipway.Source) error {
	all, err := f.LeftBehind(ctx, env, app, src)
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.Plan.Target.App == former {
			return nil
		}
	}
	return slipway.Errorf(slipway.NotFound, "nothing is live in %s that came from this folder under the name %s", env, former).
		WithFix("slipway plan --source %s says what was left behind; another app is removed from its own folder", env)
}

// comesFrom is a subject's live deployment if its release was made of that source.
func comesFrom(ctx context.Context, p *Place, s ledger.Subject, src slipway.Source) (*slipway.Deployment, error) {
	h, err := ledger.ReadHistory(ctx, p.Ledger, s)
	if err != nil {
		return nil, err
	}
	d, live := h.Current()
	if !live {
		return nil, nil
	}
	r, _, err := repository.FindRelease(ctx, p.Repository, s.App, d.Plan.Target.Version)
	if err != nil || r.Source.Remote != src.Remote || r.Source.Path != src.Path {
		return nil, err
	}
	return &d, nil
}

// former warns, in the first plan of an app in an environment, of what it may have left
// behind under another name. Later plans do not look. Not to know is no reason to stop.
func (f *Flow) former(ctx context.Context, p *Place, plan slipway.Plan, src slipway.Source) slipway.Plan {
	t := plan.Target
	h, err := ledger.RecallHistory(ctx, p.Ledger, ledger.Subject{App: t.App, Environment: t.Environment})
	if err != nil || len(h.Deployments) > 0 {
		return plan
	}
	warn := func(text string) {
		if !slices.Contains(plan.Warnings, text) { // a plan that was seen has it
			plan.Warnings = append(plan.Warnings, text)
		}
	}
	all, err := f.LeftBehind(ctx, t.Environment, t.App, src)
	if err != nil {
		warn(fmt.Sprintf("whether %s was deployed under another name before is not known: %v", t.App, err))
	}
	for _, d := range all {
		warn(fmt.Sprintf("%s is live here, with its schedule, and comes from the same folder: if that is what this app was called before, "+
			"slipway remove %s --former %[1]s takes it away", d.Plan.Target.App, t.Environment))
	}
	return plan
}
