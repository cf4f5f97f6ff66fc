package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// TestSameTables holds the tables of both databases against each other.
func TestSameTables(t *testing.T) {
	pgtest.Need(t)
	lite := columnsOf(t, open(t, filepath.Join(t.TempDir(), "slipway.db")),
		"SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name != 'schema_version' ORDER BY m.name, c.name")
	post := columnsOf(t, open(t, pgtest.New(t)),
		`SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name != 'schema_version' ORDER BY table_name COLLATE "C", column_name COLLATE "C"`)
	if diff := cmp.Diff(lite, post); diff != "" || len(lite) < 100 {
		t.Errorf("columns (-SQLite +PostgreSQL):\n%s", diff)
	}
}

func columnsOf(t *testing.T, s *store.Store, query string) []string {
	t.Helper()
	rows, err := s.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		all = append(all, table+"."+column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestNameOf(t *testing.T) {
	for where, want := range map[string]string{
		"/var/lib/slipway/state/slipway.db":              "/var/lib/slipway/state/slipway.db",
		"postgres://ana:s3cret@db.example:5433/slipway":  "postgres://ana@db.example:5433/slipway",
		"postgresql://ana@db/slipway?password=s3cret":    "postgres://ana@db:5432/slipway",
		"postgres://ana:s3cret@db.example:port/slipway":  "the PostgreSQL database",
		"postgres://ana:s3c%ret@db.example/slipway":      "the PostgreSQL database",
		"postgres://ana@/slipway?host=/var/run/postgres": "postgres://ana@/var/run/postgres/slipway",
	} {
		if got := store.NameOf(where); got != want {
			t.Errorf("%s is called %s, want %s", where, got, want)
		}
	}
}

// TestUnreachable: every error says what to do, and none says a password.
func TestUnreachable(t *testing.T) {
	pgtest.Need(t)
	at := pgtest.New(t)
	pgtest.Execute(t, at, "CREATE ROLE stranger_"+strconv.Itoa(os.Getpid())+" LOGIN")
	t.Cleanup(func() { pgtest.Execute(t, at, "DROP ROLE stranger_"+strconv.Itoa(os.Getpid())) })
	for name, c := range map[string]struct {
		where     string
		kind      slipway.Kind
		text, fix string
	}{
		"nobody there":  {"postgres://ana:s3cret@127.0.0.1:1/slipway", slipway.Unavailable, "cannot reach postgres://ana@127.0.0.1:1/slipway", "is it running"},
		"no such host":  {"postgres://ana:s3cret@nowhere.invalid/slipway", slipway.Unavailable, "cannot reach postgres://ana@nowhere.invalid:5432/slipway", "is it running"},
		"no database":   {strings.Replace(at, "/test_", "/none_", 1), slipway.NotFound, "there is no database there yet", "createdb"},
		"no URL":        {"postgres://ana:s3cret@db:port/slipway", slipway.Invalid, "that is not the URL of a PostgreSQL database", "postgres://USER@HOST"},
		"no user":       {strings.Replace(at, "postgres@", "nobody:s3cret@", 1), slipway.Unavailable, "does not let us in", "its password"},
		"may not write": {strings.Replace(at, "postgres@", "stranger_"+strconv.Itoa(os.Getpid())+":s3cret@", 1), slipway.Unavailable, "the user may not make tables in", "must own the database"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.Open(t.Context(), c.where, nil)
			wantError(t, err, c.kind, c.text, c.fix)
			if strings.Contains(fmt.Sprint(err, slipway.FixOf(err)), "s3cret") {
				t.Errorf("the error has the password: %v", err)
			}
		})
	}
	_, err := store.OpenReadOnly(t.Context(), at)
	wantError(t, err, slipway.NotFound, "nothing was shipped from here yet", "")
}

// several are stores over one database, as several processes have it.
func several(t *testing.T, n int) []*store.Store {
	t.Helper()
	at := pgtest.New(t)
	all := make([]*store.Store, n)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			s, err := store.Open(t.Context(), at+"&pool_max_conns=6", nil)
			if err != nil {
				t.Error(err)
			}
			all[i] = s
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() {
		for _, s := range all {
			_ = s.Close()
		}
	})
	return all
}

