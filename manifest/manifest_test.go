package manifest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

// designExample is the example of the design, word by word.
const designExample = `slipway: v1
app: traffic-etl
team: data-platform
shape: glue-job                    # ` + "`slipway shapes`" + ` shows the menu
build:
  notebook: traffic.ipynb          # -> traffic.py
  include: [lib/]                  # helper modules -> --extra-py-files
checks:
  unit: {run: "pytest -q --junitxml=$REPORTS/unit.xml", junit: unit.xml}
run:                               # typed by the shape
  type: glueetl                    # glueetl | gluestreaming | pythonshell
  role: AWSGlueServiceRole-TrafficCrawler
  glue_version: "5.0"
  worker_type: G.1X
  workers: 2
  timeout: 60m
  connections: [redshift]
  arguments: {source: s3://raw/traffic.csv, target: s3://curated/traffic}
  schedule: "0 3 * * *"
environments:
  local: {run: {arguments: {source: data/traffic.csv, target: out/}}}
  prod:  {run: {workers: 10}}
ask:                               # a request; grants live in the ledger
  - {rail: big-jobs-in-prod, why: month-end reload, until: 2027-01-31}
`

const full = `slipway: v1
app: all
team: data
shape: glue-job
platform: {git: "git@git.example.com:team/platform.git", ref: main}
build:
  script: src/job.py
  include: [lib/, shared.py]
  steps:
    - name: generate
      run: [make, -s, generate]
      inputs: ["gen/**"]
      outputs: [out/gen.py]
      env: {MODE: fast}
      timeout: 5m
    - {name: again, run: make again}
checks:
  unit:
    run: |
      set -e
      pytest -q
    timeout: 90s
    required: false
    junit: unit.xml
    coverage: coverage.xml
    allow_empty: true
    sarif: lint.sarif
    thresholds: {coverage: 82.5, findings: {error: 0, warning: 10}}
    env: {PYTHONPATH: .}
  plain: {run: [ruff, check, "."]}
run:
  type: pythonshell
  name: All of it
  role: arn:aws:iam::123456789012:role/glue
  python_version: "3.9"
  max_capacity: 0.0625
  timeout: 1h30m
  max_retries: 1
  max_concurrent_runs: 2
  queuing: true
  connections: [redshift]
  arguments: {mode: "full", password: {secret: redshift/password}}
  non_overridable_arguments: {region: eu}
  additional_python_modules: [pyarrow==17.0.0]
  extra_py_files: [s3://libs/a.zip]
  security_configuration: sec
  notify_delay_after: 10m
  tags: {cost-center: "42"}
  tables: {raw.traffic: data/traffic.csv}
  schedule: "*/5 * * * 1-5"
  timezone: Europe/Berlin
  after_deploy: true
environments:
  local:
  staging: {run: {schedule: null, tags: {cost-center: null, stage: s}}}
`

const python = `slipway: v1
app: tool
shape: python-job
platform: ../platform/platform.yaml
build: {script: tool.py}
run:
  arguments: {n: "1"}
  env: {TOKEN: {secret: tool/token}, LANG: C}
environments: {}
`

// manifests are files that load.
func manifests(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{
		"design": designExample, "full": full, "python": python,
		"least":      "slipway: v1\napp: a\nshape: python-job\nbuild: {script: a.py}\n",
		"empty run":  "slipway: v1\napp: a\nshape: python-job\nbuild: {script: a.py}\nrun:\n",
		"as JSON":    `{"slipway": "v1", "app": "a", "shape": "glue-job", "build": {"notebook": "a b.ipynb"}, "run": {"workers": 3}}`,
		"windows":    "\ufeffslipway: v1\r\napp: a\r\nshape: glue-job\r\nbuild: {script: a.py}\r\n",
		"unusual":    "---\nslipway: \"v1\"\n'app': a\nshape: glue-job\nbuild: {script: ./é/ñ.py}\nrun: {timeout: 1s}\n...\n",
		"three dots": "slipway: v1\napp: a\nshape: glue-job\nbuild: {script: .../..a/a..}\n",
	}
	for name, facts := range facts() {
		all["scaffold "+name] = string(manifest.Scaffold(facts, builtin(t)))
	}
	return all
}

