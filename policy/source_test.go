package policy_test

import (
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/shape"
)

const shapeWithRails = `slipway: v1
shape: tiny-job
version: 1
description: A tiny job.
runtimes: [local]
build: {exactly_one: [script]}
parameters:
  seconds: {type: int, default: 5, help: How long it takes.}
rails:
`

func tiny(t *testing.T, rails string) (policy.Scope, policy.Source, error) {
	t.Helper()
	s, err := shape.Parse("shapes/tiny-job/shape.yaml", []byte(shapeWithRails+rails))
	if err != nil {
		t.Fatal(err)
	}
	own := scope(t)
	own.Shapes = shape.NewMenu(append(own.Shapes.All(), s)...)
	source, err := policy.OfShape(s)
	return own, source, err
}

func TestRailsOfAShape(t *testing.T) {
	scope, source, err := tiny(t, "  - {name: slow, when: run.seconds > 3, effect: exception, by: [boss], message: \"{run.seconds} is slow\"}\n")
	if err != nil {
		t.Fatal(err)
	}
	book, err := policy.Load(scope, source)
	if err != nil {
		t.Fatal(err)
	}
	f := facts()
	if hits := book.Judge(f); len(hits) != 0 {
		t.Errorf("another shape hits %+v", hits)
	}
	f.Plan.Target.Shape, f.Plan.Target.Run = "tiny-job", map[string]any{"seconds": float64(5)}
	if hits := book.Judge(f); len(hits) != 1 || hits[0].Reason() != "rail slow: 5 is slow; it needs an exception, which boss can grant" {
		t.Errorf("its own hits %+v", hits)
	}
}

