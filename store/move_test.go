package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// furnished is a data folder with something in every corner, and the server stopped.
func furnished(t *testing.T) (file string) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "slipway.db")
	s, err := store.Open(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	signer, err := tree.OpenSigner(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := book{s, signer}
	b.write(t, 5)
	b.all(t)
	b.append(t, "shop") // which waits for its place in the tree
	issue(t, s, at())
	ctx := t.Context()
	if err := s.Refused(ctx, access.Refusal{Who: "eve\x00\xff", Time: at()}); err != nil {
		t.Fatal(err)
	}
	change(t, s, func(tx *store.Tx) error {
		for _, key := range []string{"a", "b", "c"} {
			if _, _, err := tx.Enqueue(ctx, store.Job{Key: key, Kind: "ship", Subject: key, Input: []byte(`{"a":1}`), Made: at()}); err != nil {
				return err
			}
		}
		pull := store.PullRequest{Forge: "home", Repository: "r", Number: 7, Open: true, Head: "x", Facts: []byte("{}"), Looked: at()}
		return errors.Join(tx.Tell(ctx, store.Event{Kind: "x", Subject: "s", Time: at()}), tx.PutPullRequest(ctx, pull),
			tx.PutWatch(ctx, store.Watch{App: "a", Environment: "e", Failing: true, Since: at()}))
	})
	execute(t, s, "DELETE FROM job WHERE id = 3") // its number is not given again
	execute(t, s, "UPDATE job SET state = 'running' WHERE id = 1")
	say(t, s, store.Job{ID: 1}, 0, "hello \xff\x00")
	execute(t, s, "UPDATE job SET state = 'waiting'")
	writeLog(t, filepath.Dir(dir), 1, "once\n")
	return file
}

func TestMove(t *testing.T) {
	pgtest.Need(t)
	file, url := furnished(t), pgtest.New(t)
	dir := filepath.Dir(file)
	before := open(t, file)
	want := insides(t, before)
	m, err := store.Move(t.Context(), file, url, dir, "id")
	if err != nil || m.Again || m.Report.Entries != 12 || m.Report.Head.Size != 10 || m.Rows["job"] != 2 || m.Rows["ledger"] != 12 {
		t.Fatalf("moved %+v, %v", m, err)
	}
	s := open(t, url)
	if diff := cmp.Diff(want, insides(t, s)); diff != "" {
		t.Errorf("what is there (-before +after):\n%s", diff)
	}
	if got := logOf(t, s, 1); got != "once\nhello \xff\x00" {
		t.Errorf("the log of the first job is %q", got)
	}
	signer, err := s.Signer(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	b := book{s, signer}
	b.append(t, "traffic")
	b.all(t)
	if r := b.verify(t, m.Head); r.Err() != nil || r.Head.Size != 13 {
		t.Errorf("it goes on: %+v", r)
	}
	change(t, s, func(tx *store.Tx) error {
		j, _, err := tx.Enqueue(t.Context(), store.Job{Key: "d", Kind: "ship", Subject: "d", Input: []byte("{}"), Made: at()})
		if j.ID != 4 {
			t.Errorf("the next job is number %d, want 4", j.ID)
		}
		return err
	})
	// Another server needs the same key, and the old file says where everything is.
	_, err = s.Signer(t.Context(), t.TempDir())
	wantError(t, err, slipway.Unavailable, "is signed with a key that is not in", "copy ledger.key")
	_, err = store.Open(t.Context(), file, nil)
	wantError(t, err, slipway.Conflict, "was moved to postgres://postgres@", "--database")
	_, err = store.OpenReadOnly(t.Context(), file)
	wantError(t, err, slipway.Conflict, "was moved to postgres://postgres@", "--database")
	if m, err := store.Move(t.Context(), file, url, dir, "id"); err != nil || !m.Again {
		t.Errorf("moved again: %+v, %v", m, err)
	}
	_, err = store.Move(t.Context(), furnished(t), url, dir, "another")
	wantError(t, err, slipway.Conflict, "there is something in postgres://postgres@", "name a database that is empty")
	_, err = store.Move(t.Context(), file, "sqlite:x", dir, "id")
	wantError(t, err, slipway.Invalid, "sqlite:x is not the URL", "postgres://")
}

// insides are what a server sees of a database.
func insides(t *testing.T, s *store.Store) []any {
	t.Helper()
	ctx := t.Context()
	jobs, err1 := s.Jobs(ctx, store.JobFilter{}, 100)
	events, err2 := s.Events(ctx, store.EventFilter{}, 100)
	pull, _, err3 := s.PullRequest(ctx, "home", "r", 7)
	tokens, err4 := s.Tokens(ctx, "")
	watch, _, err5 := s.Watch(ctx, "a", "e")
	head, err6 := s.SignedHead(ctx)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		t.Fatal(err)
	}
	return []any{jobs, events, pull, tokens, watch, head, strings.TrimPrefix(logOf(t, s, 1), "once\n")}
}

// What cannot be moved is left as it is.
func TestNotMoved(t *testing.T) {
	pgtest.Need(t)
	file, url := furnished(t), pgtest.New(t)
	s := open(t, file)
	j, ok, err := claimed(t.Context(), s, ships, at(), false)
	if err != nil || !ok {
		t.Fatal(err)
	}
	_, err = store.Move(t.Context(), file, url, filepath.Dir(file), "id")
	wantError(t, err, slipway.Busy, "1 jobs were under way when the server was stopped", "--drain")
	change(t, s, func(tx *store.Tx) error { return tx.EndJob(t.Context(), j.ID, store.JobDone, nil, at()) })
	execute(t, s, "UPDATE ledger SET writer = 'eve' WHERE number = 2")
	_, err = store.Move(t.Context(), file, url, filepath.Dir(file), "id")
	wantError(t, err, slipway.Conflict, "the ledger was changed behind Slipway's back", "")
	to := open(t, url)
	if jobs, err := to.Jobs(t.Context(), store.JobFilter{}, 10); err != nil || len(jobs) != 0 {
		t.Errorf("%d jobs were moved all the same, %v", len(jobs), err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// TestMoveCutShort cuts it short at many moments, and calls it again: what is there in
// the end is there once.
func TestMoveCutShort(t *testing.T) {
	pgtest.Need(t)
	file, url := furnished(t), pgtest.New(t)
	want := insides(t, open(t, file))
	for n := 1; ; n++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*20*time.Millisecond)
		_, err := store.Move(ctx, file, url, filepath.Dir(file), "id")
		cancel()
		if err == nil {
			break
		}
	}
	if diff := cmp.Diff(want, insides(t, open(t, url))); diff != "" {
		t.Errorf("what is there (-before +after):\n%s", diff)
	}
}

// TestMovedTables: every table is moved but those that are of a process or of the database.
func TestMovedTables(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "slipway.db"))
	rows, err := s.Query(t.Context(), "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(store.MovedTables(), any(name)) && !slices.Contains([]string{"schema_version", "process", "setting", "probe", "probe_space"}, name) {
			t.Errorf("the table %s is not moved", name)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
