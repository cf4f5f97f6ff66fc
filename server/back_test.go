package server

import (
	"context"
	"database/sql" //nolint:depguard // a test tampers with what package store keeps
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
)

// sealed waits until everything in the ledger is under a head that was seen, and returns
// how much that is.
func sealed(t *testing.T, s *Server, least int64) int64 {
	t.Helper()
	var size int64
	eventually(t, s, "a head over the ledger", func() bool {
		h, err := s.store.SignedHead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen, err := tree.ReadSighting(s.stateFolder())
		if err != nil {
			t.Fatal(err)
		}
		size = h.Size
		return size >= least && seen.Head == h.Note
	})
	return size
}

// tampered does something to a server's database behind its back.
func tampered(t *testing.T, file, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(60000)") // the driver comes with package store
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// wentBack is a world whose server's database was brought back from before the last
// commit was shipped.
func wentBack(t *testing.T) (w *world, c Config) {
	t.Helper()
	w = newWorld(t)
	w.place = inFolder // which the test copies
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	s, stop := w.serving(t)
	untilJobs(t, s, jobShip, 1)
	before := sealed(t, s, 3)
	stop()
	file, kept := filepath.Join(w.dir, "data", "state", store.FileName), filepath.Join(t.TempDir(), "kept")
	tampered(t, file, "VACUUM INTO ?", kept)
	w.push(t, "hello", with(hello, map[string]string{"hello.py": "print('again')\n"}))
	s, stop = w.serving(t)
	untilJobs(t, s, jobShip, 2)
	sealed(t, s, before+3)
	stop()
	if err := s.announce(t.Context()); err != nil { // a server that ends has only so much time for it
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(file + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.Rename(kept, file); err != nil {
		t.Fatal(err)
	}
	return w, w.config(t)
}

// TestLedgerWentBack: over a database that was restored to an earlier moment no server
// starts, until somebody says that it is to. It does nothing again then.
func TestLedgerWentBack(t *testing.T) {
	w, c := wentBack(t)
	refused := func() {
		t.Helper()
		s, err := New(t.Context(), c)
		if err == nil {
			_ = s.Close()
		}
		wantBack(t, err)
	}
	refused()
	accept(t, c)
	s, stop := w.serving(t)
	all := untilJobs(t, s, jobPush, 2)
	if last := all[len(all)-1]; last.State != store.JobDone {
		t.Errorf("the push ended %s: %s", last.State, last.Outcome)
	}
	if ships, err := s.store.Jobs(t.Context(), store.JobFilter{Kinds: []string{jobShip}}, 10); err != nil || len(ships) != 1 {
		t.Errorf("%d ships, %v: what was shipped since is shipped again", len(ships), err)
	}
	w.push(t, "hello", with(hello, map[string]string{"hello.py": "print('once more')\n"}))
	if all := untilJobs(t, s, jobShip, 2); all[1].State != store.JobDone {
		t.Errorf("the next one ended %s: %s", all[1].State, all[1].Outcome)
	}
	sealed(t, s, 7)
	e, err := s.store.Ledger(time.Now).Entries(t.Context(), ledger.Subject{App: "@server", Environment: "@access"}, 0)
	if err != nil || len(e) != 1 || e[0].Kind != store.LedgerAccepted || e[0].By != "mara" {
		t.Errorf("the ledger says %+v, %v", e, err)
	}
	stop()
	w.servingWith(t, c)
}

// TestLedgerWentBackWithItsFolder: a server whose own folder was lost too finds what the repositories know.
func TestLedgerWentBackWithItsFolder(t *testing.T) {
	_, c := wentBack(t)
	if err := os.Remove(filepath.Join(c.Folder, "state", tree.SeenFile)); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), c)
	if err == nil {
		_ = s.Close()
	}
	wantBack(t, err)
	if want := "the head of the ledger in the repository of "; err == nil || err.Error()[:len(want)] != want {
		t.Errorf("got %v", err)
	}
}

// TestLedgerGoesBack: a server that is at work when the database goes back ends.
func TestLedgerGoesBack(t *testing.T) {
	w := newWorld(t)
	w.place = inFolder // whose tables the test alters
	w.repository(t, "hello")
	w.push(t, "hello", hello)
	s, err := New(t.Context(), w.config(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	untilJobs(t, s, jobShip, 1)
	sealed(t, s, 3)
	tampered(t, filepath.Join(s.stateFolder(), store.FileName), "DELETE FROM tree_head; DELETE FROM tree_hash; DELETE FROM tree_leaf")
	wantBack(t, <-ended)
}

func wantBack(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrBack) || slipway.KindOf(err) != slipway.Conflict || slipway.FixOf(err) == "" {
		t.Errorf("got %v, want that the ledger went back", err)
	}
}

// accept has servers go on, as slipway ledger accept does.
func accept(t *testing.T, c Config) {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(c.Folder, "state", store.FileName), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Accept(t.Context(), store.Acceptance{By: "mara", Why: "a disk was lost", Time: time.Now()}); err != nil {
		t.Fatal(err)
	}
}
