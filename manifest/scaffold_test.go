package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/manifest"
)

func facts() map[string]manifest.Facts {
	return map[string]manifest.Facts{
		"nothing": {},
		"notebook": {
			App: "Road Traffic", Team: "Data Platform", Notebooks: []string{"traffic.ipynb", "draft.ipynb"}, Scripts: []string{"old/job.py"},
			Include: []string{"lib/"}, Arguments: []string{"JOB_NAME", "source", "target", "not a name"},
			Settings: found("glue_version", "4.0", "worker_type", "G.2X", "workers", 5.0, "connections", []any{"redshift", "other"}, "timeout", "120m",
				"role", "arn:aws:iam::1:role/glue", "tags", map[string]any{"a": "b"}, "additional_python_modules", []any{"pyarrow==17.0.0", "duckdb"},
				"arguments.enable-metrics", "true", "nonsense", "x"),
			Tests: "tests", Remote: "https://ana:token@git.example.com/team/traffic.git",
		},
		"script": {
			App: "9-lives", Scripts: []string{"tool.py"},
			Requirements: []string{"# comment", "requests==2.32.3  # http", "-r other.txt", "pytest>=8", "PySpark==3.5.4", "", "aws-glue-sessions"},
		},
		"odd": {
			App: "true", Team: "---", Notebooks: []string{`..\a.ipynb`, "/abs.ipynb", "a: #b.ipynb"}, Include: []string{"../x", "ok dir/"},
			Settings: found("glue_version", "9.9", "workers", "2\n---\nfoo: bar", "worker_type", "G.025X", "type", "gluestreaming",
				"execution_class", "FLEX", "new\nname", "x\ny", "timeout", "soon", "arguments.a b", 1.0, "arguments.", map[string]any{"c": nil}),
			Arguments: []string{"true", "a", "a"}, Remote: "x\ny: z",
		},
		"unittest beside": {Scripts: []string{"job.py"}, Tests: ".", Unittest: true},
		"unittest below":  {Scripts: []string{"job.py"}, Tests: "my tests", Unittest: true},
		"unknown shape":   {Shape: "nope", App: strings.Repeat("x-", 60)},
	}
}

// found makes settings of names and values.
func found(pairs ...any) manifest.Found {
	var all manifest.Found
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, manifest.Setting{Name: pairs[i].(string), Value: pairs[i+1], From: "traffic.ipynb, cell 1 line 1"})
	}
	return all
}

func TestScaffold(t *testing.T) {
	want := "# What Slipway needs to know about this app. `slipway shapes glue-job` explains\n" +
		"# every key of run, and `slipway schema` makes an editor complete them.\n" +
		`# Source: https://git.example.com/team/traffic.git
slipway: v1
app: road-traffic
team: data-platform
shape: glue-job                     # ` + "`slipway shapes` shows the menu" + `

build:
  notebook: traffic.ipynb           # the script is made from it
  # notebook: draft.ipynb           # found as well; one manifest is one app
  # script: old/job.py              # found as well; one manifest is one app
  include: [lib/]                   # helper modules that the job imports

checks:                             # questions that your own commands answer before a release
  unit: {run: "python3 -m pytest -q --junitxml=$REPORTS/unit.xml", junit: unit.xml, requirements: [pytest]}

run:
  role: arn:aws:iam::1:role/glue
  glue_version: "4.0"
  worker_type: G.2X
  workers: 5
  timeout: 120m
  arguments: {enable-metrics: "true", source: "", target: ""}
  connections: [redshift, other]
  additional_python_modules: [pyarrow==17.0.0, duckdb]
  tags: {a: b}
  # nonsense x, which traffic.ipynb, cell 1 line 1 says, has no place here
  # the source asks for these arguments: give them their values
  # schedule: "0 3 * * *"           # minute hour day month weekday

environments:                       # what is different there: maps merge, other values replace, null removes
  local: {}                         # this machine; for example {run: {arguments: {source: data/in.csv}}}
  # prod: {run: {schedule: null}}
`
	got := string(manifest.Scaffold(facts()["notebook"], builtin(t)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scaffold (-want +got):\n%s", diff)
	}
}

// Whatever was found, the manifest loads and resolves for this machine.
func TestScaffoldWorksAsItStands(t *testing.T) {
	for name, f := range facts() {
		t.Run(name, func(t *testing.T) {
			text := string(manifest.Scaffold(f, builtin(t)))
			if _, err := load(t, text).Resolve("local", nil); err != nil {
				t.Errorf("resolve: %v\n%s", err, text)
			}
		})
	}
}

func FuzzScaffold(f *testing.F) {
	f.Add("app", "team", "a.ipynb", "glue_version", "5.0", "requests", "source")
	f.Add("", "0", "..", "streaming", "\n", "#", "--x")
	f.Fuzz(func(t *testing.T, app, team, file, setting, value, requirement, argument string) {
		facts := manifest.Facts{
			App: app, Team: team, Notebooks: []string{file}, Scripts: []string{file}, Include: []string{file}, Remote: file,
			Settings: found(setting, value), Requirements: []string{requirement}, Arguments: []string{argument},
		}
		text := string(manifest.Scaffold(facts, builtin(t)))
		if _, err := load(t, text).Resolve("local", nil); err != nil {
			t.Errorf("resolve: %v\n%s", err, text)
		}
	})
}

func TestScaffoldAsksUnittestWhereItIsEnough(t *testing.T) {
	for name, want := range map[string]string{
		"unittest beside": "\nchecks:                             # questions that your own commands answer before a release\n  unit: {run: [python3, -m, unittest, -q]}\n",
		"unittest below":  "\n  unit: {run: [python3, -m, unittest, discover, -q, -s, my tests]}\n",
	} {
		if got := string(manifest.Scaffold(facts()[name], builtin(t))); !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestNameFrom(t *testing.T) {
	for from, want := range map[string]string{
		"Road Traffic": "road-traffic", "my_repo.git": "my-repo-git", "": "app", "42": "app", "été": "t",
		"-a--b-": "a-b", strings.Repeat("a", 62) + "--b": strings.Repeat("a", 62),
	} {
		if got := manifest.NameFrom(from); got != want {
			t.Errorf("NameFrom(%q) = %q, want %q", from, got, want)
		}
	}
}
