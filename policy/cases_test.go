package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCases(t *testing.T) {
	book := load(t, someRails+`rails_test:
  - {name: small, shape: glue-job, environment: prod, run: {workers: 5}, release: {created: "2026-06-17T08:00:00Z"}}
  - {name: big, shape: glue-job, environment: prod, run: {workers: 6, connections: [redshift]}, cost: {worst: 4.4}, hits: [big-jobs, new-connection]}
  - {name: a Friday, shape: python-job, environment: local, time: "2026-11-27T09:00:00Z", hits: [friday]}
  - {name: a rollback to v1, shape: glue-job, environment: prod, rollback: true, release: {version: v1, created: "2026-06-17T11:30:00Z"}, hits: [broken-release, fresh]}
  - {name: unexpected, shape: glue-job, environment: prod, run: {workers: 6}}
  - {name: not hit, shape: glue-job, environment: local, run: {workers: 6}, hits: [big-jobs, friday]}
  - {name: of another shape, shape: python-job, environment: prod, hits: [big-jobs]}
  - {name: rolling back, shape: glue-job, environment: prod, rollback: true, hits: [friday], errors: [fresh]}
  - {name: nothing known, shape: glue-job, environment: prod, run: {type: pythonshell}, errors: [big-jobs]}
  - {name: nothing known and not expected, shape: glue-job, environment: prod, run: {type: pythonshell}}
`)
	got := map[string][]string{}
	for _, r := range book.Test() {
		if r.Passed != (len(r.Wrong) == 0) || r.File != "rails/prod.yaml" || r.Line == 0 {
			t.Errorf("got %+v", r)
		}
		got[r.Name] = r.Wrong
	}
	want := map[string][]string{
		"small": nil, "big": nil, "a Friday": nil, "a rollback to v1": nil, "nothing known": nil,
		"unexpected":       {`rail big-jobs is hit, which is not expected: 6 workers for 8h cost up to (cost.worst: "worst" is not known here; has() asks whether a fact is) (cost.currency: "currency" is not known here; has() asks whether a fact is); {5} are allowed`},
		"not hit":          {"rail big-jobs is not hit: it is for prod alone", "rail friday is not hit"},
		"of another shape": {"rail big-jobs is not hit: it is for glue-job alone"},
		"rolling back":     {"rail friday is not hit: it does not keep anybody from rolling back", "rail fresh can be judged"},
		"nothing known and not expected": {
			`rail big-jobs cannot be judged, which counts as hit: "workers" is not known here; has() asks whether a fact is`,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestCasesThatCannotBe(t *testing.T) {
	rails := "slipway: v1\nrails:\n  - {name: friday, when: time.getDayOfWeek() == 5, effect: block, message: no}\nrails_test:\n  - "
	for name, c := range map[string]struct{ text, want string }{
		"a shape":       {"{name: a, shape: glue-jbo, environment: prod}", `[glue-jbo] there is no shape "glue-jbo"; did you mean "glue-job"?`},
		"a place":       {"{name: a, shape: glue-job, environment: prd}", `[prd] there is no environment "prd"; did you mean "prod"?`},
		"a rail":        {"{name: a, shape: glue-job, environment: prod, hits: [firday]}", `[firday] there is no rail "firday"; did you mean "friday"?`},
		"a rail's name": {"{name: a, shape: glue-job, environment: prod, errors: [firday]}", `[firday] there is no rail "firday"; did you mean "friday"?`},
		"a parameter":   {"{name: a, shape: glue-job, environment: prod, run: {wrokers: 2}}", `[wrokers] unknown key "wrokers" in rails_test[0].run; did you mean "workers"?`},
		"a value":       {"{name: a, shape: glue-job, environment: prod, run: {workers: two}}", `[two] rails_test[0].run.workers is the text "two"; expected a whole number, at least 1`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, brief(t, rails+c.text+"\n")); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}
