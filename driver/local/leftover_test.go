package local_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

// A process that is killed leaves the folder that it was filling.
func TestLeftoversOfKilledProcessesAreRemoved(t *testing.T) {
	cfg, b := config(t), blobs{}
	want := target(b, "app", "print('one')")
	definitions := filepath.Join(cfg.Root, "jobs", "app", "definitions")
	old, fresh := filepath.Join(definitions, ".new-old"), filepath.Join(definitions, ".new-fresh")
	for dir, age := range map[string]time.Duration{old: 25 * time.Hour, fresh: time.Hour} {
		if err := os.MkdirAll(filepath.Join(dir, "half"), 0o755); err != nil {
			t.Fatal(err)
		}
		then := cfg.Clock().Add(-age)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}
	d := local.New(cfg)
	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: want})
	if err == nil {
		_, err = d.Apply(t.Context(), p, b)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the old one is still there: %v", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("one that somebody may be filling is gone: %v", err)
	}
}
