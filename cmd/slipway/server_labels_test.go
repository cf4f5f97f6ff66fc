//go:build linux && amd64

package main_test

import (
	"context"
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// TestWorkersHaveLabels: a ship that needs a label that nobody has waits, and says so. The
// worker that has it does the ship. While it is told to end it is seen to drain, and what
// it was at comes to its end; one that is killed is seen to be lost.
func TestWorkersHaveLabels(t *testing.T) {
	pgtest.Need(t)
	t.Parallel()
	f := newFleetOf(t, aServer(), []string{"worker", "--workers", "2", "--label", "arm"})
	at, err := f.servers[0].life.address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.env = append(f.env, "SLIPWAY_SERVER="+at, "SLIPWAY_TOKEN="+strings.TrimSpace(f.read(t, "../token")))
	f.change(t, "slipway.yaml", "build: {script: pulse.py}", "build: {script: pulse.py, runs_on: [gpu]}")
	f.commit(t, "needs a gpu")
	if err := f.push(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}

	const why = "waits for a worker with label gpu; none is running"
	seen := f.workforce(t, func(w server.Workforce) bool { return len(w.Waiting) > 0 })
	if w := seen.Waiting[0]; len(seen.Waiting) != 1 || w.Why != why || w.Jobs != 1 || strings.Join(w.Needs, " ") != "gpu" || w.Since.IsZero() {
		t.Errorf("these wait: %+v", seen.Waiting)
	}
	for i, want := range []store.Process{
		{Role: store.RoleServer, State: store.ProcessAlive, Capacity: 2},
		{Role: store.RoleWorker, State: store.ProcessAlive, Capacity: 2, Labels: []string{"arm"}},
	} {
		w := worker(t, seen, f.servers[i].id)
		if w.Role != want.Role || w.State != want.State || w.Capacity != want.Capacity || strings.Join(w.Labels, " ") != strings.Join(want.Labels, " ") || w.Beat.IsZero() || w.Version == "" {
			t.Errorf("process %d is %+v", i, w)
		}
	}
	waits := f.ship(t, func(store.Job) bool { return true })
	if waits.State != store.JobWaiting || waits.Attempt != 0 {
		t.Errorf("the ship is %s, at attempt %d", waits.State, waits.Attempt)
	}
	for what, said := range map[string]string{
		"jobs":    f.must(t, "jobs", "--app", "pulse"),
		"workers": f.must(t, "workers"),
		"explain": f.must(t, "explain", "staging", "--platform", "../platform.yaml"),
	} {
		if !strings.Contains(said, why) {
			t.Errorf("slipway %s says\n%s", what, said)
		}
	}

	f.servers = append(f.servers, &member{data: "../server3", args: []string{"worker", "--workers", "1", "--label", "gpu,arm", "--drain", "10m"}})
	f.begin(t, 2)
	begun := f.ship(t, func(j store.Job) bool { return j.State == store.JobRunning })
	if i := f.doer(t, begun); i != 2 || begun.ID != waits.ID {
		t.Errorf("process %d does ship %d", i, begun.ID)
	}
	gpu := f.servers[2]
	seen = f.workforce(t, func(w server.Workforce) bool { return len(worker(t, w, gpu.id).Does) > 0 })
	if w := worker(t, seen, gpu.id); w.Busy != 1 || w.Does[0].Job != begun.ID || w.Does[0].Kind != "ship" || len(seen.Waiting) != 0 {
		t.Errorf("it is seen as %+v, and these wait: %+v", w, seen.Waiting)
	}
	if err := gpu.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	f.workforce(t, func(w server.Workforce) bool { return worker(t, w, gpu.id).State == store.ProcessDraining })
	if err := gpu.cmd.Wait(); err != nil {
		t.Errorf("the worker ended: %v", err)
	}
	gpu.cmd = nil
	end := f.ship(t, func(j store.Job) bool { return j.State.Ended() })
	if end.State != store.JobDone || end.Attempt != begun.Attempt {
		t.Errorf("the ship ended as %s at attempt %d: %s", end.State, end.Attempt, end.Outcome)
	}
	f.workforce(t, func(w server.Workforce) bool { return worker(t, w, gpu.id).State == store.ProcessLeft })
	f.kill(t, 1)
	f.workforce(t, func(w server.Workforce) bool { return worker(t, w, f.servers[1].id).State == store.ProcessLost })
}

// workforce waits until the servers and workers are as so says.
func (f *fleet) workforce(t *testing.T, so func(server.Workforce) bool) server.Workforce {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	var seen server.Workforce
	err := await(ctx, func() (bool, error) {
		seen = server.Workforce{}
		err := json.Unmarshal([]byte(f.must(t, "workers", "--json")), &seen)
		return err == nil && so(seen), err
	})
	if err != nil {
		t.Fatalf("wait for %+v: %v", seen, err)
	}
	return seen
}

// worker is the process with an id.
func worker(t *testing.T, seen server.Workforce, id string) server.Worker {
	t.Helper()
	for _, w := range seen.Items {
		if w.ID == id {
			return w
		}
	}
	t.Fatalf("no process is %q: %+v", id, seen)
	return server.Worker{}
}
