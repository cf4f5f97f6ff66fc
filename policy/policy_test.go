package policy_test

import (
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/shape"
)

// scope is a platform with two environments and a few people, over the menu.
func scope(t testing.TB) policy.Scope {
	t.Helper()
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return policy.Scope{
		Environments: []slipway.Environment{{Name: "local", Runtime: "local"}, {Name: "prod", Runtime: "glue", Region: "eu-central-1"}},
		Roles:        []string{"qa", "finance"}, People: []string{"mara"}, Teams: []string{"data-platform"},
		Shapes: menu,
	}
}

// facts are a plan for a Glue job in prod.
func facts() policy.Facts {
	return policy.Facts{
		Plan: slipway.Plan{
			Target: slipway.Target{
				App: "traffic-etl", Environment: "prod", Version: "v1", Commit: "c0ffee", Shape: "glue-job",
				Run: map[string]any{
					"type": "glueetl", "workers": float64(10), "timeout": "1h", "worker_type": "G.1X", "max_capacity": 0.0625,
					"arguments":   map[string]any{"source": "s3://raw/traffic.csv", "password": map[string]any{"secret": "redshift/password"}},
					"connections": []any{"redshift"},
				},
			},
			Changes: []slipway.Change{{Field: "run.workers", Action: slipway.Update, From: float64(2), To: float64(10)}},
			Cost:    &slipway.Cost{Worst: &slipway.Money{Amount: 4_400_000, Currency: "USD"}, Month: &slipway.MonthlyCost{Runs: 30.4, Worst: &slipway.Money{Amount: 133_760_000, Currency: "USD"}}},
		},
		Team: "data-platform", Environment: slipway.Environment{Name: "prod", Runtime: "glue"},
		Time: time.Date(2026, 11, 27, 17, 0, 0, 0, time.UTC), // a Friday
	}
}
