package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/ledgertest"
	"github.com/slipway-cd/slipway/store"
)

func at() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// A clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t *testing.T, file string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openReadOnly(t *testing.T, file string) *store.Store {
	t.Helper()
	s, err := store.OpenReadOnly(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestLedger(t *testing.T) { onBoth(t, testLedger) }

func testLedger(t *testing.T) {
	t.Helper()
	ledgertest.Run(t, func(t *testing.T) ledgertest.Kit {
		file := place(t)
		c := &clock{now: at()}
		s := open(t, file)
		behind := func(t *testing.T, query string, args ...any) {
			t.Helper()
			if n := execute(t, s, query, args...); n != 1 {
				t.Fatalf("%d rows changed, want 1", n)
			}
		}
		return ledgertest.Kit{
			Ledger: s.Ledger(c.Now), Leaser: s.Ledger(c.Now),
			Reopen: func(t *testing.T) (ledger.Ledger, ledger.Leaser) {
				l := open(t, file).Ledger(c.Now)
				return l, l
			},
			Replace: func(t *testing.T, e ledger.Entry) {
				behind(t, "UPDATE ledger SET prev=?, id=?, kind=?, time=?, writer=?, body=?, hash=? WHERE app=? AND environment=? AND number=?",
					string(e.Prev), e.ID, e.Kind, e.Time.Format(time.RFC3339Nano), e.By, string(e.Body), string(e.Hash), e.App, e.Environment, e.Number)
			},
			Remove: func(t *testing.T, s ledger.Subject, number int64) {
				behind(t, "DELETE FROM ledger WHERE app=? AND environment=? AND number=?", s.App, s.Environment, number)
			},
			Advance: c.Advance,
		}
	})
}

func execute(t *testing.T, db *store.Store, query string, args ...any) int64 {
	t.Helper()
	r, err := db.Execute(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func subject() ledger.Subject { return ledger.Subject{App: "traffic", Environment: "local"} }

func draft(after int64) ledger.Draft {
	return ledger.Draft{Subject: subject(), After: after, ID: fmt.Sprint("id-", after), Kind: "deployment.started", Time: at(), By: "ann@laptop", Body: after}
}

func add(t *testing.T, s *store.Store, n int64) {
	t.Helper()
	for after := range n {
		if _, err := s.Ledger(at).Append(t.Context(), draft(after)); err != nil {
			t.Fatal(err)
		}
	}
}

func count(t *testing.T, s *store.Store) int {
	t.Helper()
	entries, err := s.Ledger(at).Entries(t.Context(), subject(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func wantError(t *testing.T, err error, kind slipway.Kind, text, fix string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", text)
	}
	if slipway.KindOf(err) != kind || !strings.Contains(err.Error(), text) || !strings.Contains(slipway.FixOf(err), fix) {
		t.Errorf("got an error of kind %s: %q (%q)\nwant kind %s: %q (%q)", slipway.KindOf(err), err, slipway.FixOf(err), kind, text, fix)
	}
}

func TestCloseAndOpenAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a folder", "100% of #1?.db")
	for round := range int64(3) {
		s, err := store.Open(t.Context(), file, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Ledger(at).Append(t.Context(), draft(round)); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, openReadOnly(t, file)); n != 3 {
		t.Errorf("there are %d entries, want 3", n)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the file has another name: %v", err)
	}
}

func TestOpenAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slipway.db")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), file, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	add(t, open(t, file), 2)
}

func TestPrepare(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slipway.db")
	fault := errors.New("no tables for you")
	_, err := store.Open(t.Context(), file, func(*store.Store) error { return fault })
	if !errors.Is(err, fault) {
		t.Errorf("Open gives %v", err)
	}
	s, err := store.Open(t.Context(), file, func(s *store.Store) error {
		_, err := s.Writer().ExecContext(t.Context(), "CREATE TABLE mine (a INTEGER)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := map[string]string{}
	for _, name := range []string{"synchronous", "journal_mode", "foreign_keys", "busy_timeout"} {
		var v string
		if err := s.Writer().QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&v); err != nil {
			t.Fatal(err)
		}
		got[name] = v
	}
	want := map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "10000"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestReadWhileSomebodyWrites(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slipway.db")
	w := open(t, file)
	r := openReadOnly(t, file)
	if n := count(t, r); n != 0 {
		t.Errorf("there are %d entries, want none", n)
	}
	add(t, w, 2)
	if n := count(t, r); n != 2 {
		t.Errorf("there are %d entries, want 2", n)
	}
	tx, err := w.Writer().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "DELETE FROM ledger"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, r); n != 2 {
		t.Errorf("there are %d entries in the middle of a transaction, want 2", n)
	}
}

func TestReadOnlyDoesNotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slipway.db")
	add(t, open(t, file), 1)
	r := openReadOnly(t, file)
	if r.Writer() != nil {
		t.Error("a store opened for reading has a writer")
	}
	_, err := r.Ledger(at).Append(t.Context(), draft(1))
	wantError(t, err, slipway.Internal, "the database was opened for reading", "")
	_, err = r.Ledger(at).Acquire(t.Context(), subject(), ledger.Holder{ID: "a"}, time.Minute)
	wantError(t, err, slipway.Internal, "the database was opened for reading", "")
}

// The files that SQLite keeps beside a database may be gone: a backup without
// them, or a writer that closed in order.
func TestReadWithoutTheFilesBeside(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "slipway.db")
	s, err := store.Open(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.RemoveAll(file + end); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, openReadOnly(t, file)); n != 2 {
		t.Errorf("there are %d entries, want 2", n)
	}
	add(t, open(t, file), 3)
}

func TestNothingToRead(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "slipway.db")
	empty := filepath.Join(t.TempDir(), "slipway.db")
	write(t, empty, "")
	half := filepath.Join(t.TempDir(), "slipway.db")
	s := open(t, half)
	execute(t, s, "DELETE FROM schema_version WHERE version_id > 0")
	between := filepath.Join(t.TempDir(), "slipway.db")
	execute(t, open(t, between), "DELETE FROM schema_version WHERE version_id > 1")
	for name, file := range map[string]string{"no file": missing, "an empty file": empty, "no table yet": half, "some tables": between} {
		t.Run(name, func(t *testing.T) {
			_, err := store.OpenReadOnly(t.Context(), file)
			wantError(t, err, slipway.NotFound, "nothing was shipped from here yet: there is no "+file, "")
		})
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A process may die while a new file is given its journal. What it had begun only
// a writer can undo, and who reads finds that nothing was shipped yet.
func TestNothingToReadYet(t *testing.T) {
	begun := filepath.Join(t.TempDir(), "slipway.db")
	db, err := sql.Open("sqlite", begun)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, query := range []string{
		"CREATE TABLE t (x)", "PRAGMA cache_size = 1", "BEGIN",
		"INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT randomblob(1000) FROM n",
	} {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "slipway.db")
	for _, end := range []string{"", "-journal"} {
		data, err := os.ReadFile(begun + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file+end, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = store.OpenReadOnly(t.Context(), file)
	wantError(t, err, slipway.NotFound, "nothing was shipped from here yet: there is no "+file, "")
	open(t, file)
	openReadOnly(t, file)
}

func TestDamaged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slipway.db")
	write(t, file, strings.Repeat("this is no database\n", 500))
	text := file + " is damaged: file is not a database"
	const fix = "move it away and restore it from a backup; for the environment local a new one may simply be made"
	_, err := store.OpenReadOnly(t.Context(), file)
	wantError(t, err, slipway.Unavailable, text, fix)
	_, err = store.Open(t.Context(), file, nil)
	wantError(t, err, slipway.Unavailable, text, fix)
}

func TestDamagedInTheMiddle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slipway.db")
	s, err := store.Open(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, 200)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(data); i++ {
		data[i] = 0xff // all but the first page, which names the tables
	}
	write(t, file, string(data))
	_, err = store.OpenReadOnly(t.Context(), file)
	wantError(t, err, slipway.Unavailable, file+" is damaged: ", "restore it from a backup")
}

// TestBetweenTwoMigrations: whoever reads while another process makes the tables, or after
// it was killed there, finds nothing yet.
func TestBetweenTwoMigrations(t *testing.T) {
	onBoth(t, func(t *testing.T) {
		at := place(t)
		s := open(t, at)
		execute(t, s, "DELETE FROM schema_version WHERE version_id > 1")
		_, err := store.OpenReadOnly(t.Context(), at)
		wantError(t, err, slipway.NotFound, "nothing was shipped from here yet", "")
	})
}

func TestOtherVersions(t *testing.T) {
	old := filepath.Join(t.TempDir(), "slipway.db")
	s := open(t, old)
	add(t, s, 1)
	execute(t, s, "DELETE FROM schema_version WHERE version_id > 1")
	_, err := store.OpenReadOnly(t.Context(), old)
	wantError(t, err, slipway.Unavailable, old+" was written by an older Slipway", "any command that changes something, such as slipway ship, brings it up to date")
	file := filepath.Join(t.TempDir(), "slipway.db")
	s = open(t, file)
	add(t, s, 1)
	execute(t, s, "INSERT INTO schema_version (version_id, is_applied) VALUES (1000, 1)")
	_, err = store.OpenReadOnly(t.Context(), file)
	wantError(t, err, slipway.Unavailable, file+" was written by a newer Slipway than this one", "use that version, or a newer one")
	_, err = store.Open(t.Context(), file, nil)
	wantError(t, err, slipway.Unavailable, file+" was written by a newer Slipway than this one", "use that version, or a newer one")
}

func TestLeaseThatCannotBeRead(t *testing.T) { onBoth(t, testLeaseThatCannotBeRead) }

func testLeaseThatCannotBeRead(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	execute(t, s, "INSERT INTO lease VALUES ('traffic', 'local', '{', '', '')")
	_, err := s.Ledger(at).Acquire(t.Context(), subject(), ledger.Holder{ID: "a"}, time.Minute)
	wantError(t, err, slipway.Internal, "the lease on traffic in local cannot be read: ", "")
}

func TestCancelled(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "slipway.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Ledger(at).Append(ctx, draft(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("Append gives %v", err)
	}
	if n := count(t, s); n != 0 {
		t.Errorf("there are %d entries, want none", n)
	}
}

func TestTheEntryBeforeIsMissing(t *testing.T) { onBoth(t, testTheEntryBeforeIsMissing) }

func testTheEntryBeforeIsMissing(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	add(t, s, 3)
	execute(t, s, "DELETE FROM ledger WHERE number = 2")
	_, err := s.Ledger(at).Entries(t.Context(), subject(), 2)
	wantError(t, err, slipway.Conflict, "the ledger of traffic in local is broken at entry 2: it is missing, and 3 stands in its place", "backup")
}
