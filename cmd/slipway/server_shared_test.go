//go:build linux && amd64

package main_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/server/client"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// A fleet is several servers over one PostgreSQL, each with a data folder of its own.
type fleet struct {
	site
	url     string
	st      *store.Store // the test's own look at the database
	servers []*member
	lost    time.Duration // how long one may be silent; 0: as short as tests have it
}

// A member is one server, which may be killed and begun again.
type member struct {
	data    string
	args    []string // what it is begun with, besides what all are
	program string   // empty: the one under test
	url     string   // by which it reaches the database; empty: as all do
	id      string   // by which the database knows it
	cmd     *exec.Cmd
	lives   int
	life    *life
}

// newFleet starts n servers.
func newFleet(t *testing.T, n int) *fleet {
	t.Helper()
	return newFleetOf(t, slices.Repeat([][]string{aServer()}, n)...)
}

// aServer is how a server is begun that works, too.
func aServer() []string {
	return []string{"serve", "--url", "http://slipway.example", "--workers", "2"}
}

// newFleetOf starts processes, of which the first is a server; a step of the app's check
// takes so long that they can be killed in it.
func newFleetOf(t *testing.T, all ...[]string) *fleet {
	t.Helper()
	f := &fleet{site: newSite(t, ""), url: pgtest.New(t)}
	f.change(t, "slipway.yaml", "checks:\n", "checks:\n  slow: {run: sleep 2}\n")
	f.commit(t, "version 1")
	for i, args := range all {
		f.servers = append(f.servers, &member{data: fmt.Sprint("../server", i+1), args: args})
	}
	f.open(t)
	return f
}

// open starts the processes, of which the first is a server, and looks at the database.
func (f *fleet) open(t *testing.T) {
	t.Helper()
	f.beginAll(t)
	f.look(t)
}

// beginAll starts the processes, of which the first is a server.
func (f *fleet) beginAll(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		for i := range f.servers {
			f.kill(t, i)
		}
		if t.Failed() {
			f.explainAll(t)
		}
	})
	f.begin(t, 0)
	f.write(t, "../token", strings.TrimSpace(f.must(t, "token", "create", "test", "--owner", "mara", "--scope", "all", "--platform", "../platform.yaml", "--database", f.url)))
	key := f.read(t, f.servers[0].data+"/state/"+tree.KeyFile)
	for i := 1; i < len(f.servers); i++ {
		if !f.servers[i].serves() { // a worker signs no head
			f.begin(t, i)
			continue
		}
		f.write(t, f.servers[i].data+"/state/"+tree.KeyFile, key)
		f.begin(t, i)
	}
}

// look opens the database for reading.
func (f *fleet) look(t *testing.T) {
	t.Helper()
	st, err := store.OpenReadOnly(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	f.st = st
	t.Cleanup(func() { _ = st.Close() })
}

// begin starts a process, and waits until it answers.
func (f *fleet) begin(t *testing.T, i int) {
	t.Helper()
	m := f.servers[i]
	if err := f.launch(i); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	if _, err := m.life.address(ctx); err != nil {
		t.Fatalf("server %d: %v\n%s", i+1, err, f.read(t, m.life.said))
	}
	m.id = strings.TrimSpace(f.read(t, m.data+"/state/server-id"))
}

// launch starts a process.
func (f *fleet) launch(i int) error {
	m := f.servers[i]
	m.lives++
	m.life = &life{site: f.site, said: f.file(fmt.Sprintf("../said/%d-%d", i+1, m.lives))}
	out, err := os.Create(m.life.said)
	if err != nil {
		return err
	}
	defer out.Close()
	c := f.clone
	c.program = cmp.Or(m.program, c.program)
	m.cmd = c.command(append(slices.Clone(m.args), "--platform", "../platform.yaml", "--data", m.data, "--listen", "127.0.0.1:0", "--lost", cmp.Or(f.lost, 3*time.Second).String(), "--database", cmp.Or(m.url, f.url))...)
	m.cmd.Stdout, m.cmd.Stderr = out, out
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return m.cmd.Start()
}

// serves reports whether it answers to what people ask.
func (m *member) serves() bool { return m.args[0] == "serve" }

// doer is the process that does a job, or did it last.
func (f *fleet) doer(t *testing.T, j store.Job) int {
	t.Helper()
	i := slices.IndexFunc(f.servers, func(m *member) bool { return m.id == j.Process })
	if i < 0 {
		t.Fatalf("no process is %q", j.Process)
	}
	return i
}

// kill kills a server as a machine that is lost does.
func (f *fleet) kill(t *testing.T, i int) {
	t.Helper()
	m := f.servers[i]
	if m.cmd == nil {
		return
	}
	_ = syscall.Kill(-m.cmd.Process.Pid, syscall.SIGKILL) // what it started dies with it
	_ = m.cmd.Wait()
	m.cmd = nil
}

// explainAll tells, of a test that failed, what is known.
func (f *fleet) explainAll(t *testing.T) {
	t.Helper()
	said, _ := filepath.Glob(f.file("../said/*"))
	for _, file := range said {
		text, _ := os.ReadFile(file)
		t.Logf("%s said:\n%s", filepath.Base(file), text)
	}
}

// ships waits until so many jobs ship or have shipped, and one that runs or the last
// is as so says; it returns that.
func (f *fleet) ship(t *testing.T, so func(store.Job) bool) store.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	var found store.Job
	err := await(ctx, func() (bool, error) {
		jobs, err := f.st.Jobs(ctx, store.JobFilter{Kinds: []string{"ship"}}, 1)
		if err != nil || len(jobs) == 0 || !so(jobs[0]) {
			return false, err
		}
		found = jobs[0]
		return true, nil
	})
	if err != nil {
		t.Fatalf("wait for a ship: %v", err)
	}
	return found
}

