package operate

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// Cost says what the live job's runs cost: an estimate, what was spent since the
// month began (in UTC, as clouds bill), and the last runs, at most so many.
func (s Stage) Cost(ctx context.Context, app string, last int) (slipway.Cost, error) {
	d, runner, err := s.runner(ctx, app)
	if err != nil {
		return slipway.Cost{}, err
	}
	coster, ok := s.Driver.(driver.Coster)
	if !ok {
		return slipway.Cost{}, s.unable("say what runs cost")
	}
	year, month, _ := s.Clock().UTC().Date()
	since := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
	const longest = 7 // days; a run that began before the month may have ended in it
	runs, err := runsSince(ctx, runner, d.Handle, since.AddDate(0, 0, -longest))
	if err != nil {
		return slipway.Cost{}, err
	}
	c, err := coster.Cost(ctx, d.Plan.Target, runs)
	if err != nil {
		return slipway.Cost{}, err
	}
	c.App, c.Environment = app, s.Environment.Name
	c.Spent = spent(runs, since)
	c.Last = runs[:min(last, len(runs))]
	return c, nil
}

// runsSince returns the newest runs, and all since a time among them. It asks for
// more until it has them.
func runsSince(ctx context.Context, r driver.Runner, h slipway.Handle, since time.Time) ([]slipway.Run, error) {
	for limit := 100; ; limit *= 4 {
		runs, err := r.Runs(ctx, h, limit)
		if err != nil || len(runs) < limit || runs[len(runs)-1].Created.Before(since) {
			return runs, err
		}
	}
}

// spent sums what runs that have ended since a time have cost.
func spent(runs []slipway.Run, since time.Time) *slipway.Spending {
	s := &slipway.Spending{Since: since}
	for _, r := range runs {
		if !r.State.Ended() || r.Ended.Before(since) {
			continue
		}
		if r.Cost == nil || s.Amount != nil && s.Amount.Currency != r.Cost.Currency {
			s.Unknown++
			continue
		}
		if s.Amount == nil {
			s.Amount = &slipway.Money{Currency: r.Cost.Currency}
		}
		s.Amount.Amount += r.Cost.Amount
		s.Runs++
	}
	return s
}
