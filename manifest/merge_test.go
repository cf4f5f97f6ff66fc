package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/manifest"
)

const reviewed = `slipway: v1
app: a
shape: python-job
build: {script: a.py}
checks:
  unit: {run: pytest, on: [pull_request], files: [lib/**, "*.py"]}
review:
  - name: two eyes
    requires:
  - name: data
    if: {files: ["sql/**"], lines: {least: 10}, draft: false, author: {teams: [acme/data]}}
    requires: {count: 2, teams: [data], comments: ["/lgtm"], contributors: true}
  - name: docs or owner
    any:
      - {name: docs, if: {only_files: ["*.md"]}, requires: {count: 0}}
      - name: owners
        all: [{name: admin, requires: {permission: admin}}]
merge:
  external:
    codecov: {name: codecov/*, app: codecov, neutral: pass}
    scan: {name: scan, app: snyk, required: false, if: {branches: [main]}}
  labels: {needs: [ok], blocks: [wip]}
`

const merging = `slipway: v1
environments: {prod: {runtime: local, repository: ../p}}
people: {ana: {login: ana-gh}}
teams: {data: {people: [ana]}}
roles: {qa: {people: [ana]}}
merge:
  checks:
    unit:
    secrets: {if: {branches: [main], shapes: [glue-job]}}
  review:
    - {name: four eyes, requires: {roles: [qa], people: [ana], teams: [data, acme/core]}}
  rails: [prod]
  labels: {blocks: [wip]}
`

func TestMergeRulesOfAnApp(t *testing.T) {
	m := load(t, reviewed)
	want := manifest.Merge{
		External: []manifest.ExternalCheck{
			{Name: "codecov", Pattern: "codecov/*", App: "codecov", Required: true, NeutralIsFine: true, Path: "merge.external.codecov"},
			{Name: "scan", Pattern: "scan", App: "snyk", If: manifest.Condition{Branches: []string{"main"}}, Path: "merge.external.scan"},
		},
		Review: []manifest.Review{
			{Name: "two eyes", Requires: manifest.Requires{Count: 1, Permission: "write"}, Path: "review[0]"},
			{
				Name:     "data",
				If:       manifest.Condition{Files: []string{"sql/**"}, LeastLines: new(10), Draft: new(false), Author: manifest.Who{Teams: []string{"acme/data"}}},
				Requires: manifest.Requires{Count: 2, Who: manifest.Who{Teams: []string{"data"}}, Comments: []string{"/lgtm"}, Contributors: true},
				Path:     "review[1]",
			},
			{Name: "docs or owner", Path: "review[2]", Any: []manifest.Review{
				{Name: "docs", If: manifest.Condition{OnlyFiles: []string{"*.md"}}, Requires: manifest.Requires{Permission: "write"}, Path: "review[2].any[0]"},
				{Name: "owners", Path: "review[2].any[1]", All: []manifest.Review{
					{Name: "admin", Requires: manifest.Requires{Count: 1, Permission: "admin"}, Path: "review[2].any[1].all[0]"},
				}},
			}},
		},
		Labels: manifest.Labels{Needs: []string{"ok"}, Blocks: []string{"wip"}},
	}
	if diff := cmp.Diff(want, m.Merge); diff != "" {
		t.Errorf("merge (-want +got):\n%s", diff)
	}
	unit := m.Checks["unit"]
	if diff := cmp.Diff([][]string{{"pull_request"}, {"lib/**", "*.py"}}, [][]string{unit.On, unit.Files}); diff != "" {
		t.Errorf("when unit is asked (-want +got):\n%s", diff)
	}
}

