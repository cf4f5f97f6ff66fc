package cli

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

func usd(micros slipway.Decimal) *slipway.Money {
	return &slipway.Money{Amount: micros, Currency: "USD"}
}

// printing is a session that prints into a buffer.
func printing() (*session, *bytes.Buffer) {
	var b bytes.Buffer
	env := Env{Stdout: &b, Stderr: &b}
	return &session{env: env, talk: newTalk(env)}, &b
}

func TestPrintCost(t *testing.T) {
	prices := slipway.Prices{Source: "AWS's public prices", Date: "2026-11-22"}
	for _, c := range []struct {
		name string
		cost slipway.Cost
		want string
	}{
		{"all that there is", slipway.Cost{
			Worst: usd(2_200_000), Expected: usd(310_000), Learnt: 12,
			Month: &slipway.MonthlyCost{Runs: 365.0 / 12, Worst: usd(66_916_667), Expected: usd(9_429_167)},
			Spent: &slipway.Spending{Amount: usd(4_120_000), Runs: 13, Unknown: 1}, Prices: prices, Notes: []string{"something is assumed"},
			Last: []slipway.Run{
				{ID: "b", State: slipway.RunRunning}, {ID: "a", State: slipway.RunSucceeded, Cost: usd(14_667)}, {ID: "0", State: slipway.RunFailed},
			},
		}, `traffic in prod
  a run       at most $2.20, about $0.31 expected (the mean of 12 runs)
  a month     about $9.43 a month, at most $66.92 (30.4 runs)
  this month  $4.12 so far, 13 runs; the cost of 1 run is not known
  prices      AWS's public prices, 2026-11-22
  ! something is assumed
  run b  running    -  -  -
  run a  succeeded  -  -  $0.01
  run 0  failed     -  -  unknown
`},
		{"a job that has not run", slipway.Cost{Worst: usd(2_200_000), Spent: &slipway.Spending{}, Prices: prices}, `traffic in prod
  a run       at most $2.20; no run has succeeded yet to learn from
  a month     it has no schedule, so nothing says how often it runs
  this month  nothing so far
  prices      AWS's public prices, 2026-11-22
`},
		{"a streaming job", slipway.Cost{Month: &slipway.MonthlyCost{Worst: usd(642_840_000)}, Spent: &slipway.Spending{}, Prices: prices}, `traffic in prod
  a run       without a limit, for it has no timeout; no run has succeeded yet to learn from
  a month     at most $642.84 a month, if it runs all the time
  this month  nothing so far
  prices      AWS's public prices, 2026-11-22
`},
		{"no price", slipway.Cost{Unknown: "there are no prices for the region moon-1", Spent: &slipway.Spending{Unknown: 2}, Prices: prices}, `traffic in prod
  a run       unknown: there are no prices for the region moon-1
  this month  nothing so far; the cost of 2 runs is not known
  prices      AWS's public prices, 2026-11-22
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, b := printing()
			c.cost.App, c.cost.Environment = "traffic", "prod"
			if err := s.printCost(c.cost); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrintPlanWithItsCost(t *testing.T) {
	s, b := printing()
	s.printPlan(b, slipway.Plan{
		Target: slipway.Target{App: "traffic", Environment: "prod", Version: "v1"},
		Cost:   &slipway.Cost{Worst: usd(2_200_000), Notes: []string{"past runs could not be read: denied"}},
	})
	want := `traffic in prod: nothing to change, it has v1
  cost: at most $2.20 a run
    past runs could not be read: denied
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}
