package driver

import (
	"context"

	"github.com/slipway-cd/slipway"
)

// A Coster is a Driver that knows what runs cost. Its runs have a cost when they
// have ended, where that can be said.
type Coster interface {
	// Cost estimates what runs of a target will cost, learning from past ones,
	// newest first; they need not be many. What cannot be priced is told in
	// Unknown and is no error.
	Cost(ctx context.Context, t slipway.Target, runs []slipway.Run) (slipway.Cost, error)
}

// A Sampler is a Runner that can tell of its newest runs with fewer questions than
// Runs asks, if not of each of them nor everything: enough to learn from.
type Sampler interface {
	Sample(ctx context.Context, h slipway.Handle, limit int) ([]slipway.Run, error)
}

// learnFrom is how many past runs an estimate is given.
const learnFrom = 50

// CostOf estimates what runs of a target will cost. live is the handle of what is
// deployed now, whose runs are learnt from; zero: nothing is. It is nil for a
// driver that knows no costs. An estimate is never in the way: what goes wrong is
// told in it.
func CostOf(ctx context.Context, d Driver, t slipway.Target, live slipway.Handle) *slipway.Cost {
	coster, ok := d.(Coster)
	if !ok {
		return nil
	}
	var runs []slipway.Run
	var notes []string
	if live.Name != "" {
		var err error
		if runs, err = sample(ctx, d, live); err != nil {
			notes = append(notes, "past runs could not be read: "+err.Error())
		}
	}
	c, err := coster.Cost(ctx, t, runs)
	if err != nil {
		c = slipway.Cost{Unknown: err.Error()}
	}
	c.App, c.Environment = t.App, t.Environment
	c.Notes = append(c.Notes, notes...)
	return &c
}

func sample(ctx context.Context, d Driver, live slipway.Handle) ([]slipway.Run, error) {
	switch runner := d.(type) {
	case Sampler:
		return runner.Sample(ctx, live, learnFrom)
	case Runner:
		return runner.Runs(ctx, live, learnFrom)
	}
	return nil, nil
}