func load(t testing.TB, text string) *manifest.Manifest {
	t.Helper()
	m, err := manifest.Load("slipway.yaml", []byte(text), builtin(t))
	if err != nil {
		t.Fatalf("load:\n%v", err)
	}
	return m
}

func TestLoadDesignExample(t *testing.T) {
	m := load(t, designExample)
	got := []any{m.App, m.Team, m.Shape.Name, m.Build, m.Checks, m.Environments, m.Ask, m.Platform.IsZero()}
	want := []any{
		"traffic-etl", "data-platform", "glue-job",
		manifest.Build{Notebook: "traffic.ipynb", Include: []string{"lib/"}},
		map[string]manifest.Check{"unit": {
			Name: "unit", Required: true, Timeout: 15 * time.Minute, JUnit: "unit.xml",
			Run: manifest.Command{Shell: "pytest -q --junitxml=$REPORTS/unit.xml"},
		}},
		[]string{"local", "prod"},
		[]manifest.Ask{{Rail: "big-jobs-in-prod", Why: "month-end reload", Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)}},
		true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
}

func TestLoadEveryKey(t *testing.T) {
	m := load(t, full)
	coverage := 82.5
	if diff := cmp.Diff(manifest.Check{
		Name: "unit", Run: manifest.Command{Shell: "set -e\npytest -q\n"}, Timeout: 90 * time.Second,
		JUnit: "unit.xml", AllowEmpty: true, Coverage: "coverage.xml", SARIF: "lint.sarif",
		Thresholds: manifest.Thresholds{Coverage: &coverage, Findings: map[string]int{"error": 0, "warning": 10}},
		Env:        map[string]string{"PYTHONPATH": "."},
	}, m.Checks["unit"]); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]manifest.Step{
		{
			Name: "generate", Run: manifest.Command{Args: []string{"make", "-s", "generate"}}, Inputs: []string{"gen/**"},
			Outputs: []string{"out/gen.py"}, Env: map[string]string{"MODE": "fast"}, Timeout: 5 * time.Minute,
		},
		{Name: "again", Run: manifest.Command{Shell: "make again"}, Timeout: 30 * time.Minute},
	}, m.Build.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(manifest.PlatformRef{Git: "git@git.example.com:team/platform.git", Ref: "main", Path: "platform.yaml"}, m.Platform); diff != "" {
		t.Errorf("platform (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"plain", "unit"}, m.CheckNames()); diff != "" {
		t.Errorf("check names (-want +got):\n%s", diff)
	}
	if got := load(t, python).Platform; got != (manifest.PlatformRef{Path: "../platform/platform.yaml"}) {
		t.Errorf("platform by path: %+v", got)
	}
}

func TestComplain(t *testing.T) {
	err := load(t, designExample).Complain("there is no file traffic.ipynb", "build", "notebook")
	want := "slipway.yaml:6:13: there is no file traffic.ipynb\n  6 |   notebook: traffic.ipynb          # -> traffic.py\n                  ^^^^^^^^^^^^^"
	if diff := cmp.Diff(want, err.Error()); diff != "" || slipway.KindOf(err) != slipway.Invalid {
		t.Errorf("complaint (-want +got):\n%s", diff)
	}
	err = load(t, designExample).Complain("no jars", "run", "extra_jars")
	if p := manifest.Problems(err)[0]; p.Line != 11 || p.Path != "run.extra_jars" {
		t.Errorf("a value that is not written: %+v", p)
	}
}

func TestProblemsOfAnotherError(t *testing.T) {
	if got := manifest.Problems(nil); got != nil {
		t.Errorf("problems of no error: %v", got)
	}
	_, err := manifest.Load("slipway.yaml", nil, builtin(t))
	if got := manifest.Problems(err); len(got) != 1 || got[0].Line != 1 {
		t.Errorf("problems of an empty file: %v", got)
	}
}
