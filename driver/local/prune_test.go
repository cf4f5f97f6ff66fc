package local_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver/local"
)

// past puts the folder of a run there, as many seconds old as its number.
func past(t *testing.T, runs string, n int, state slipway.RunState) {
	t.Helper()
	folder := filepath.Join(runs, fmt.Sprint("r", n))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"request.json": map[string]any{"id": fmt.Sprint("r", n), "app": "app", "created": time.Date(2026, 11, 22, 12, 0, -n, 0, time.UTC)},
		"state.json":   map[string]any{"state": state},
	} {
		text, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestPruneRuns: of runs that have ended the newest stay, and those that somebody names;
// one that was being removed when a process was killed goes.
func TestPruneRuns(t *testing.T) {
	cfg := config(t)
	runs := filepath.Join(cfg.Root, "jobs", "app", "runs")
	for n := range 14 {
		past(t, runs, n, slipway.RunSucceeded)
	}
	past(t, runs, 20, slipway.RunWaiting) // its supervisor was killed: it is brought to its end
	if err := os.MkdirAll(filepath.Join(runs, ".gone-r30", "work"), 0o755); err != nil {
		t.Fatal(err)
	}
	d, h := local.New(cfg), slipway.Handle{App: "app"}
	named := func(id string) bool { return id == "r12" }
	for _, c := range []struct{ keep, gone int }{{15, 0}, {10, 4}, {10, 0}} {
		if gone, err := d.PruneRuns(t.Context(), h, c.keep, named); err != nil || gone != c.gone {
			t.Errorf("of %d to keep %d went, %v; want %d", c.keep, gone, err, c.gone)
		}
	}
	var left []string
	entries, err := os.ReadDir(runs)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{"r12"}
	for n := range 10 {
		want = append(want, fmt.Sprint("r", n))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	if _, err := d.PruneRuns(t.Context(), slipway.Handle{App: "../other"}, 1, named); slipway.KindOf(err) != slipway.Invalid {
		t.Errorf("of a name that leads out of the folder: %v", err)
	}
}
