//go:build linux && amd64

package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// newExample is a clone with an example on Spark, committed. Where Spark cannot
// run the test is skipped, but never in CI.
func newExample(t *testing.T, name string, ready func(c clone)) clone {
	t.Helper()
	c := newClone(t)
	if err := os.CopyFS(c.repository(), os.DirFS(filepath.Join("../../examples", name))); err != nil {
		t.Fatal(err)
	}
	c.write(t, ".gitignore", "/out/\n__pycache__/\n")
	ready(c)
	c.commit(t, "version 1")
	if err := os.Symlink(sparkCache(t), filepath.Join(c.dir, "cache", "slipway")); err != nil {
		t.Fatal(err)
	}
	if a := c.ask(t, "plan", "--source", "local"); a.code != 0 {
		if a.code == 5 && os.Getenv("CI") == "" {
			t.Skip("SKIPPED: Spark cannot run here: ", a.stderr)
		}
		t.Fatalf("Spark must be testable: exit code %d\n%s", a.code, a.stderr)
	}
	return c
}

// withCell puts a cell before the last ones of a notebook.
func (c clone) withCell(t *testing.T, file, source string, before int, tags ...string) {
	t.Helper()
	var notebook map[string]any
	parse(t, c.read(t, file), &notebook)
	cells, _ := notebook["cells"].([]any)
	at := len(cells) - before
	cell := map[string]any{
		"cell_type": "code", "execution_count": nil, "id": "added", "metadata": map[string]any{"tags": tags}, "outputs": []any{}, "source": source,
	}
	notebook["cells"] = append(append(append([]any{}, cells[:at]...), cell), cells[at:]...)
	data, err := json.Marshal(notebook)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, file, string(data))
}

// logged are lines of Spark's own among what a job prints.
var logged = regexp.MustCompile(`(?m)^(\d\d/\d\d/\d\d )?\d\d:\d\d:\d\d (WARN|INFO|ERROR) .*\n|^Setting default log level.*\n|^To adjust logging level.*\n|^\s*\[Stage.*\n|^:: .*\n`)

// TestExamplesRunAsPlainScripts runs what the examples' notebooks become, as it
// stands, in a Python that has PySpark and awsglue and nothing of Slipway's around
// it; and then as a job of the local runtime, which has to print the same.
func TestExamplesRunAsPlainScripts(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string][]string{
		"traffic": {"--source", "data/traffic.csv", "--holidays", "data/holidays.csv", "--target_kind", "folder", "--target", "out/plain", "--TempDir", "out/tmp"},
		"flights": {"--source", "data", "--target", "out/plain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newExample(t, name, func(c clone) {
				c.leaveOutChecks(t)
				c.fetchData(t)
			})
			log := c.must(t, "ship")
			files := strings.Fields(c.must(t, "build", "-q"))
			plain := c.plain(t, files, append([]string{"--JOB_NAME", name}, arguments...))
			target := regexp.MustCompile(`out(/\w+)?`)
			want := target.ReplaceAllString(logged.ReplaceAllString(log, ""), "TARGET")
			got := target.ReplaceAllString(logged.ReplaceAllString(plain, ""), "TARGET")
			if diff := cmp.Diff(want, got); diff != "" || strings.Count(got, "\n") < 10 {
				t.Errorf("printed by the job of the local runtime, and by the plain script (-job +script):\n%s", diff)
			}
		})
	}
}

// fetchData lets an example fetch its data, which is in no commit, if it does so.
func (c clone) fetchData(t *testing.T) {
	t.Helper()
	if !exists(filepath.Join(c.repository(), "fetch_data.py")) {
		return
	}
	c.write(t, ".gitignore", "/data/\n/out/\n__pycache__/\n")
	if exists(filepath.Join(c.repository(), "data", "flights.csv")) {
		return // fetched before, by somebody who works on the example
	}
	cmd := exec.Command(os.Getenv("SLIPWAY_TEST_PYTHON"), "fetch_data.py") //nolint:gosec // what scripts/test.sh made
	cmd.Dir = c.repository()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("fetch the example's data: %v\n%s", err, out)
	}
}

// leaveOutChecks takes the checks out of the manifest.
func (c clone) leaveOutChecks(t *testing.T) {
	t.Helper()
	c.write(t, "slipway.yaml", regexp.MustCompile(`(?m)^checks:\n(  .*\n|\n)+`).ReplaceAllString(c.read(t, "slipway.yaml"), ""))
}

// plain runs a built script, with its modules beside awsglue on the import path.
func (c clone) plain(t *testing.T, files, arguments []string) string {
	t.Helper()
	python := os.Getenv("SLIPWAY_TEST_PYTHON")
	if python == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("CI runs the examples as plain scripts, and SLIPWAY_TEST_PYTHON names no Python with PySpark; see scripts/test.sh")
		}
		t.Skip("SKIPPED: SLIPWAY_TEST_PYTHON names no Python with PySpark; see scripts/test.sh")
	}
	shim := t.TempDir()
	for _, name := range []string{"awsglue", "awsgluedq"} {
		if err := os.CopyFS(filepath.Join(shim, name), os.DirFS(filepath.Join("../../driver/local/python", name))); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, append(files[:1:1], arguments...)...)
	cmd.Dir = c.repository()
	cmd.Env = append(c.environ(), "PYTHONPATH="+strings.Join(append([]string{shim}, files[1:]...), ":"),
		// As a plain PySpark, but for what only takes time.
		"SPARK_LOCAL_IP=127.0.0.1", "SPARK_SUBMIT_OPTS=-XX:TieredStopAtLevel=1",
		"PYSPARK_SUBMIT_ARGS=--conf spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false --conf spark.sql.shuffle.partitions=4 pyspark-shell")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s as a plain script: %v\n%s\n%s", filepath.Base(files[0]), err, out, stderr.String())
	}
	return string(out)
}

// TestNotebookTestsOnSpark puts tests into the example's notebook: they have the
// notebook's functions, its modules and a Spark whose workers know both.
func TestNotebookTestsOnSpark(t *testing.T) {
	t.Parallel()
	c := newExample(t, "traffic", func(c clone) {
		c.leaveOutChecks(t)
		c.withCell(t, "traffic.ipynb", `from pyspark.sql import SparkSession
from pyspark.sql.types import BooleanType
import lib.quality

def crowded(n):
    return n > LEAST and callable(lib.quality.good)

LEAST = 100
spark = SparkSession.builder.getOrCreate()
hours = spark.createDataFrame([("A1", "Mon", 7, 120.0, 61.0), ("A1", "Mon", 8, 80.0, 63.0)], "road string, weekday string, hour int, vehicles_per_hour double, speed_kmh double")
assert [(r.hour, r.place) for r in busiest(hours).collect()] == [(7, 1), (8, 2)]
assert hours.filter(F.udf(crowded, BooleanType())("vehicles_per_hour")).count() == 1
assert spark.conf.get("spark.ui.enabled") == "false", "as a run has it"
assert sys.argv[sys.argv.index("--source") + 1] == "data/traffic.csv"`, 1, "tests")
	})
	a := c.ask(t, "check")
	if a.code != 0 || !strings.Contains(a.stderr, "notebook-tests pass (1 tests)") {
		t.Errorf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	c.change(t, "traffic.ipynb", `n \u003e LEAST and`, `n / 0 and`)
	c.commit(t, "break it")
	a = c.ask(t, "check")
	if a.code != 1 || !strings.Contains(a.stderr, "ZeroDivisionError") || !strings.Contains(a.stderr, "cell 15 line 12: PythonException") {
		t.Errorf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
}
