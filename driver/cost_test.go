package driver_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
)

// priced is a runtime whose prices and runs may not be had.
type priced struct {
	*drivertest.Fake
	noRuns, noPrices error
}

func (p priced) Runs(context.Context, slipway.Handle, int) ([]slipway.Run, error) {
	return []slipway.Run{{ID: "a"}}, p.noRuns
}

func (p priced) Cost(_ context.Context, _ slipway.Target, runs []slipway.Run) (slipway.Cost, error) {
	return slipway.Cost{Learnt: len(runs)}, p.noPrices
}

func TestCostOf(t *testing.T) {
	t.Parallel()
	target, live := slipway.Target{App: "traffic", Environment: "prod"}, slipway.Handle{Name: "traffic"}
	tests := map[string]struct {
		driver driver.Driver
		live   slipway.Handle
		want   *slipway.Cost
	}{
		"without prices":        {&drivertest.Fake{}, live, nil},
		"learnt from runs":      {priced{}, live, &slipway.Cost{App: "traffic", Environment: "prod", Learnt: 1}},
		"nothing is deployed":   {priced{}, slipway.Handle{}, &slipway.Cost{App: "traffic", Environment: "prod"}},
		"runs cannot be read":   {priced{noRuns: errors.New("denied")}, live, &slipway.Cost{App: "traffic", Environment: "prod", Learnt: 1, Notes: []string{"past runs could not be read: denied"}}},
		"prices cannot be read": {priced{noPrices: errors.New("torn")}, live, &slipway.Cost{App: "traffic", Environment: "prod", Unknown: "torn"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, driver.CostOf(t.Context(), test.driver, target, test.live)); diff != "" {
				t.Errorf("cost (-want +got):\n%s", diff)
			}
		})
	}
}
