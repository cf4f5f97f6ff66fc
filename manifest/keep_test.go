package manifest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/manifest"
)

// TestKeep: what the platform file does not say about what is kept is generous, and logs
// are kept as long as their jobs.
func TestKeep(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]manifest.Keep{
		"":                                     manifest.DefaultKeep(),
		"server: {keep: {jobs: 90d, runs: 5}}": {Jobs: 90 * day, Logs: 90 * day, Closed: 365 * day, Caches: 30 * day, Runs: 5},
		"server: {keep: {logs: 7d, closed: 30d, caches: 2d}}": {Jobs: 30 * day, Logs: 7 * day, Closed: 30 * day, Caches: 2 * day, Runs: 1000},
		"server: {keep: {jobs: 2d, logs: 7d}}":                {Jobs: 2 * day, Logs: 2 * day, Closed: 365 * day, Caches: 30 * day, Runs: 1000},
	} {
		p, err := manifest.LoadPlatform("platform.yaml", []byte("slipway: v1\nenvironments: {staging: {runtime: local}}\n"+text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, p.Server.Keep); diff != "" || p.KeepRuns() != want.Runs {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	var none *manifest.Platform
	if none.KeepRuns() != 1000 {
		t.Errorf("without a platform file %d runs are kept", none.KeepRuns())
	}
	_, err := manifest.LoadPlatform("platform.yaml", []byte("slipway: v1\nenvironments: {staging: {runtime: local}}\nserver: {keep: {jobs: 10m}}\n"))
	if err == nil || !strings.Contains(err.Error(), "10m") {
		t.Errorf("of ten minutes: %v", err)
	}
}
