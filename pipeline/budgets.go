package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/repository"
)

// others are what apps other than one in an environment cost in a month, as it was
// planned at their last deployment. Apps on runtimes without prices cost nothing. A
// team's apps may lie in environments that cannot be read from here: then nobody
// knows, and a rail that asks is hit.
func (f *Flow) others(ctx context.Context, p *Place, app, team string) (*policy.Others, error) {
	all := &policy.Others{Environment: &policy.Spending{}, Team: &policy.Spending{}}
	not := ledger.Subject{App: app, Environment: p.Environment.Name}
	if err := f.spent(ctx, p, not, all.Environment, func(string) bool { return true }); err != nil {
		return nil, err
	}
	for _, name := range f.Project.Platform.EnvironmentNames() {
		place, err := f.Place(ctx, name)
		if slipway.KindOf(err) == slipway.NotFound && err != nil {
			continue // nothing was shipped from here
		}
		if err == nil {
			err = f.spent(ctx, place, not, all.Team, func(of string) bool { return of == team })
		}
		if err != nil {
			all.Team = nil
			return all, ctx.Err()
		}
	}
	return all, nil
}

// spent adds what the apps of some teams cost in an environment.
func (f *Flow) spent(ctx context.Context, p *Place, not ledger.Subject, to *policy.Spending, counts func(team string) bool) error {
	subjects, err := p.Ledger.Subjects(ctx)
	if err != nil {
		return err
	}
	for _, s := range subjects {
		if s.Environment != p.Environment.Name || s == not || !s.IsApp() {
			continue
		}
		h, err := ledger.ReadHistory(ctx, p.Ledger, s)
		if err != nil {
			return err
		}
		d, ok := h.Current()
		if !ok || d.Plan.Cost == nil {
			continue
		}
		r, _, err := repository.FindRelease(ctx, p.Repository, s.App, d.Plan.Target.Version)
		if err != nil {
			return fmt.Errorf("find the team of %s: %w", s, err)
		}
		if counts(r.Team) {
			spend(to, s, d.Plan.Cost.Month)
		}
	}
	return nil
}

func spend(to *policy.Spending, s ledger.Subject, month *slipway.MonthlyCost) {
	var planned *slipway.Money
	if month != nil {
		planned = month.Expected
		if planned == nil {
			planned = month.Worst
		}
	}
	if planned == nil {
		to.Unknown = append(to.Unknown, s.String())
		return
	}
	to.Month += planned.Amount
	to.Apps = append(to.Apps, s.String())
	slices.Sort(to.Apps)
}