// TestServersTakeOver: of three servers one is killed while it ships, again and again.
// Another one goes on with what it did; nothing is lost, nothing is done twice.
func TestServersTakeOver(t *testing.T) {
	pgtest.Need(t)
	t.Parallel()
	f := newFleet(t, 3)
	const commits = 3
	for n := range commits {
		if n > 0 {
			f.change(t, "pulse.py", fmt.Sprintf("version %d", n), fmt.Sprintf("version %d", n+1))
			f.commit(t, fmt.Sprintf("version %d", n+1))
		}
		if err := f.push(t.Context(), "main"); err != nil {
			t.Fatal(err)
		}
		var before int64
		begun := f.ship(t, func(j store.Job) bool { return j.State == store.JobRunning && j.ID > before })
		i := f.doer(t, begun)
		followed := f.follow(t, (i+1)%len(f.servers), begun.ID)
		f.kill(t, i)
		at := time.Now()
		again := f.ship(t, func(j store.Job) bool { return j.ID == begun.ID && j.Attempt > begun.Attempt })
		t.Logf("server %d was killed, and after %s another one goes on", i+1, time.Since(at).Round(10*time.Millisecond))
		if again.Process == begun.Process {
			t.Error("it goes on where nobody lives")
		}
		f.goneOnWith(t, begun)
		before = begun.ID
		f.begin(t, i)
		f.proveLog(t, followed)
	}
	f.proveOnce(t, commits)
}

// goneOnWith waits for the end of a ship that was begun again once, and proves that it is a
// good one.
func (f *fleet) goneOnWith(t *testing.T, begun store.Job) {
	t.Helper()
	end := f.ship(t, func(j store.Job) bool { return j.ID == begun.ID && j.State.Ended() })
	if end.State != store.JobDone || end.Attempt != 2 {
		t.Errorf("the ship ended as %s at attempt %d: %s", end.State, end.Attempt, end.Outcome)
	}
}