func TestMergeRulesOfAPlatform(t *testing.T) {
	p := loadPlatform(t, merging)
	want := manifest.Merge{
		Checks: []manifest.RequiredCheck{
			{Name: "unit", Path: "merge.checks.unit"},
			{Name: "secrets", If: manifest.Condition{Branches: []string{"main"}, Shapes: []string{"glue-job"}}, Path: "merge.checks.secrets"},
		},
		Review: []manifest.Review{{
			Name: "four eyes", Path: "merge.review[0]",
			Requires: manifest.Requires{Count: 1, Who: manifest.Who{Teams: []string{"data", "acme/core"}, People: []string{"ana"}, Roles: []string{"qa"}}},
		}},
		Rails:  []string{"prod"},
		Labels: manifest.Labels{Blocks: []string{"wip"}},
	}
	if diff := cmp.Diff(want, p.Merge); diff != "" {
		t.Errorf("merge (-want +got):\n%s", diff)
	}
}

func TestMergeRulesInTheJSONSchemas(t *testing.T) {
	validate := validators(t)
	for file, text := range map[string]string{"slipway": reviewed, "platform": merging} {
		if err := validate[file]([]byte(text)); err != nil {
			t.Errorf("the JSON Schema of %s refuses the rules: %v", file, err)
		}
	}
}

func TestMergeRulesThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		file, from, to, want string
	}{
		"neither requires, any nor all": {"slipway", "    requires:\n", "", `slipway.yaml:8:5: review[0] has none of requires, any, all`},
		"two of them":                   {"slipway", "    requires:\n", "    requires:\n    any: [{name: b, requires: {}}]\n", `review[0] has requires and any`},
		"no name":                       {"slipway", "name: admin, ", "", `missing key "name" in review[2].any[1].all[0]`},
		"any too deep":                  {"slipway", "requires: {permission: admin}", "any: []", `unknown key "any" in review[2].any[1].all[0]`},
		"two rules of one name":         {"slipway", "name: admin", "name: docs", "slipway.yaml:17:22: two rules are called \"docs\"\n"},
		"a rule for an event unheard":   {"slipway", "[pull_request]", "[pull_requests]", `did you mean "pull_request"?`},
		"an external check of anybody":  {"slipway", "name: scan, app: snyk", "name: scan", `missing key "app" in merge.external.scan`},
		"a word of another tool":        {"slipway", "if: {only_files", "if: {only_changed_files", `did you mean "only_files"?`},
		"a permission there is not":     {"slipway", "permission: admin", "permission: read", "expected one of write, admin"},
		"a team there is not":           {"platform", "teams: [data, acme", "teams: [dtaa, acme", "platform.yaml:11:72: merge.review[0].requires.teams[0] names the team \"dtaa\", which this file does not have"},
		"a role there is not":           {"platform", "roles: [qa], people", "roles: [qb], people", `names the role "qb"`},
		"a person there is not":         {"platform", "people: [ana], teams: [data, acme", "people: [anna], teams: [data, acme", `did you mean "ana"?`},
		"an environment there is not":   {"platform", "rails: [prod]", "rails: [prd]", `merge.rails[0] names the environment "prd"`},
		"an app that drops a check":     {"slipway", "merge:\n", "merge:\n  checks: {unit: {}}\n", `unknown key "checks" in merge`},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			text := reviewed
			if c.file == "platform" {
				text = merging
			}
			if !strings.Contains(text, c.from) {
				t.Fatalf("%q is not in the file", c.from)
			}
			text = strings.Replace(text, c.from, c.to, 1)
			if c.file == "platform" {
				_, err = manifest.LoadPlatform("platform.yaml", []byte(text))
			} else {
				_, err = manifest.Load("slipway.yaml", []byte(text), builtin(t))
			}
			if err == nil || !strings.Contains(err.Error()+"\n", c.want) {
				t.Errorf("got\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestProblemAt(t *testing.T) {
	m := load(t, reviewed)
	for path, want := range map[string]string{
		"review[1].requires.teams[0]":           "12:34",
		"review[1].requires.people":             "12:5",
		"review[2].any[1].all[0].requires.name": "17:29",
		"merge.external.scan.app":               "21:29",
		"checks.unit":                           "6:3",
		"checks.other":                          "5:1",
	} {
		p := m.ProblemAt(path, "wrong")
		if got := strings.TrimSuffix(strings.TrimPrefix(p.Error(), "slipway.yaml:"), ": wrong"); got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
}
