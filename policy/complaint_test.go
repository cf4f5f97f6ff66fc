package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/schema"
)

// complaintsOf loads rails and returns what is wrong with them.
func complaintsOf(t *testing.T, text string) string {
	t.Helper()
	source, err := policy.ReadFile("rails/prod.yaml", []byte(text))
	if err == nil {
		_, err = policy.Load(scope(t), source)
	}
	if err == nil {
		return ""
	}
	if slipway.KindOf(err) != slipway.Invalid {
		t.Errorf("got an error of kind %s: %v", slipway.KindOf(err), err)
	}
	return err.Error()
}

// brief is complaints, a line each, with the marked text.
func brief(t *testing.T, text string) string {
	t.Helper()
	source, err := policy.ReadFile("rails/prod.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = policy.Load(scope(t), source)
	var lines []string
	for _, p := range policy.Problems(err) {
		lines = append(lines, briefly(p))
	}
	return strings.Join(lines, "\n")
}

func briefly(p schema.Problem) string {
	marked := string([]rune(p.Source)[p.Col-1 : p.Col-1+p.Len])
	line := fmt.Sprintf("[%s] %s", marked, strings.TrimPrefix(p.Message, "rail big-jobs: "))
	if p.Expected != "" {
		line += "; expected " + p.Expected
	}
	if p.Suggestion != "" {
		line += "; did you mean " + p.Suggestion + "?"
	}
	return line
}

func rail(when string) string {
	return "slipway: v1\nrails:\n  - name: big-jobs\n    shapes: [glue-job]\n    when: '" + strings.ReplaceAll(when, "'", "''") + "'\n    effect: block\n    message: no\n"
}

// TestMistakes holds every mistake that a rail can hold, with what is said of it.
func TestMistakes(t *testing.T) {
	for when, want := range mistakes() {
		t.Run(when, func(t *testing.T) {
			if diff := cmp.Diff(want, brief(t, rail(when))); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestWhatIsRight(t *testing.T) {
	for _, when := range []string{
		`run.workers > 20 && environment.name == "prod"`,
		`run.timeout > duration("4h") || run.worker_type in ["G.4X", "G.8X"]`,
		`cost.worst > 5 && cost.month.worst > 500.50 && cost.currency == "USD"`,
		`plan.changes.exists(c, c.field == "run.role" && c.action != "delete")`,
		`!("team" in run.tags) || size(run.connections) > 3`,
		`time.getDayOfWeek("Europe/Berlin") == 5 && time.getHours("Europe/Berlin") >= 15`,
		`time - release.created < duration("1h")`,
		`run.arguments.exists(k, k.contains("password") && !run.arguments[k].startsWith("secret:"))`,
		`has(run.schedule) && run.schedule.matches("^\\*")`,
		`environment.follows == "" || plan.rollback || app == "x" || team == "data-platform" || shape == "glue-job"`,
		`sizeof("20GB") > sizeof("512MiB")`,
		`run.max_capacity == 1.0`,
	} {
		if got := complaintsOf(t, rail(when)); got != "" {
			t.Errorf("%s:\n%s", when, got)
		}
	}
}

func TestPlaceInAnyStyleOfYAML(t *testing.T) {
	for style, when := range map[string]string{
		"plain":          "when: run.wrokers > 3",
		"double quotes":  `when: "\"a\" == app || run.wrokers > 3"`,
		"single quotes":  `when: 'app == ''its'' || run.wrokers > 3'`,
		"several lines":  "when: app == \"ü\" ||\n      run.wrokers > 3",
		"literal block":  "when: |\n      app == \"a\" ||\n        run.wrokers > 3",
		"folded block":   "when: >-\n      app == \"a\" ||\n\n      run.wrokers > 3",
		"quotes, broken": "when: \"app == \\\"a\\\" ||\\\n      \\ run.wrokers > 3\"",
	} {
		t.Run(style, func(t *testing.T) {
			text := "slipway: v1\nrails:\n  - name: big-jobs\n    shapes: [glue-job]\n    " + when + "\n    effect: block\n    message: no\n"
			want := `[wrokers] the shape glue-job has no parameter "wrokers"; did you mean workers?`
			if diff := cmp.Diff(want, brief(t, text)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestComplaintInFull(t *testing.T) {
	want := `rails/prod.yaml:5:16: rail big-jobs: the shape glue-job has no parameter "wrokers"
  5 |     when: 'run.wrokers > 3'
                     ^^^^^^^
  did you mean workers?`
	if diff := cmp.Diff(want, complaintsOf(t, rail("run.wrokers > 3"))); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// TestRailsThatCannotBe holds what is wrong around the conditions.
func TestRailsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct{ rail, want string }{
		"a parameter that only one shape has": {
			"{name: big-jobs, when: run.workers > 3, effect: block, message: no}",
			`[workers] the shape python-job has no parameter "workers"; expected shapes: [glue-job], if the rail is for these alone`,
		},
		"a typo for every shape": {
			"{name: big-jobs, when: run.timeotu > duration(\"1h\"), effect: block, message: no}",
			`[timeotu] the shape glue-job has no parameter "timeotu"; did you mean timeout?`,
		},
		"a typo in the message": {
			"{name: big-jobs, shapes: [glue-job], when: run.workers > 3, effect: block, message: \"{run.wrokers} of {environment.name}\"}",
			`[wrokers] the shape glue-job has no parameter "wrokers"; did you mean workers?`,
		},
		"a typo in the fix": {
			"{name: big-jobs, when: plan.rollback, effect: block, message: no, fix: \"in {{x}} {environment.nme}\"}",
			`[nme] environment has no field "nme"; did you mean name?`,
		},
		"a brace that is not closed": {
			"{name: big-jobs, when: plan.rollback, effect: block, message: \"in {environment.name\"}",
			`[{] this { is not closed; expected a } behind the expression, or {{ for a brace`,
		},
		"a brace too many": {
			"{name: big-jobs, when: plan.rollback, effect: block, message: \"in environment.name}\"}",
			`[}] this } closes nothing; did you mean }}?`,
		},
		"an environment that there is not": {
			"{name: big-jobs, when: plan.rollback, effect: block, message: no, environments: [prd]}",
			`[prd] there is no environment "prd"; did you mean "prod"?`,
		},
		"a shape that there is not": {
			"{name: big-jobs, when: plan.rollback, effect: block, message: no, shapes: [glue-jbo]}",
			`[glue-jbo] there is no shape "glue-jbo"; did you mean "glue-job"?`,
		},
		"a sign-off by nobody": {
			"{name: big-jobs, when: plan.rollback, effect: sign-off, message: no}",
			`[sign-off] rail big-jobs asks for a sign-off, and does not say by which roles; expected by: [qa]`,
		},
		"a sign-off by a person": {
			"{name: big-jobs, when: plan.rollback, effect: sign-off, message: no, by: [mara]}",
			`[mara] there is no role "mara"; expected one of qa, finance`,
		},
		"an exception by nobody": {
			"{name: big-jobs, when: plan.rollback, effect: exception, message: no}",
			`[exception] rail big-jobs asks for an exception, and does not say who grants one; expected by: [finance]`,
		},
		"an exception by somebody who there is not": {
			"{name: big-jobs, when: plan.rollback, effect: exception, message: no, by: [finanec]}",
			`[finanec] there is no role, person or team "finanec"; did you mean "finance"?`,
		},
		"a block that somebody opens": {
			"{name: big-jobs, when: plan.rollback, effect: block, message: no, by: [qa]}",
			`[[] rail big-jobs has the effect block, which nobody opens; expected by only with the effects sign-off and exception`,
		},
		"a rollback that informs": {
			"{name: big-jobs, when: plan.rollback, effect: inform, message: no, rollback: true}",
			`[true] rail big-jobs has the effect inform, which never keeps anybody from rolling back; expected rollback only with the effect block`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, brief(t, "slipway: v1\nrails:\n  - "+c.rail+"\n")); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestTwoRailsOfOneName(t *testing.T) {
	one := "{name: big-jobs, when: plan.rollback, effect: inform, message: no}"
	want := `[big-jobs] there is a rail big-jobs already, at rails/prod.yaml:3`
	if diff := cmp.Diff(want, brief(t, "slipway: v1\nrails:\n  - "+one+"\n  - "+one+"\n")); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestFileIsReadStrictly(t *testing.T) {
	want := `rails/prod.yaml:3:56: unknown key "efect" in rails[0]
  3 |   - {name: big-jobs, when: plan.rollback, message: no, efect: block}
                                                             ^^^^^
  did you mean "effect"?`
	got := complaintsOf(t, "slipway: v1\nrails:\n  - {name: big-jobs, when: plan.rollback, message: no, efect: block}\n")
	if !strings.Contains(got, want) {
		t.Errorf("got:\n%s", got)
	}
}
