package manifest_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

const sparse = `slipway: v1
app: a
shape: glue-job
build: {notebook: a.ipynb}
run:
  workers: 3
  timeout: 60m
environments:
  local: {run: {arguments: {a: "1"}, bookmark: null}}
`

func setting(name string, value any) manifest.Setting {
	return manifest.Setting{Name: name, Value: value, From: "a.ipynb, cell 1 line 2"}
}

func TestFoundLiesBelowTheManifest(t *testing.T) {
	found := manifest.Found{
		setting("worker_type", "G.2X"), setting("worker_type", "G.4X"), setting("workers", 9.0), setting("timeout", "60m"),
		setting("arguments.a", "0"), setting("arguments.b", "2"), setting("bookmark", "enable"), setting("nothing", true),
	}
	r, err := load(t, sparse).ResolveOver(found, "local", nil)
	if err != nil {
		t.Fatal(err)
	}
	run := r.RunMap()
	got := []any{run["worker_type"], run["workers"], run["timeout"], run["arguments"], run["bookmark"]}
	want := []any{"G.4X", 3.0, "1h", map[string]any{"a": "1", "b": "2"}, nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	for _, leaf := range r.Values() {
		if leaf.Path == "run.worker_type" && leaf.Origin.String() != "a.ipynb, cell 1 line 2" {
			t.Errorf("origin %s", leaf.Origin)
		}
	}
}

func TestFoundIsReadStrictly(t *testing.T) {
	found := manifest.Found{setting("glue_version", "9.9"), setting("max_retries", "many"), setting("arguments.--x", "y")}
	_, err := load(t, strings.Split(sparse, "environments")[0]).ResolveOver(found, "local", nil)
	want := `a.ipynb, cell 1 line 2: run.glue_version is the text "9.9", which is not allowed here
  expected one of "3.0", "4.0", "5.0", "5.1", "6.0"
a.ipynb, cell 1 line 2: run.max_retries is the text "many"
  expected a whole number, from 0 to 10
a.ipynb, cell 1 line 2: "--x" cannot be a name in run.arguments
  expected an argument's name, without the leading --`
	if err == nil || slipway.KindOf(err) != slipway.Invalid {
		t.Fatalf("error %v", err)
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("complaint (-want +got):\n%s", diff)
	}
}

func TestWhatTheManifestOverrulesMayBeWrong(t *testing.T) {
	r, err := load(t, sparse).ResolveOver(manifest.Found{setting("workers", "many")}, "local", nil)
	if err != nil || r.Run.Get("workers").Int() != 3 {
		t.Errorf("workers %v, %v", r, err)
	}
}

func TestDifferences(t *testing.T) {
	found := manifest.Found{
		setting("workers", 9.0), setting("timeout", "1h"), setting("arguments.a", "0"), setting("worker_type", "G.2X"), setting("bookmark", "enable"),
	}
	want := []string{
		"run.workers is 3 at slipway.yaml:6:12, which holds, and 9 at a.ipynb, cell 1 line 2",
		`run.arguments.a is "1" at slipway.yaml:9:32, which holds, and 0 at a.ipynb, cell 1 line 2`,
	}
	if diff := cmp.Diff(want, load(t, sparse).Differences(found, "local")); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func TestReadRequirements(t *testing.T) {
	files := fstest.MapFS{
		"requirements.txt": {Data: []byte("# tools\npytest==8.3.4 # tests\n\nrequests\n")},
		"options.txt":      {Data: []byte("-r requirements.txt\n")},
	}
	check := manifest.Check{Name: "unit", RequirementsFile: "requirements.txt"}
	got, err := check.ReadRequirements(files)
	if diff := cmp.Diff([]string{"pytest==8.3.4", "requests"}, got); diff != "" || err != nil {
		t.Errorf("packages (-want +got):\n%s\n%v", diff, err)
	}
	check = manifest.Check{Name: "unit", Requirements: []string{"pytest"}}
	if got, err = check.ReadRequirements(files); len(got) != 1 || err != nil {
		t.Errorf("packages by name: %v, %v", got, err)
	}
	check.RequirementsFile = "options.txt"
	if _, err = check.ReadRequirements(files); err == nil || err.Error() != `options.txt holds an option of pip, "-r requirements.txt"; a check's requirements are packages alone` {
		t.Errorf("an option: %v", err)
	}
	check.RequirementsFile = "gone.txt"
	_, err = check.ReadRequirements(files)
	if err == nil || err.Error() != "check unit needs the packages of gone.txt, which is not there" || slipway.FixOf(err) != "commit the file, or correct checks.unit.requirements" {
		t.Errorf("a missing file: %v", err)
	}
}
