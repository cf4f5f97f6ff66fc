package local_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/local"
)

// kills is how often a process is killed, each time a little later in its work.
const kills = 30

// sendAndKill has another process do e and kills it after some time.
func (e errand) sendAndKill(t *testing.T, verb string, after time.Duration) {
	t.Helper()
	cmd := e.command(t, verb)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
	defer kill.Stop()
	_ = cmd.Wait() // killed, or done before that
}

// took is how long it takes another process to do e.
func (e errand) took(t *testing.T, verb string) time.Duration {
	t.Helper()
	begun := time.Now()
	e.send(t, verb)
	return time.Since(begun)
}

// TestApplyKilledAtAnyTime kills Apply again and again: the job is wholly as
// before or wholly as planned, and the same Apply again finishes.
func TestApplyKilledAtAnyTime(t *testing.T) {
	cfg, b := config(t), blobs{}
	d := local.New(cfg)
	one, two := target(b, "app", "print('one')"), target(b, "app", "print('two')"+strings.Repeat("\n# and more", 9000))
	h := mustDeploy(t, d, b, one)
	e := newErrand(cfg)
	e.Blobs = b
	seen := map[string]int{}
	whole := time.Duration(0)
	for n := range kills {
		var err error
		if e.Plan, err = d.Plan(t.Context(), driver.PlanRequest{Target: two}); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			whole = e.took(t, "apply-plan")
		} else {
			e.sendAndKill(t, "apply-plan", whole*time.Duration(n)/kills)
		}
		seen[standing(t, d, h, one, two)]++
		if _, err := d.Apply(t.Context(), e.Plan, b); err != nil {
			t.Fatalf("Apply after a kill: %v", err)
		}
		if got := standing(t, d, h, one, two); got != "two" {
			t.Fatalf("after Apply again, %s is there", got)
		}
		mustDeploy(t, d, b, one)
	}
	t.Logf("found after kills: %v", seen)
	if seen["one"]+seen["two"] != kills {
		t.Errorf("found after kills: %v", seen)
	}
}

// standing says which of two targets is there, whole.
func standing(t *testing.T, d *local.Driver, h slipway.Handle, one, two slipway.Target) string {
	t.Helper()
	for name, want := range map[string]slipway.Target{"one": one, "two": two} {
		s, err := d.Observe(t.Context(), h, want)
		if err != nil {
			t.Fatal(err)
		}
		if s.State == slipway.JobLive {
			return name
		}
	}
	return "neither"
}

// TestStartKilledAtAnyTime kills the starter again and again: the same Start
// again comes to a run that was executed exactly once.
func TestStartKilledAtAnyTime(t *testing.T) {
	cfg, b := config(t), blobs{}
	cfg.WorkDir = t.TempDir()
	d := local.New(cfg)
	want := target(b, "app", "import sys\nopen(sys.argv[sys.argv.index('--JOB_RUN_ID') + 1], 'a').write('ran\\n')")
	want.Run["max_concurrent_runs"] = kills
	h := mustDeploy(t, d, b, want)
	e := newErrand(cfg)
	e.Handle, e.WorkDir = h, cfg.WorkDir
	e.Run = "whole"
	whole := e.took(t, "start-run")
	for n := range kills {
		e.Run = "run-" + strconv.Itoa(n)
		e.sendAndKill(t, "start-run", whole*time.Duration(n+1)/kills)
		run, _ := ended(t, d, h, driver.RunRequest{ID: e.Run})
		data, err := os.ReadFile(filepath.Join(cfg.WorkDir, e.Run))
		if err != nil || string(data) != "ran\n" || run.State != slipway.RunSucceeded {
			t.Errorf("killed at step %d: run %+v, executions %q, error %v", n, run, data, err)
		}
	}
	runs, err := d.Runs(context.Background(), h, 0)
	if diff := cmp.Diff(kills+1, len(runs)); err != nil || diff != "" {
		t.Errorf("error %v, runs (-want +got):\n%s", err, diff)
	}
}