// TestAsIfOneAfterTheOther has writers who read, decide and write: what each of them
// saw was so when it wrote.
func TestAsIfOneAfterTheOther(t *testing.T) {
	pgtest.Need(t)
	all := several(t, 3)
	const each = 20
	var wg sync.WaitGroup
	for _, s := range all {
		for range 2 {
			wg.Go(func() {
				for range each {
					err := s.Change(t.Context(), func(tx *store.Tx) error { // one appends behind what it saw
						_, err := tx.AppendLast(t.Context(), ledger.Draft{Subject: subject(), ID: fmt.Sprint(time.Now().UnixNano(), s), Kind: "x", Time: at(), By: "ana", Body: 1})
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			for range each { // one of many is made, whoever looks
				err := s.Change(t.Context(), func(tx *store.Tx) error {
					_, waits, err := tx.Waiting(t.Context(), "s", "look")
					if err != nil || waits {
						return err
					}
					_, _, err = tx.Enqueue(t.Context(), store.Job{Key: fmt.Sprintf("%p %d", s, time.Now().UnixNano()), Kind: "look", Subject: "s", Input: []byte("{}"), Made: at()})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := count(t, all[0]); n != 6*each {
		t.Errorf("the chain has %d entries, want %d", n, 6*each)
	}
	jobs, err := all[0].Jobs(t.Context(), store.JobFilter{}, 10)
	if err != nil || len(jobs) != 1 {
		t.Errorf("%d jobs wait (%v), want 1", len(jobs), err)
	}
}

// TestClaimedOnce has many claim at once: each job begins once, and one at a time of a
// subject.
func TestClaimedOnce(t *testing.T) {
	pgtest.Need(t)
	all := several(t, 3)
	const subjects, each = 5, 12
	err := all[0].Change(t.Context(), func(tx *store.Tx) error {
		for n := range subjects * each {
			_, _, err := tx.Enqueue(t.Context(), store.Job{Key: strconv.Itoa(n), Kind: "ship", Subject: strconv.Itoa(n % subjects), Input: []byte("{}"), Made: at()})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		if _, err := s.Join(t.Context(), store.Process{ID: fmt.Sprint("p", i), Name: "p"}); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	begun, running := map[string]int{}, map[string]bool{}
	var wg sync.WaitGroup
	for _, s := range all {
		for range 2 {
			wg.Go(func() {
				for {
					mu.Lock()
					done := len(begun) == subjects*each
					mu.Unlock()
					if done {
						return
					}
					j, ok, err := claimed(t.Context(), s, ships, at(), false)
					if err != nil {
						t.Error(err)
						return
					}
					if !ok {
						continue
					}
					mu.Lock()
					begun[j.Key]++
					if running[j.Subject] {
						t.Errorf("two jobs of %s run at once", j.Subject)
					}
					running[j.Subject] = true
					mu.Unlock()
					mu.Lock()
					running[j.Subject] = false
					mu.Unlock()
					err = s.Change(t.Context(), func(tx *store.Tx) error {
						if err := tx.Ours(t.Context(), j); err != nil {
							return err
						}
						return tx.EndJob(t.Context(), j.ID, store.JobDone, nil, at())
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	for key, n := range begun {
		if n != 1 {
			t.Errorf("job %s was begun %d times", key, n)
		}
	}
}

// TestEventsInOrder: whoever has seen an event never finds another below it later.
func TestEventsInOrder(t *testing.T) {
	pgtest.Need(t)
	all := several(t, 2)
	const writers, each = 6, 25
	var writing sync.WaitGroup
	for w := range writers {
		s := all[w%2]
		writing.Go(func() {
			for n := range each {
				err := s.Change(t.Context(), func(tx *store.Tx) error {
					if err := tx.Tell(t.Context(), store.Event{Kind: "x", Subject: fmt.Sprint(w, "/", n)}); err != nil {
						return err
					}
					_, _, err := tx.Enqueue(t.Context(), store.Job{Key: fmt.Sprint(w, "/", n), Kind: "k", Subject: strconv.Itoa(w), Input: []byte("{}"), Made: at()})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[string]bool{}
	f := store.EventFilter{}
	for len(seen) < writers*each && !t.Failed() {
		events, err := all[0].Events(t.Context(), f, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			f.After, seen[e.Subject] = e.ID, true
		}
		if len(events) == 0 && t.Context().Err() != nil {
			break
		}
	}
	writing.Wait()
}

// TestTakenOver: what a lost process had under way another one gets, at once, and the
// lost one changes nothing more if it comes back.
func TestTakenOver(t *testing.T) {
	pgtest.Need(t)
	all := several(t, 2)
	ctx := t.Context()
	lost, alive := all[0], all[1]
	for i, s := range all {
		if taken, err := s.Join(ctx, store.Process{ID: fmt.Sprint("p", i), Name: fmt.Sprint("server ", i), Holder: fmt.Sprint("holder", i)}); err != nil || taken.Jobs != 0 {
			t.Fatalf("join: %+v, %v", taken, err)
		}
	}
	leads := func(want bool) {
		t.Helper()
		if got, err := alive.Leads(ctx); err != nil || got != want {
			t.Errorf("the second one leads: %t (%v), want %t", got, err, want)
		}
	}
	leads(false)
	change(t, lost, func(tx *store.Tx) error {
		_, _, err := tx.Enqueue(ctx, store.Job{Key: "k", Kind: "ship", Subject: "s", Input: []byte("{}"), Made: at()})
		return err
	})
	first, ok, err := claimed(ctx, lost, ships, at(), false)
	if err != nil || !ok {
		t.Fatal(err)
	}
	if _, err := lost.Ledger(at).Acquire(ctx, subject(), ledger.Holder{ID: "holder0"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := claimed(ctx, alive, ships, at(), false); ok || err != nil {
		t.Fatalf("a job that runs was claimed (%v)", err)
	}
	if taken, err := alive.TakeOver(ctx, time.Hour); err != nil || len(taken.Processes) != 0 {
		t.Errorf("taken from one that lives: %+v, %v", taken, err)
	}
	alive.MustExecute(t, "UPDATE process SET beat = beat - 60000 WHERE id = 'p0'")
	taken, err := alive.TakeOver(ctx, 30*time.Second)
	if err != nil || taken.Jobs != 1 || len(taken.Processes) != 1 || taken.Processes[0].Name != "server 0" {
		t.Fatalf("taken over: %+v, %v", taken, err)
	}
	leads(true)
	if _, err := alive.Ledger(at).Acquire(ctx, subject(), ledger.Holder{ID: "holder1"}, time.Hour); err != nil {
		t.Errorf("the lease of the lost one: %v", err)
	}
	second, ok, err := claimed(ctx, alive, ships, at(), false)
	if err != nil || !ok || second.ID != first.ID || second.Attempt != 2 {
		t.Fatalf("claimed again: %+v, %t, %v", second, ok, err)
	}
	wantError(t, lost.Beat(ctx), slipway.Conflict, "server 0 was taken for lost, and others do its jobs", "copy of one data folder")
	err = lost.Change(ctx, func(tx *store.Tx) error {
		if err := tx.Ours(ctx, first); err != nil {
			return err
		}
		return tx.EndJob(ctx, first.ID, store.JobFailed, nil, at())
	})
	wantError(t, err, slipway.Conflict, "the job k is not done here any more", "")
	if err := alive.Beat(ctx); err != nil {
		t.Error(err)
	}
	// Begun again, it is one of them again; and a job of an earlier life waits at once.
	if taken, err := alive.Join(ctx, store.Process{ID: "p1", Name: "again"}); err != nil || taken.Jobs != 1 {
		t.Errorf("joined again: %+v, %v", taken, err)
	}
	if err := alive.Leave(ctx); err != nil {
		t.Error(err)
	}
	if left, err := alive.Processes(ctx); err != nil || len(left) != 0 {
		t.Errorf("after all left: %+v, %v", left, err)
	}
}

// TestNews: others hear at once of what is new, and by themselves nobody.
// TestParting: of a process it is known how it came to its end, for a while.
func TestParting(t *testing.T) {
	pgtest.Need(t)
	all := several(t, 3)
	ctx := t.Context()
	for i, s := range all {
		if _, err := s.Join(ctx, store.Process{ID: fmt.Sprint("p", i), Role: store.RoleWorker, Name: fmt.Sprint("worker ", i), Labels: []string{"gpu", "arm", "gpu"}, Capacity: 2}); err != nil {
			t.Fatal(err)
		}
	}
	seen := func(want ...store.ProcessState) {
		t.Helper()
		ps, err := all[0].Seen(ctx, time.Hour)
		got := map[string]store.ProcessState{}
		for _, p := range ps {
			got[p.ID] = p.State
			if strings.Join(p.Labels, " ") != "arm gpu" || p.Capacity != 2 || p.Beat.IsZero() || p.Gone.IsZero() != (p.State == store.ProcessAlive || p.State == store.ProcessDraining) {
				t.Errorf("%s is %+v", p.ID, p)
			}
		}
		wanted := map[string]store.ProcessState{}
		for i, state := range want {
			if state != "" {
				wanted[fmt.Sprint("p", i)] = state
			}
		}
		if diff := cmp.Diff(wanted, got); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	}
	seen("alive", "alive", "alive")
	if err := all[1].Drain(ctx); err != nil {
		t.Fatal(err)
	}
	seen("alive", "draining", "alive")
	if err := all[1].Leave(ctx); err != nil {
		t.Fatal(err)
	}
	all[0].MustExecute(t, "UPDATE process SET beat = 1 WHERE id = 'p2'")
	if _, err := all[0].TakeOver(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
	seen("alive", "left", "lost")
	if _, err := all[2].Join(ctx, store.Process{ID: "p1", Labels: []string{"arm", "gpu"}, Capacity: 2}); err != nil {
		t.Fatal(err)
	}
	seen("alive", "alive", "lost")
	all[0].MustExecute(t, "UPDATE process SET gone = gone - 7200000 WHERE id = 'p2'")
	seen("alive", "alive", "")
}

func TestNews(t *testing.T) {
	pgtest.Need(t)
	all := several(t, 2)
	rung := make(chan int, 100)
	for i, s := range all {
		go s.Listen(t.Context(), func(topic store.Topic) {
			if topic == store.Work {
				rung <- i
			}
		})
	}
	for range all {
		<-rung // as each begins to listen
	}
	change(t, all[0], func(tx *store.Tx) error { return tx.Tell(t.Context(), store.Event{Kind: "x"}) })
	if got := <-rung; got != 1 {
		t.Errorf("store %d heard it", got)
	}
	pgtest.Execute(t, all[0].URL(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid != pg_backend_pid()")
	heard := map[int]bool{}
	for len(heard) < 2 { // they come back, and may have missed something
		heard[<-rung] = true
	}
}

func TestSetting(t *testing.T) { onBoth(t, testSetting) }

func testSetting(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	for _, offered := range []string{"first", "second"} {
		if got, err := s.Setting(t.Context(), "id", offered); err != nil || got != "first" {
			t.Errorf("offered %s it is %q, %v", offered, got, err)
		}
	}
}

// TestUncertainCommit cuts the connection while it commits: whether the word arrived or
// not, the change is made once, and whoever made it knows.
func TestUncertainCommit(t *testing.T) {
	pgtest.Need(t)
	for name, arrives := range map[string]bool{"the word arrives": true, "the word is lost": false} {
		t.Run(name, func(t *testing.T) {
			way, at := pgtest.Through(t, pgtest.New(t))
			s := open(t, at)
			for round := range int64(3) {
				way.CutAt("commit", arrives, nil)
				calls := 0
				err := s.Change(t.Context(), func(tx *store.Tx) error {
					calls++
					_, err := tx.Append(t.Context(), draft(round))
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				if want := map[bool]int{true: 1, false: 2}[arrives]; calls != want {
					t.Errorf("it was done %d times, want %d", calls, want)
				}
			}
			if way.Hits() != 3 || count(t, s) != 3 {
				t.Errorf("%d commits were cut and there are %d entries, want 3 and 3", way.Hits(), count(t, s))
			}
		})
	}
}

// TestNumberGivenAgain ends the database while it commits, at a moment when the number
// of the transaction is on no disk: the next one has the same number. That this one was
// committed says nothing of the first. Where the database wrote the number down by itself
// just before, it is known that the first was lost, and it is done again.
func TestNumberGivenAgain(t *testing.T) {
	server := pgtest.Start(t)
	direct := server.New(t)
	way, through := pgtest.Through(t, direct)
	s := open(t, through)
	pgtest.Execute(t, direct, "CREATE TABLE other (n INTEGER)")
	pgtest.Execute(t, direct, "ALTER SYSTEM SET wal_writer_delay = '10s'") // it writes by itself that often
	pgtest.Execute(t, direct, "SELECT pg_reload_conf()")
	again := 0
	for round := int64(0); ; round++ {
		way.CutAt("commit", false, func() {
			server.Halt("QUIT")
			if err := server.Run(); err != nil {
				t.Error(err)
			}
			for range 5 { // one of them has the number
				pgtest.Execute(t, direct, "INSERT INTO other VALUES (1)")
			}
		})
		err := s.Change(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Append(t.Context(), draft(round))
			return err
		})
		if err == nil {
			again++
		}
		if n := count(t, s); way.Hits() != int(round)+1 || n != again {
			t.Fatalf("after %d cuts there are %d entries, want %d", way.Hits(), n, again)
		}
		if err != nil || round == 20 {
			wantError(t, err, slipway.Unavailable, "nobody knows whether the change was made", "look before you do it again")
			return
		}
	}
}

// TestFrozen: a process that stands still in the middle of a change keeps no other from
// going on for long, not even from taking over what it had; and it does it again.
func TestFrozen(t *testing.T) {
	pgtest.Need(t)
	t.Parallel()
	all := several(t, 2)
	frozen, goesOn := make(chan struct{}), make(chan struct{})
	calls := 0
	ended := make(chan error)
	go func() {
		ended <- all[0].Change(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.AppendLast(t.Context(), draft(0)); err != nil {
				return err
			}
			if calls++; calls == 1 {
				close(frozen)
				<-goesOn
			}
			return nil
		})
	}()
	<-frozen
	began := time.Now()
	err := all[1].Change(t.Context(), func(tx *store.Tx) error { // which waits for the same place in the chain
		_, err := tx.AppendLast(t.Context(), draft(1))
		return err
	})
	if took := time.Since(began); err != nil || took > 40*time.Second {
		t.Errorf("after %s: %v", took, err)
	}
	close(goesOn)
	if err := <-ended; err != nil || calls < 2 || count(t, all[1]) != 2 {
		t.Errorf("the frozen one was called %d times (%v), and there are %d entries", calls, err, count(t, all[1]))
	}
}

// TestHangUp: where what is said is swallowed, whoever waits for an answer can be told
// that there is none, and goes on when the way is free again.
func TestHangUp(t *testing.T) {
	pgtest.Need(t)
	way, at := pgtest.Through(t, pgtest.New(t))
	s := open(t, at)
	said := make(chan struct{})
	way.CutAt("now()", true, func() { // the change asks for its time, and hears nothing more
		way.Swallow()
		close(said)
		<-t.Context().Done()
	})
	answered := make(chan error, 1)
	go func() {
		_, err := s.Setting(t.Context(), "id", "first")
		answered <- err
	}()
	<-said
	select {
	case err := <-answered:
		t.Fatalf("it is answered, with %v", err)
	default:
	}
	s.HangUp()
	way.Heal()
	if err := <-answered; err != nil {
		t.Errorf("it does not do it again: %v", err)
	}
}

// TestRestarted ends the database again and again while others write.
func TestRestarted(t *testing.T) {
	server := pgtest.Start(t)
	s, err := store.Open(t.Context(), server.New(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan int64)
	go func() {
		var n int64
		for ctx.Err() == nil {
			if _, err := s.Ledger(at).Append(ctx, draft(n)); err != nil {
				if ctx.Err() == nil && slipway.KindOf(err) != slipway.Unavailable {
					t.Error(err)
				}
				continue // the same id again
			}
			n++
		}
		written <- n
	}()
	for _, signal := range []string{"INT", "QUIT", "KILL"} {
		server.Halt(signal)
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Setting(t.Context(), signal, "x"); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if n, there := <-written, int64(count(t, s)); there != n && there != n+1 { // the last one may have been cut short
		t.Errorf("%d were written and there are %d", n, there)
	}
}