func TestRailsInTheWrongPlace(t *testing.T) {
	_, _, err := tiny(t, "  - {name: slow, when: run.seconds > 3, efect: block, message: slow}\n")
	wantComplaint(t, err, "shapes/tiny-job/shape.yaml:10:41: unknown key \"efect\" in rails[0]")
	scope, source, err := tiny(t, "  - {name: slow, when: run.secs > 3, effect: block, message: slow, shapes: [tiny-job]}\n")
	if err != nil {
		t.Fatal(err)
	}
	_, err = policy.Load(scope, source)
	wantComplaint(t, err, "shape.yaml:10:12: rail slow comes with the shape tiny-job, and is for it in every environment")
	wantComplaint(t, err, `shape.yaml:10:28: rail slow: the shape tiny-job has no parameter "secs"`)
	inProd, err := policy.ReadFile("rails.yaml", []byte("slipway: v1\nrails:\n  - {name: a, when: \"true\", effect: block, message: a, environments: [local]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	inProd.Environment, inProd.Path = "prod", "environments.prod.rails"
	_, err = policy.Load(scope, inProd)
	wantComplaint(t, err, "rails.yaml:3:70: rail a stands under prod, and is for it alone")
}

func wantComplaint(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || slipway.KindOf(err) != slipway.Invalid {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestRailsOfAnEnvironment(t *testing.T) {
	source, err := policy.ReadFile("rails.yaml", []byte("slipway: v1\nrails:\n  - {name: a, when: \"true\", effect: block, message: a}\n"))
	if err != nil {
		t.Fatal(err)
	}
	source.Environment = "prod"
	book, err := policy.Load(scope(t), source)
	if err != nil {
		t.Fatal(err)
	}
	f := facts()
	if hits := book.Judge(f); len(hits) != 1 {
		t.Errorf("prod hits %+v", hits)
	}
	f.Environment.Name = "local"
	if hits := book.Judge(f); len(hits) != 0 {
		t.Errorf("local hits %+v", hits)
	}
}

func TestBudgets(t *testing.T) {
	rails, err := policy.OfBudgets("platform.yaml", []policy.Budget{
		{Environment: "prod", Amount: slipway.Money{Amount: 500_000_000, Currency: "USD"}, Effect: slipway.RailBlocks},
		{Team: "data-platform", Amount: slipway.Money{Amount: 200_500_000, Currency: "USD"}, Effect: slipway.RailException, By: []string{"finance"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	book, err := policy.Load(scope(t), rails)
	if err != nil {
		t.Fatal(err)
	}
	if !book.Uses("others", "glue-job", "prod") {
		t.Error("it does not say that it asks about others")
	}
	fix := "make it smaller, run it less often, or give it a schedule so that its cost is known"
	for name, c := range map[string]struct {
		change func(*policy.Facts)
		want   string
	}{
		"within": {func(*policy.Facts) {}, ""},
		"the environment's others cost much": {
			func(f *policy.Facts) { f.Others.Environment.Month = 366_250_000 },
			"rail budget-prod: a month of traffic-etl costs 133.76 USD, the other apps in prod 366.25, and the budget is $500.00",
		},
		"just within": {func(f *policy.Facts) { f.Others.Environment.Month = 366_240_000 }, ""},
		"the team's, and one is not known": {func(f *policy.Facts) {
			f.Others.Team.Month, f.Others.Team.Unknown = 66_750_000, []string{"a in prod", "b in prod"}
		}, "rail budget-team-data-platform: a month of traffic-etl costs 133.76 USD, the other apps of the team data-platform 66.75 without what nobody knows of a in prod, b in prod, and the budget is $200.50"},
		"another team": {func(f *policy.Facts) { f.Others.Team.Month, f.Team = 66_750_000, "web" }, ""},
		"what is expected counts": {func(f *policy.Facts) {
			f.Plan.Cost.Month.Expected = &slipway.Money{Amount: 501_000_000, Currency: "USD"}
			f.Team = "web"
		}, "rail budget-prod: a month of traffic-etl costs 501 USD, the other apps in prod 10, and the budget is $500.00"},
		"another currency": {func(f *policy.Facts) {
			f.Plan.Cost = &slipway.Cost{Month: &slipway.MonthlyCost{Worst: &slipway.Money{Amount: 1, Currency: "EUR"}}}
			f.Team = "web"
		}, "rail budget-prod: a month of traffic-etl costs 1e-06 EUR, the other apps in prod 10, and the budget is $500.00"},
		"no schedule": {
			func(f *policy.Facts) { f.Plan.Cost.Month, f.Team = nil, "web" },
			"rail budget-prod: a month of traffic-etl costs nobody knows how much, the other apps in prod 10, and the budget is $500.00",
		},
		"no prices": {
			func(f *policy.Facts) { f.Plan.Cost, f.Team = nil, "web" },
			"rail budget-prod: a month of traffic-etl costs nobody knows how much, the other apps in prod 10, and the budget is $500.00",
		},
		"the others were not found out": {
			func(f *policy.Facts) { f.Others.Environment, f.Team = nil, "web" },
			`rail budget-prod cannot be judged, which counts as hit: "environment" is not known here; has() asks whether a fact is`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts()
			f.Others = &policy.Others{Environment: &policy.Spending{Month: 10_000_000}, Team: &policy.Spending{Month: 20_000_000}}
			c.change(&f)
			hits := book.Judge(f)
			got := ""
			if len(hits) > 0 {
				got = hits[0].String()
			}
			if got != c.want || len(hits) > 1 || len(hits) == 1 && hits[0].Fix != fix {
				t.Errorf("got %+v\nwant %s", hits, c.want)
			}
		})
	}
}

func TestPeopleAreFacts(t *testing.T) {
	book := load(t, `slipway: v1
rails:
  - {name: stranger, when: "!(people.deployer in people.team)", effect: inform, message: "{people.deployer} is not of the team"}
  - {name: own, when: people.author == people.deployer, effect: inform, message: own}
`)
	f := facts()
	f.People = policy.People{Deployer: "bo", Author: "ana", Team: []string{"ana"}}
	if hits := book.Judge(f); len(hits) != 1 || hits[0].String() != "rail stranger: bo is not of the team" {
		t.Errorf("got %+v", hits)
	}
	f.People = policy.People{Deployer: "ana", Team: []string{"ana"}}
	if hits := book.Judge(f); len(hits) != 1 || hits[0].Error != `"author" is not known here; has() asks whether a fact is` {
		t.Errorf("got %+v", hits)
	}
}
