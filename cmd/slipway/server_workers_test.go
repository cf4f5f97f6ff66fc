//go:build linux && amd64

package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// TestWorkersTakeOver: a server that does no heavy work has workers do it. The one that
// ships is killed, and the other one goes on; nothing is done twice.
func TestWorkersTakeOver(t *testing.T) {
	pgtest.Need(t)
	t.Parallel()
	f := newFleetOf(t,
		[]string{"serve", "--url", "http://slipway.example", "--workers", "0"},
		[]string{"worker", "--workers", "1"},
		[]string{"worker", "--workers", "1"},
	)
	const commits = 2
	var before int64
	for n := range commits {
		if n > 0 {
			f.change(t, "pulse.py", fmt.Sprintf("version %d", n), fmt.Sprintf("version %d", n+1))
			f.commit(t, fmt.Sprintf("version %d", n+1))
		}
		if err := f.push(t.Context(), "main"); err != nil {
			t.Fatal(err)
		}
		begun := f.ship(t, func(j store.Job) bool { return j.State == store.JobRunning && j.ID > before })
		i := f.doer(t, begun)
		if i == 0 {
			t.Error("the server ships by itself")
		}
		f.kill(t, i)
		again := f.ship(t, func(j store.Job) bool { return j.ID == begun.ID && j.Attempt > begun.Attempt })
		if j := f.doer(t, again); j == i || j == 0 {
			t.Errorf("process %d goes on after %d was killed", j, i)
		}
		f.goneOnWith(t, begun)
		before = begun.ID
		f.begin(t, i)
	}
	f.proveOnce(t, commits)
	at, err := f.servers[1].life.address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/api/v1/apps": 404, "/hooks/home": 404} {
		answer, err := http.Get(at + path) //nolint:gosec,noctx // our own worker
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("a worker answers %s with %d", path, answer.StatusCode)
		}
	}
}

// TestWorkerNeedsADatabase: what a worker lacks is said, with the way out.
func TestWorkerNeedsADatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"worker", "--platform", "../platform.yaml"}, "a worker needs the PostgreSQL database that the servers share, and none is named\n  -> name it with --database"},
		{[]string{"worker", "--platform", "../platform.yaml", "--database", "../server/state/slipway.db"}, "slipway.db is not the URL of a PostgreSQL database"},
		{[]string{"worker", "--platform", "../platform.yaml", "--database", "postgres://slipway@db/slipway", "--workers", "0"}, "a worker does at least one job at a time"},
		{[]string{"serve", "--platform", "../platform.yaml", "--data", "../server", "--listen", "127.0.0.1:0", "--workers", "0"}, "nobody would build, check or deploy"},
	} {
		if a := s.ask(t, c.args...); a.code != 2 || !strings.Contains(a.stderr, c.want) {
			t.Errorf("%v: exit code %d, it says\n%s", c.args, a.code, a.stderr)
		}
	}
}