// proveOnce proves that each commit was shipped once, by what each server says, and that
// the ledger is whole.
func (f *fleet) proveOnce(t *testing.T, commits int) {
	t.Helper()
	var first string
	for i, m := range f.servers {
		if !m.serves() {
			continue
		}
		c, err := m.life.client(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text := f.told(t, c, commits)
		if first == "" {
			first = text
		}
		if text != first {
			t.Errorf("server %d says something else:\n%s\n%s", i+1, text, first)
		}
	}
	a := f.ask(t, "ledger", "verify", "--database", f.url, "--data", f.servers[0].data, "--json")
	var r tree.Report
	if err := json.Unmarshal([]byte(a.stdout), &r); err != nil || a.code != 0 || len(r.Problems) > 0 {
		t.Errorf("the ledger is not whole: exit code %d, %v\n%s%s", a.code, err, a.stdout, a.stderr)
	}
	alive, err := f.st.Processes(t.Context())
	if err != nil || len(alive) != len(f.servers) {
		t.Errorf("%d servers live, %v", len(alive), err)
	}
}

// told is the history of the app, as JSON, in which each commit was deployed once.
func (f *fleet) told(t *testing.T, c *client.Client, commits int) string {
	t.Helper()
	h, err := c.History(t.Context(), "pulse", "staging")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range h.Deployments {
		seen[d.Plan.Target.Version] = true
	}
	if len(h.Deployments) != commits || len(seen) != commits || len(h.Admissions) != commits {
		t.Errorf("%d deployments of %d versions and %d admissions, want %d of each", len(h.Deployments), len(seen), len(h.Admissions), commits)
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestServerComesBack: a server that stood still for longer than the others wait is one
// of them again when it goes on, and what it did meanwhile is done once.
func TestServerComesBack(t *testing.T) {
	pgtest.Need(t)
	t.Parallel()
	f := newFleet(t, 2)
	if err := f.push(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	begun := f.ship(t, func(j store.Job) bool { return j.State == store.JobRunning })
	i := f.doer(t, begun)
	stopped := f.servers[i].cmd.Process.Pid
	signal := func(s syscall.Signal) {
		if err := syscall.Kill(-stopped, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	again := f.ship(t, func(j store.Job) bool { return j.ID == begun.ID && j.Attempt > begun.Attempt })
	signal(syscall.SIGCONT)
	end := f.ship(t, func(j store.Job) bool { return j.ID == begun.ID && j.State.Ended() })
	if end.State != store.JobDone || end.Attempt != again.Attempt || again.Process == begun.Process {
		t.Errorf("the ship ended as %s at attempt %d at %s: %s", end.State, end.Attempt, end.Process, end.Outcome)
	}
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	err := await(ctx, func() (bool, error) {
		alive, err := f.st.Processes(ctx)
		return len(alive) == 2, err
	})
	if err != nil {
		t.Errorf("it does not come back: %v", err)
	}
	f.proveOnce(t, 1)
}

// TestServerMoves moves a server with what it did from its file to PostgreSQL, where it
// goes on and a second one joins it.
func TestServerMoves(t *testing.T) {
	pgtest.Need(t)
	t.Parallel()
	f := &fleet{site: newSite(t, ""), url: pgtest.New(t), servers: []*member{{data: "../server", args: aServer()}, {data: "../server2", args: aServer()}}}
	explained(t, f.site)
	f.live(t, fate{until: func(ctx context.Context, l *life) error {
		if err := f.push(ctx, "main"); err != nil {
			return err
		}
		l.grant(t)
		a := f.ask(t, "migrate", "--from", "../server", "--to", f.url)
		if a.code != 4 || !strings.Contains(a.stderr, "stop the server first") {
			t.Errorf("while it works: exit code %d\n%s", a.code, a.stderr)
		}
		return l.jobs(ctx, done(1, "ship"))
	}})
	if said := f.must(t, "migrate", "--from", "../server", "--to", f.url); !strings.Contains(said, "moved to postgres://postgres@") {
		t.Errorf("it says:\n%s", said)
	}
	if said := f.must(t, "migrate", "--from", "../server", "--to", f.url); !strings.Contains(said, "was moved to postgres://postgres@") {
		t.Errorf("called again it says:\n%s", said)
	}
	a := f.ask(t, "serve", "--platform", "../platform.yaml", "--data", "../server", "--listen", "127.0.0.1:0", "--url", "http://slipway.example")
	if a.code != 4 || !strings.Contains(a.stderr, "was moved to") {
		t.Errorf("without --database: exit code %d\n%s", a.code, a.stderr)
	}
	a = f.ask(t, "serve", "--platform", "../platform.yaml", "--data", "../server2", "--listen", "127.0.0.1:0", "--url", "http://slipway.example", "--database", f.url)
	if a.code != 5 || !strings.Contains(a.stderr, "copy ledger.key from the data folder of a server that has it") {
		t.Errorf("without the key: exit code %d\n%s", a.code, a.stderr)
	}
	f.write(t, "../server2/state/"+tree.KeyFile, f.read(t, "../server/state/"+tree.KeyFile))
	st, err := store.OpenReadOnly(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	f.st = st
	t.Cleanup(func() {
		_ = st.Close()
		f.kill(t, 0)
		f.kill(t, 1)
		if t.Failed() {
			f.explainAll(t)
		}
	})
	f.begin(t, 0)
	f.begin(t, 1)
	first := f.ship(t, func(store.Job) bool { return true })
	f.change(t, "pulse.py", "version 1", "version 2")
	f.commit(t, "version 2")
	if err := f.push(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if second := f.ship(t, func(j store.Job) bool { return j.ID > first.ID && j.State.Ended() }); second.State != store.JobDone {
		t.Errorf("after the move a ship ends as %s: %s", second.State, second.Outcome)
	}
	f.proveOnce(t, 2)
}
