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
			Magics: map[string]string{
				"glue_version": "4.0", "worker_type": "G.2X", "number_of_workers": "5", "idle_timeout": "60",
				"connections": "redshift, other", "timeout": "120", "iam_role": "arn:aws:iam::1:role/glue", "tags": `{"a": "b"}`,
				"additional_python_modules": "pyarrow==17.0.0,duckdb",
			},
			Tests: "tests", Remote: "https://ana:token@git.example.com/team/traffic.git",
		},
		"script": {
			App: "9-lives", Scripts: []string{"tool.py"},
			Requirements: []string{"# comment", "requests==2.32.3  # http", "-r other.txt", "pytest>=8", "PySpark==3.5.4", "", "aws-glue-sessions"},
		},
		"odd": {
			App: "true", Team: "---", Notebooks: []string{`..\a.ipynb`, "/abs.ipynb", "a: #b.ipynb"}, Include: []string{"../x", "ok dir/"},
			Magics: map[string]string{
				"glue_version": "9.9", "number_of_workers": "2\n---\nfoo: bar", "worker_type": "G.025X",
				"streaming": "", "execution_class": "FLEX", "new\nmagic": "x\ny", "timeout": "soon",
			},
			Arguments: []string{"true", "a", "a"}, Remote: "x\ny: z",
		},
		"unknown shape": {Shape: "nope", App: strings.Repeat("x-", 60)},
	}
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
  unit: {run: "python3 -m pytest -q --junitxml=$REPORTS/unit.xml", junit: unit.xml}

run:
  role: arn:aws:iam::1:role/glue
  glue_version: "4.0"
  worker_type: G.2X
  workers: 5
  timeout: 120m
  arguments: {source: "", target: ""}
  connections: [redshift, other]
  additional_python_modules: [pyarrow==17.0.0, duckdb]
  # %tags {"a": "b"}, which the notebook says, has no place here
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
	f.Fuzz(func(t *testing.T, app, team, file, magic, value, requirement, argument string) {
		facts := manifest.Facts{
			App: app, Team: team, Notebooks: []string{file}, Scripts: []string{file}, Include: []string{file}, Remote: file,
			Magics: map[string]string{magic: value}, Requirements: []string{requirement}, Arguments: []string{argument},
		}
		text := string(manifest.Scaffold(facts, builtin(t)))
		if _, err := load(t, text).Resolve("local", nil); err != nil {
			t.Errorf("resolve: %v\n%s", err, text)
		}
	})
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
