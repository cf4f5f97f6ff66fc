package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/shape"
)

// The tests of the shapes on the menu hold.
func TestBuiltinShapes(t *testing.T) {
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, s := range menu.Every() {
		results, err := policy.TestShape(s)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		for _, r := range results {
			ran++
			if !r.Passed {
				t.Errorf("%s: %s: %s", s.Name, r.Name, r.Wrong)
			}
		}
	}
	if ran < 8 {
		t.Errorf("there are %d tests", ran)
	}
}

const costly = `slipway: v1
shape: tiny-job
version: 1
description: A tiny job.
runtimes: [local]
build: {exactly_one: [script]}
parameters:
  workers: {type: int, min: 1, default: 2, help: How many.}
  kind: {type: text, help: Which.}
rails:
  - {name: many, when: run.workers > 9, effect: block, message: "{run.workers} are many"}
cost: {run: run.workers * 0.25, currency: EUR}
tests:
`

func TestTestsOfAShape(t *testing.T) {
	s, err := shape.Parse("shape.yaml", []byte(strings.Replace(costly, "run.workers * 0.25", "double(run.workers) * 0.25", 1)+`
  - {name: two, has: {workers: 2}, cost: 0.5}
  - {name: many, run: {workers: 10}, hits: [many]}
  - {name: not few, run: {workers: 0}, fails: [run.workers is 0]}
  - {name: wrong, has: {workers: 3, kind: a, sort: b}, hits: [many], cost: 1, fails: [nothing]}
  - {name: unexpected, run: {workers: 10, wrokers: 1}}
  - {name: hit, run: {workers: 10}}
`))
	if err != nil {
		t.Fatal(err)
	}
	results, err := policy.TestShape(s)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, r := range results {
		if r.Passed != (r.Wrong == nil) || r.File != "shape.yaml" || r.Line < 14 {
			t.Errorf("%+v", r)
		}
		got[r.Name] = r.Wrong
	}
	want := map[string][]string{
		"two": nil, "many": nil, "not few": nil,
		"wrong": {
			"nothing is said of nothing", "workers is 2, and 3 was expected", "kind is not set, and a was expected", "there is no parameter sort",
			"rail many is not hit", "a run costs 0.50 EUR, and 1 was expected",
		},
		"unexpected": {`unknown key "wrokers" in run`},
		"hit":        {"rail many: 10 are many, which is not expected"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wrong (-want +got):\n%s", diff)
	}
}

func TestCostFormulaThatIsWrong(t *testing.T) {
	for formula, want := range map[string]string{
		"run.wrokers * 2":            `shape.yaml:12:17: the cost of a run: the shape tiny-job has no parameter "wrokers"`,
		"run.kind":                   "shape.yaml:12:13: the cost of a run: it is no number",
		"run.workers * 0.25":         "shape.yaml:12:25: the cost of a run: a whole number and a number do not go together (*)",
		"size(run.kind) * 2":         `what a run costs cannot be told: "kind" is not known here; has() asks whether a fact is`,
		"0 - run.workers":            "what a run costs cannot be told: it is -2",
		"double(run.workers) / 3.0":  "",
		"run.workers > 1 ? 1.5 : .5": "",
	} {
		s, err := shape.Parse("shape.yaml", []byte(strings.Replace(costly, "run.workers * 0.25", formula, 1)+"  - {name: x}\n"))
		if err != nil {
			t.Fatal(err)
		}
		money, err := policy.CostOf(s, map[string]any{"workers": float64(2)})
		if want == "" && (err != nil || money.Currency != "EUR") || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %v, %v\nwant %s", formula, money, err, want)
		}
	}
	s, err := shape.Parse("shape.yaml", []byte(strings.Replace(costly, "cost: {run: run.workers * 0.25, currency: EUR}\n", "", 1)+"  - {name: x, cost: 1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if money, err := policy.CostOf(s, nil); money != nil || err != nil {
		t.Errorf("without a formula: %v, %v", money, err)
	}
	results, err := policy.TestShape(s)
	if err != nil || results[0].Wrong[0] != "the shape has no cost formula" || slipway.KindOf(err) != slipway.Internal {
		t.Errorf("got %+v, %v", results, err)
	}
}
