//go:build linux && amd64

package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The example on Spark, killed where it matters most: between what a stage did
// and the record of it.
func TestKilledOnSpark(t *testing.T) {
	mustTrace(t)
	t.Parallel()
	fresh := newTraffic(t)
	ship := journey{name: "ship", words: []string{"ship"}, want: books{
		Lines: []string{"deployment-1"},
		Environments: map[string]account{"local": {
			Releases: []string{"v1"}, Deployments: []string{"1 of v1 deployed"}, Live: "v1 live",
			Runs: []string{"deployment-1 of v1 succeeded"},
		}},
	}}
	checked := fresh.copy(t)
	checked.must(t, "check")
	requested := func(e event) bool { return e.call == "rename" && strings.HasSuffix(e.path, "/runs/deployment-1") }
	for name, c := range map[string]struct {
		from clone
		when func(event) bool
	}{
		"before it is known that a check passed": {fresh, at("link", "/cache/answers/checks/")},
		"before there is a release":              {checked, at("link", "/releases/")},
		"before the job is the new one":          {checked, at("rename", "/jobs/traffic-etl/current")},
		"before the run's supervisor starts": {checked, after(requested, func(e event) bool {
			return e.call == "start a process" && !e.done
		})},
		"after the run's supervisor started": {checked, after(requested, func(e event) bool {
			return e.call == "start a process" && e.done
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !ship.stumble(t, c.from.copy(t), c.when) {
				t.Error("it was not killed")
			}
		})
	}
}

// at is the moment before a call on a file with a path of this kind.
func at(call, path string) func(event) bool {
	return func(e event) bool { return e.call == call && strings.Contains(e.path, path) && !e.done }
}

// after is the first event of one kind after one of another.
func after(first, then func(event) bool) func(event) bool {
	seen := false
	return func(e event) bool {
		seen = seen || first(e)
		return seen && then(e)
	}
}

// newTraffic is a clone with the example on Spark, committed; each of its runs
// adds a line to out/runs.txt. Where Spark cannot run the test is skipped, but
// never in CI. What Spark needs is installed once for all tests.
func newTraffic(t *testing.T) clone {
	t.Helper()
	c := newClone(t)
	if err := os.CopyFS(c.repository(), os.DirFS("../../examples/traffic")); err != nil {
		t.Fatal(err)
	}
	c.write(t, ".gitignore", "/out/\n__pycache__/\n")
	var notebook map[string]any
	parse(t, c.read(t, "traffic.ipynb"), &notebook)
	cells, _ := notebook["cells"].([]any)
	notebook["cells"] = append(cells, map[string]any{
		"cell_type": "code", "execution_count": nil, "id": "runs", "metadata": map[string]any{}, "outputs": []any{},
		"source": `if __name__ == "__main__":
    with open("out/runs.txt", "a", encoding="utf-8") as runs:
        runs.write(sys.argv[sys.argv.index("--JOB_RUN_ID") + 1] + "\n")`,
	})
	data, err := json.Marshal(notebook)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "traffic.ipynb", string(data))
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

// sparkCache is a cache that outlives the test.
func sparkCache(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: -short leaves Spark out")
	}
	cache := os.Getenv("SLIPWAY_TEST_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Skip("SKIPPED: there is no cache folder: ", err)
		}
		cache = filepath.Join(user, "slipway-test")
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	return cache
}
