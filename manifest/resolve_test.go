package manifest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

const twoPlaces = `slipway: v1
environments:
  staging: {runtime: local}
  prod: {runtime: glue, follows: staging}
teams:
  data-platform: {}
`

func resolve(t testing.TB, text, env string, p *manifest.Platform) *manifest.Resolved {
	t.Helper()
	r, err := load(t, text).Resolve(env, p)
	if err != nil {
		t.Fatalf("resolve %s:\n%v", env, err)
	}
	return r
}

func TestResolveShowsWhereEachValueCameFrom(t *testing.T) {
	r := resolve(t, designExample, "prod", loadPlatform(t, twoPlaces))
	want := `app: traffic-etl                                            # slipway.yaml:2:6
team: data-platform                                         # slipway.yaml:3:7
shape: glue-job                                             # slipway.yaml:4:8
build.notebook: traffic.ipynb                               # slipway.yaml:6:13
build.include: [lib/]                                       # slipway.yaml:7:12
checks.unit.run: "pytest -q --junitxml=$REPORTS/unit.xml"   # slipway.yaml:9:15
checks.unit.junit: unit.xml                                 # slipway.yaml:9:64
run.type: glueetl                                           # slipway.yaml:11:9
run.role: AWSGlueServiceRole-TrafficCrawler                 # slipway.yaml:12:9
run.glue_version: "5.0"                                     # slipway.yaml:13:17
run.python_version: "3"                                     # default of shape glue-job 1
run.worker_type: G.1X                                       # slipway.yaml:14:16
run.workers: 10                                             # slipway.yaml:22:26
run.execution_class: STANDARD                               # default of shape glue-job 1
run.timeout: 60m                                            # slipway.yaml:16:12
run.max_retries: 0                                          # default of shape glue-job 1
run.max_concurrent_runs: 1                                  # default of shape glue-job 1
run.queuing: false                                          # default of shape glue-job 1
run.arguments.source: s3://raw/traffic.csv                  # slipway.yaml:18:23
run.arguments.target: s3://curated/traffic                  # slipway.yaml:18:53
run.connections: [redshift]                                 # slipway.yaml:17:16
run.bookmark: disable                                       # default of shape glue-job 1
run.schedule: "0 3 * * *"                                   # slipway.yaml:19:13
run.timezone: UTC                                           # default of shape glue-job 1
run.after_deploy: false                                     # default of shape glue-job 1
run.strict_magics: false                                    # default of shape glue-job 1
`
	var got bytes.Buffer
	if err := manifest.WriteValues(&got, r.Values()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestResolveMerges(t *testing.T) {
	const text = `slipway: v1
app: a
shape: glue-job
build: {script: a.py}
run:
  arguments: {a: "1", b: "2", c: "3"}
  connections: [x, y]
  schedule: "0 3 * * *"
  timezone: null
  tags: {owner: data}
environments:
  local:
    run:
      arguments: {b: "20", c: null, d: {secret: s}}
      connections: [z]
      schedule: null
      timeout: null
      tags: null
`
	got := resolve(t, text, "local", nil).RunMap()
	want := map[string]any{
		"arguments":    map[string]any{"a": "1", "b": "20", "d": map[string]any{"secret": "s"}},
		"connections":  []any{"z"},
		"after_deploy": true, // in the environment local alone
		"type":         "glueetl", "glue_version": "5.1", "python_version": "3", "worker_type": "G.1X", "workers": 2.0,
		"execution_class": "STANDARD", "bookmark": "disable",
		"max_retries": 0.0, "max_concurrent_runs": 1.0, "queuing": false, "strict_magics": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
}

func TestResolveChoosesDefaultsAfterTheMerge(t *testing.T) {
	const text = `slipway: v1
app: a
shape: glue-job
build: {script: a.py}
run: {type: glueetl}
environments:
  local: {run: {type: pythonshell, after_deploy: false}}
  prod: {run: {type: pythonshell, role: r}}
`
	p := loadPlatform(t, "slipway: v1\nenvironments: {staging: {runtime: local}, prod: {runtime: glue}}\n")
	type some struct {
		python, timeout string
		capacity, work  any
		deploy          bool
	}
	for env, want := range map[string]some{
		"local":   {timeout: "8h", capacity: 0.0625}, // the machine's own Python
		"staging": {python: "3", timeout: "8h", work: 2.0},
		"prod":    {python: "3.9", timeout: "8h", capacity: 0.0625},
	} {
		r := resolve(t, text, env, p)
		run := r.RunMap()
		got := some{r.Run.Get("python_version").Text(), run["timeout"].(string), run["max_capacity"], run["workers"], run["after_deploy"].(bool)}
		if got != want {
			t.Errorf("%s: %+v, want %+v", env, got, want)
		}
		if r.Run.Get("timeout").Duration() != 8*time.Hour {
			t.Errorf("%s: timeout %s", env, r.Run.Get("timeout").Duration())
		}
	}
}

func TestResolveComplaints(t *testing.T) {
	prod := "slipway: v1\nenvironments: {staging: {runtime: local}, prod: {runtime: glue}}\nteams: {data: {}}\n"
	head := "slipway: v1\napp: a\nshape: glue-job\nbuild: {script: a.py}\n"
	for name, c := range map[string]struct {
		text, env, platform, want, fix string
		kind                           slipway.Kind
	}{
		"an unknown environment": {
			text: head, env: "prd", platform: prod, kind: slipway.NotFound,
			want: `unknown environment "prd"`, fix: `did you mean "prod"?`,
		},
		"an unknown environment with nothing near": {
			text: head, env: "moon", platform: prod, kind: slipway.NotFound,
			want: `unknown environment "moon"`, fix: "platform.yaml has: local, staging, prod",
		},
		"a release, and no environment": {
			text: head, env: "v14", platform: prod, kind: slipway.NotFound,
			want: `unknown environment "v14"`, fix: "if it is a release, put the environment behind it, such as: v14 local",
		},
		"an environment without a platform": {
			text: head, env: "prod", kind: slipway.NotFound,
			want: `unknown environment "prod"`, fix: "without a platform.yaml there is one environment, local",
		},
		"a parameter that the runtime needs": {
			text: head, env: "prod", platform: prod, kind: slipway.Invalid,
			want: `slipway.yaml:1:1: in environment prod, run has no role, which the runtime glue needs
  1 | slipway: v1
      ^^^^^^^
  expected role: text that is not empty`,
		},
		"a parameter that the runtime needs, with a place": {
			text: head + "environments:\n  prod: {run: {role: null}}\nrun: {role: r}\n", env: "prod", platform: prod, kind: slipway.Invalid,
			want: `slipway.yaml:6:22: in environment prod, run has no role, which the runtime glue needs
  6 |   prod: {run: {role: null}}
                           ^^^^
  expected role: text that is not empty`,
		},
		"a parameter of another type of job": {
			text: head + "run:\n  workers: 3\nenvironments:\n  local: {run: {type: pythonshell}}\n", env: "local", kind: slipway.Invalid,
			want: `slipway.yaml:6:12: in environment local, run.workers is not for type pythonshell
  6 |   workers: 3
                 ^
  expected it only with type glueetl or gluestreaming, or null to leave it out`,
		},
		"workers and capacity": {
			text: head + "run: {max_capacity: 1, workers: 3}\n", env: "local", kind: slipway.Invalid,
			want: `slipway.yaml:5:21: in environment local, run.max_capacity is not for type glueetl
  5 | run: {max_capacity: 1, workers: 3}
                          ^
  expected it only with type pythonshell, or null to leave it out`,
		},
		"values that do not go together": {
			text: head + "run: {worker_type: G.4X, execution_class: FLEX, python_version: \"3.9\"}\n", env: "local", kind: slipway.Invalid,
			want: `slipway.yaml:5:20: in environment local, run.worker_type is G.4X, which does not go with execution_class FLEX
  5 | run: {worker_type: G.4X, execution_class: FLEX, python_version: "3.9"}
                         ^^^^
  expected one of G.1X, G.2X
slipway.yaml:5:65: in environment local, run.python_version is 3.9, which does not go with type glueetl or gluestreaming
  5 | run: {worker_type: G.4X, execution_class: FLEX, python_version: "3.9"}
                                                                      ^^^^^
  expected "3"`,
		},
		"a reason": {
			text: head + "run: {type: glueetl, worker_type: G.025X}\n", env: "local", kind: slipway.Invalid,
			want: `slipway.yaml:5:35: in environment local, run.worker_type is G.025X, which does not go with type glueetl: G.025X is for streaming jobs
  5 | run: {type: glueetl, worker_type: G.025X}
                                        ^^^^^^
  expected one of G.1X, G.2X, G.4X, G.8X, G.12X, G.16X, R.1X, R.2X, R.4X, R.8X`,
		},
		"a runtime that cannot run the shape": {
			text: "slipway: v1\napp: a\nshape: python-job\nbuild: {script: a.py}\n", env: "prod", platform: prod, kind: slipway.Invalid,
			want: `slipway.yaml:3:8: the runtime glue of environment prod cannot run the shape python-job
  3 | shape: python-job
             ^^^^^^^^^^
  expected an environment with the runtime local`,
		},
		"names that the platform does not have": {
			text: head + "team: dat\nenvironments:\n  stagin: {}\n", env: "local", platform: prod, kind: slipway.Invalid,
			want: `slipway.yaml:5:7: platform.yaml has no team "dat"
  5 | team: dat
            ^^^
  did you mean "data"?
slipway.yaml:7:3: platform.yaml has no environment "stagin"
  7 |   stagin: {}
        ^^^^^^
  did you mean "staging"?`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p *manifest.Platform
			if c.platform != "" {
				p = loadPlatform(t, c.platform)
			}
			_, err := load(t, c.text).Resolve(c.env, p)
			if err == nil {
				t.Fatal("resolves without a complaint")
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Errorf("complaint (-want +got):\n%s", diff)
			}
			if kind, fix := slipway.KindOf(err), slipway.FixOf(err); kind != c.kind || fix != c.fix {
				t.Errorf("kind %s, fix %q; want %s, %q", kind, fix, c.kind, c.fix)
			}
		})
	}
}

// The canonical form does not depend on how the file is written, and reads back
// as the same.
func TestResolvedJSON(t *testing.T) {
	const one = `slipway: v1
app: a
shape: glue-job
build: {script: a.py}
run: {timeout: 60m, arguments: {b: "2", a: <&>}, workers: 3}
`
	const other = `# the same
shape: glue-job
"app": 'a'
run:
  workers: 5
  arguments:
    a: "<&>"
  timeout: 1h
build:
  script: a.py
slipway: v1
environments:
  local: {run: {workers: 3, arguments: {b: "2"}}}
`
	a, err := resolve(t, one, "local", nil).JSON()
	if err != nil {
		t.Fatal(err)
	}
	b, err := resolve(t, other, "local", nil).JSON()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(a), string(b)); diff != "" {
		t.Errorf("two ways to say one thing (-one +other):\n%s", diff)
	}
}

func TestParseResolvedReadsWhatJSONWrote(t *testing.T) {
	for name, text := range manifests(t) {
		t.Run(name, func(t *testing.T) {
			r := resolve(t, text, "local", nil)
			data, err := r.JSON()
			if err != nil {
				t.Fatal(err)
			}
			again, err := manifest.ParseResolved(data)
			if err != nil {
				t.Fatal(err)
			}
			data2, err := again.JSON()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(data), string(data2)); diff != "" {
				t.Errorf("JSON (-first +second):\n%s", diff)
			}
			if diff := cmp.Diff(r.RunMap(), again.RunMap()); diff != "" {
				t.Errorf("run (-want +got):\n%s", diff)
			}
			if r.Run.Get("timeout").Duration() != again.Run.Get("timeout").Duration() {
				t.Errorf("timeout %s, want %s", again.Run.Get("timeout").Duration(), r.Run.Get("timeout").Duration())
			}
			if diff := cmp.Diff([]any{r.Build, r.Checks, r.App, r.Team}, []any{again.Build, again.Checks, again.App, again.Team}, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the rest (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseResolvedComplaints(t *testing.T) {
	for in, want := range map[string]string{
		`{`:                             "read resolved manifest: unexpected EOF",
		`{"slipway": "v9"}`:             `the resolved manifest is of version "v9", not v1`,
		`{"slipway": "v1", "other": 1}`: `read resolved manifest: json: unknown field "other"`,
	} {
		_, err := manifest.ParseResolved([]byte(in))
		if err == nil || err.Error() != want || slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}

// RunMap is what encoding/json would decode, so that it survives a store.
func TestRunMapSurvivesJSON(t *testing.T) {
	run := resolve(t, full, "local", nil).RunMap()
	data, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(run, back); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
}

func FuzzLoad(f *testing.F) {
	for _, c := range append(readComplaints(f, "testdata/slipway.txtar"), readComplaints(f, "testdata/platform.txtar")...) {
		f.Add([]byte(c.in))
	}
	for _, text := range manifests(f) {
		f.Add([]byte(text))
	}
	f.Add([]byte(platform))
	menu := builtin(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := manifest.Load("slipway.yaml", data, menu)
		inside(t, data, err)
		if err == nil {
			r, err := m.Resolve("local", nil)
			inside(t, data, err)
			if err == nil {
				writes(t, r)
			}
		}
		_, err = manifest.LoadPlatform("platform.yaml", data)
		inside(t, data, err)
	})
}

// inside fails unless every complaint points into the file and can be shown.
func inside(t *testing.T, data []byte, err error) {
	t.Helper()
	if err == nil {
		return
	}
	problems := manifest.Problems(err)
	if len(problems) == 0 {
		t.Fatalf("an error without problems: %v", err)
	}
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(data), "\ufeff"))
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, p := range problems {
		if p.Line < 1 || p.Line > len(lines) {
			t.Fatalf("line %d of %d: %s", p.Line, len(lines), p)
		}
		length := len([]rune(lines[p.Line-1]))
		if p.Col < 1 || p.Col > max(length, 1) || p.Len < 1 || p.Col+p.Len-1 > max(length, 1) {
			t.Fatalf("column %d+%d of %d: %s", p.Col, p.Len, length, p)
		}
		if p.Message == "" || strings.Contains(p.Message, "\n") {
			t.Fatalf("message %q", p.Message)
		}
	}
}

// writes fails unless the resolved manifest can be written and read back.
func writes(t *testing.T, r *manifest.Resolved) {
	t.Helper()
	data, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := manifest.ParseResolved(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.RunMap(), again.RunMap()); diff != "" {
		t.Fatalf("run (-want +got):\n%s", diff)
	}
	for _, leaf := range r.Values() {
		if leaf.Origin.String() == "" || strings.Contains(leaf.Text, "\n") {
			t.Fatalf("leaf %+v", leaf)
		}
	}
}

func BenchmarkLoadAndResolve(b *testing.B) {
	menu := builtin(b)
	for b.Loop() {
		m, err := manifest.Load("slipway.yaml", []byte(designExample), menu)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.Resolve("local", nil); err != nil {
			b.Fatal(err)
		}
	}
}
