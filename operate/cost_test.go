package operate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
)

// priced is a runtime that has these runs, newest first.
type priced struct {
	*drivertest.Fake
	runs  []slipway.Run
	fails error
}

var _ driver.Coster = priced{}

func (p priced) Runs(_ context.Context, _ slipway.Handle, limit int) ([]slipway.Run, error) {
	return p.runs[:min(limit, len(p.runs))], p.fails
}

func (p priced) Cost(_ context.Context, t slipway.Target, runs []slipway.Run) (slipway.Cost, error) {
	return slipway.Cost{Worst: usd(5), Learnt: len(runs), Notes: []string{t.Version}}, nil
}

func usd(dollars int64) *slipway.Money {
	return &slipway.Money{Amount: slipway.Decimal(dollars * 1_000_000), Currency: "USD"}
}

// ended is a run that took an hour and ended then.
func ended(at time.Time, cost *slipway.Money) slipway.Run {
	return slipway.Run{ID: at.Format(time.DateTime), State: slipway.RunSucceeded, Created: at.Add(-time.Hour), Ended: at, Cost: cost}
}

func TestCost(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "# fake\n", nil)
	november := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	p := priced{Fake: w.fake, runs: []slipway.Run{
		{ID: "under way", State: slipway.RunRunning, Created: noon()},
		ended(noon().Add(-time.Hour), usd(2)),
		ended(noon().Add(-2*time.Hour), nil),
		ended(noon().Add(-3*time.Hour), &slipway.Money{Amount: 1, Currency: "EUR"}),
		ended(november, usd(1)),
		ended(november.Add(-time.Second), usd(9)),
	}}
	got, err := w.stage(p).Cost(t.Context(), "traffic", 2)
	if err != nil {
		t.Fatal(err)
	}
	want := slipway.Cost{
		App: "traffic", Environment: "staging", Worst: usd(5), Learnt: 6, Notes: []string{"v1"},
		Spent: &slipway.Spending{Since: november, Amount: usd(3), Runs: 2, Unknown: 2}, Last: p.runs[:2],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cost (-want +got):\n%s", diff)
	}
}

func TestCostCountsEveryRunOfTheMonth(t *testing.T) {
	w := newWorld(t)
	w.deploy(t, "traffic", 1, "# fake\n", nil)
	p := priced{Fake: w.fake}
	for i := range 2000 {
		p.runs = append(p.runs, ended(noon().Add(-time.Duration(i)*time.Hour), usd(1)))
	}
	got, err := w.stage(p).Cost(t.Context(), "traffic", 0)
	hours := int(noon().Sub(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))/time.Hour) + 1
	if err != nil || got.Spent.Runs != hours {
		t.Errorf("%d runs, %v; want %d", got.Spent.Runs, err, hours)
	}
}

func TestCostNeedsPricesAndRuns(t *testing.T) {
	w := newWorld(t)
	_, err := w.stage(w.fake).Cost(t.Context(), "traffic", 5)
	wantError(t, err, slipway.NotFound, "nothing of traffic is deployed in staging", "slipway ship staging")
	w.deploy(t, "traffic", 1, "# fake\n", nil)
	_, err = w.stage(w.fake).Cost(t.Context(), "traffic", 5)
	wantError(t, err, slipway.Invalid, "the runtime local of staging cannot say what runs cost", "")
	_, err = w.stage(priced{Fake: w.fake, fails: errors.New("no network")}).Cost(t.Context(), "traffic", 5)
	if fmt.Sprint(err) != "no network" {
		t.Errorf("got %v", err)
	}
}
