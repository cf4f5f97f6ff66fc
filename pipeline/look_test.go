package pipeline

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/repository"
)

// TestWhoOnlyLooksSignsInAsSuch tells with which role an environment is opened.
func TestWhoOnlyLooksSignsInAsSuch(t *testing.T) {
	const (
		deployer, planner = "arn:aws:iam::123456789012:role/deployer", "arn:aws:iam::123456789012:role/planner"
		deploys, plans    = `, role: "` + deployer + `"`, `, plan_role: "` + planner + `"`
	)
	for name, c := range map[string]struct {
		keys    string
		looking bool
		want    string
	}{
		"to deploy":              {deploys + plans, false, deployer},
		"to plan":                {deploys + plans, true, planner},
		"to plan as who deploys": {deploys, true, deployer},
		"to plan, where who is signed in deploys": {plans, true, planner},
		"to deploy as who is signed in":           {plans, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{
				"slipway.yaml": manifestText, "hello.py": "print('hello')\n",
				"platform.yaml": "slipway: v1\nenvironments:\n  prod: {runtime: local, repository: .slipway/prod-artifacts" + c.keys + "}\n",
			})
			config := w.config(t)
			config.Looking = c.looking
			opened := map[string]string{}
			openRepository, openRuntime := config.Parts.Repository, config.Parts.Runtimes["local"]
			config.Parts.Repository = func(ctx context.Context, e slipway.Environment) (repository.Repository, error) {
				if e.Name != "" { // and no cache of this machine
					opened["repository"] = e.Role
				}
				return openRepository(ctx, e)
			}
			config.Parts.Runtimes["local"] = func(ctx context.Context, c RuntimeConfig) (driver.Driver, error) {
				opened["runtime"] = c.Environment.Role
				return openRuntime(ctx, c)
			}
			f, err := New(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.PlanSource(t.Context(), w.source(t, f, false), "prod", ""); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{"repository": c.want, "runtime": c.want}, opened); diff != "" {
				t.Errorf("signed in as (-want +got):\n%s", diff)
			}
		})
	}
}
