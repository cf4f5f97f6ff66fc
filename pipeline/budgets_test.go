package pipeline

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/policy"
)

// deployOther writes down that another app is deployed, and what it costs.
func deployOther(t *testing.T, f *Flow, env, app, team string, cost *slipway.Cost) {
	t.Helper()
	p, err := f.Place(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	record, err := json.Marshal(slipway.Release{App: app, Version: "v1", Team: team})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Repository.Put(t.Context(), slipway.ReleaseKey(app, "v1"), bytes.NewReader(record)); err != nil {
		t.Fatal(err)
	}
	s := ledger.Subject{App: app, Environment: env}
	d := slipway.Deployment{ID: app, Number: 1, Plan: slipway.Plan{Target: slipway.Target{App: app, Environment: env, Version: "v1"}, Cost: cost}}
	for i, draft := range []ledger.Draft{
		{ID: "started", Kind: ledger.DeploymentStarted, Body: d},
		{ID: "ended", Kind: ledger.DeploymentEnded, Body: ledger.DeploymentEnd{Number: 1, State: slipway.Deployed}},
	} {
		draft.Subject, draft.After, draft.Time, draft.By = s, int64(i), noon(), "ann"
		if _, err := p.Ledger.Append(t.Context(), draft); err != nil {
			t.Fatal(err)
		}
	}
}

func monthly(expected, worst slipway.Decimal) *slipway.Cost {
	m := &slipway.MonthlyCost{Worst: &slipway.Money{Amount: worst, Currency: "USD"}}
	if expected > 0 {
		m.Expected = &slipway.Money{Amount: expected, Currency: "USD"}
	}
	return &slipway.Cost{Month: m}
}

// What counts is what is deployed now, by all other apps, as it was planned.
func TestOthersCost(t *testing.T) {
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText + "team: data\n", "platform.yaml": platformText + "teams: {data: {}, web: {}}\n", "hello.py": "print('hello')\n"})
	w.with(t, func(f *Flow) {
		deployOther(t, f, "staging", "hello", "data", monthly(0, 1000)) // this app, elsewhere
		deployOther(t, f, "prod", "hello", "data", monthly(0, 2000))    // this very one
		deployOther(t, f, "prod", "a", "data", monthly(5, 50))
		deployOther(t, f, "prod", "b", "web", monthly(0, 70))
		deployOther(t, f, "prod", "c", "web", nil)
		deployOther(t, f, "prod", "d", "data", &slipway.Cost{})
		p, err := f.Place(t.Context(), "prod")
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.others(t.Context(), p, "hello", "data")
		want := &policy.Others{
			Environment: &policy.Spending{Month: 75, Apps: []string{"a in prod", "b in prod"}, Unknown: []string{"d in prod"}},
			Team:        &policy.Spending{Month: 1005, Apps: []string{"a in prod", "hello in staging"}, Unknown: []string{"d in prod"}},
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("others (-want +got): %v\n%s", err, diff)
		}
	})
}

// An app without a price is over every budget, and whoever the budget names opens it.
func TestBudgetIsARail(t *testing.T) {
	platform := platformText + "roles: {finance: {people: [zoe]}}\npeople: {zoe: {keys: [\"" + pairOf("zoe").Key().String() + "\"]}}\nteams: {data: {budget: {amount: 10 USD/month, effect: exception, by: [finance]}}}\n"
	w := newWorld(t, map[string]string{"slipway.yaml": manifestText + "team: data\n", "platform.yaml": platform, "hello.py": "print('hello')\n"})
	w.tag(t, "v1")
	_, err := w.ship(t, "local")
	wantError(t, err, slipway.Blocked, "rail budget-team-data: a month of hello costs nobody knows how much, the other apps of the team data 0, and the budget is $10.00; it needs an exception, which finance can grant",
		"zoe: slipway grant hello budget-team-data local --until DATE --why TEXT")
	w.with(t, func(f *Flow) {
		_, err := f.Grant(t.Context(), Granting{Environment: "local", Rail: "budget-team-data", Why: "it is free here", Until: noon().AddDate(0, 0, 1), Person: "zoe", Key: pairOf("zoe"), By: "zoe@laptop"})
		if err != nil {
			t.Error(err)
		}
	})
	w.mustShip(t, "local")
}
