//go:build linux && amd64

package main_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// A load is a fleet with much to do, over a PostgreSQL of its own, while its processes
// are killed.
type load struct {
	*fleet
	database *pgtest.Server
	way      *pgtest.Way // to the database, of some of the processes
	hands    []*hand
	authors  []*author
	readers  []*reader
	asker    *asker
	watch    *watch
	coming   coming // what is to happen later
}

// A measure is how much is done.
type measure struct {
	trouble            time.Duration // how long there is trouble
	repositories, apps int
	lost               time.Duration // 0: as short as tests have it
}

// howMuch is done in CI, and if SLIPWAY_CRASH_ALL is set: that is how people have it.
func howMuch() measure {
	if os.Getenv("SLIPWAY_CRASH_ALL") != "" {
		return measure{10 * time.Minute, 3, 6, 6 * time.Second}
	}
	return measure{time.Minute, 2, 3, 3 * time.Second}
}

// longestGap is how long nothing may go on while there is something to do and somebody
// who could do it: of the time in which the machine could have done something, see busy.
const longestGap = 10 * time.Second

// TestServersUnderLoad has three servers and two workers on one PostgreSQL while people
// push, ask and watch. Every few seconds one of them is killed, or stands still, or is told to end;
// the database is restarted, and the way to it is cut, slow or swallows what is said.
// The work never stands still for long; nothing is lost, nothing is done twice, and the
// ledger is whole.
func TestServersUnderLoad(t *testing.T) {
	pgtest.Need(t)
	t.Parallel()
	much := howMuch()
	l := newLoad(t, much)
	l.follow(t.Context())
	l.quiet(t) // all is there, and nothing disturbs it
	calm := l.watch.restart()
	work, stop := context.WithCancel(t.Context())
	defer stop()
	doing := l.begin(work, t)
	l.trouble(t, time.Now().Add(much.trouble))
	l.heal(t)
	stop()
	doing.Wait()
	l.quiet(t)
	l.watch.end()
	t.Logf("undisturbed: %s", calm)
	t.Logf("in trouble: %s", l.watch)
	if gap := l.watch.longest(); gap > longestGap {
		t.Errorf("for %s nothing went on, and there was something to do", gap.Round(time.Millisecond))
	}
	l.prove(t)
	if t.Failed() {
		l.tell(t, store.JobFilter{})
	}
}

// newLoad starts the database and the servers.
func newLoad(t *testing.T, much measure) *load {
	t.Helper()
	l := &load{fleet: &fleet{site: newSite(t, ""), lost: much.lost}, database: pgtest.Start(t)}
	l.url = l.database.New(t)
	way, url := pgtest.Through(t, l.url)
	l.way = way
	worker := []string{"worker", "--workers", "2"}
	l.servers = []*member{
		{data: "../server1", args: aServer()},
		{data: "../server2", args: aServer()},
		{data: "../server3", args: aServer(), url: url},
		{data: "../worker1", args: worker},
		{data: "../worker2", args: worker, url: url},
	}
	l.open(t)
	l.hands = newHands(t, l)
	l.watch = newWatch(l)
	for i := range much.repositories {
		l.authors = append(l.authors, newAuthor(t, l, i, much.apps))
	}
	l.readers = []*reader{{load: l}, {load: l, from: 1}}
	l.asker = &asker{load: l}
	return l
}

// quiet waits until all that was pushed and asked for is done.
func (l *load) quiet(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	err := await(ctx, func() (bool, error) {
		if n, err := l.unfinished(ctx); err != nil || n > 0 {
			return false, err
		}
		for _, a := range l.authors {
			if seen, err := a.seen(ctx); err != nil || !seen {
				return false, err
			}
		}
		n, err := l.unfinished(ctx) // of what was seen only now
		return n == 0, err
	})
	if err != nil {
		l.tell(t, store.JobFilter{States: []store.JobState{store.JobWaiting, store.JobRunning}})
		t.Fatalf("wait until all is done: %v", err)
	}
}

// unfinished counts the jobs that are to be done, but for those that look.
func (l *load) unfinished(ctx context.Context) (int, error) {
	open, err := l.st.Jobs(ctx, store.JobFilter{States: []store.JobState{store.JobWaiting, store.JobRunning}}, 10_000)
	n := 0
	for _, j := range open {
		if !looks(j) {
			n++
		}
	}
	return n, err
}

// tell tells which jobs there are.
func (l *load) tell(t *testing.T, f store.JobFilter) {
	t.Helper()
	all, err := l.st.Jobs(context.WithoutCancel(t.Context()), f, 10_000)
	t.Logf("the jobs: %v", err)
	for _, j := range all {
		if !looks(j) {
			t.Logf("%d %s %s %s at %s, begun %d times, the last time %s, ended %s, due %s: %s %s", j.ID, j.Kind, j.Subject, j.State, j.Process, j.Attempt,
				j.Began.Format(clock), j.Ended.Format(clock), j.Due.Format(clock), j.Stop, j.Outcome)
		}
	}
}

// clock is how a time is told.
const clock = "15:04:05.000"

// prove proves that nothing was lost and nothing done twice, and that nothing is left.
func (l *load) prove(t *testing.T) {
	t.Helper()
	for _, a := range l.authors {
		a.prove(t)
	}
	l.asker.prove(t)
	for _, r := range l.readers {
		r.prove(t)
	}
	all, err := l.st.Jobs(t.Context(), store.JobFilter{}, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range all {
		overtaken := j.State == store.JobReplaced && (j.Kind == "push" || j.Kind == "ship") // it had to be tried again, and a newer one was done first
		if !looks(j) && j.State != store.JobDone && !overtaken {
			t.Errorf("job %d, %s %s, ended %s: %s", j.ID, j.Kind, j.Subject, j.State, j.Outcome)
		}
	}
	for what, query := range map[string]string{
		"jobs that run and nobody does": "SELECT count(*) FROM job WHERE state = 'running' AND process NOT IN (SELECT id FROM process WHERE gone = 0)",
		"leases":                        "SELECT count(*) FROM lease",
	} {
		if n := pgtest.Count(t, l.url, query); n != 0 {
			t.Errorf("there are %d %s", n, what)
		}
	}
	if n := pgtest.Count(t, l.url, "SELECT count(*) FROM process WHERE gone = 0"); n != len(l.hands) {
		t.Errorf("%d processes live, want %d", n, len(l.hands))
	}
	a := l.ask(t, "ledger", "verify", "--database", l.url, "--data", l.servers[0].data, "--json")
	var r tree.Report
	if err := json.Unmarshal([]byte(a.stdout), &r); err != nil || a.code != 0 || len(r.Problems) > 0 {
		t.Errorf("the ledger is not whole: exit code %d, %v\n%s%s", a.code, err, a.stdout, a.stderr)
	}
}
