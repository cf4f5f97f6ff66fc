package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// sharedSite is a server over PostgreSQL with something in every corner.
func sharedSite(t *testing.T) store.Site {
	t.Helper()
	file, url := furnished(t), pgtest.New(t)
	data := t.TempDir()
	state := filepath.Join(data, "state")
	if err := os.Rename(filepath.Dir(file), state); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Move(t.Context(), filepath.Join(state, "slipway.db"), url, state, "the-id"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, store.ServerID), []byte("another of them\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return store.Site{Data: data, Database: url}
}

func backUpSite(t *testing.T, of store.Site) ([]byte, store.Contents) {
	t.Helper()
	var b bytes.Buffer
	c, err := store.BackUp(t.Context(), of, &b, at(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), c
}

// What is backed up of PostgreSQL is restored to a file, and to PostgreSQL, and goes on
// there with the numbers that come next.
func TestBackUpOfPostgreSQL(t *testing.T) {
	pgtest.Need(t)
	of := sharedSite(t)
	want := insides(t, open(t, of.Database))
	data, c := backUpSite(t, of)
	if c.Entries != 12 || c.Database != "state/slipway.db" || c.Public == "" || c.Report.Head.Size != 10 || !c.Holds(tree.KeyFile) {
		t.Errorf("contents %+v", c)
	}
	for name, to := range map[string]store.Site{
		"a file":            {Data: filepath.Join(t.TempDir(), "data")},
		"PostgreSQL":        {Data: filepath.Join(t.TempDir(), "data"), Database: pgtest.New(t)},
		"PostgreSQL, again": {Data: of.Data, Database: pgtest.New(t)},
	} {
		got, err := store.Restore(t.Context(), bytes.NewReader(data), to, c.Head)
		if err != nil || got.Entries != 12 || got.Head != c.Head || got.Folder != (to.Data != of.Data) {
			t.Fatalf("%s: %+v, %v", name, got, err)
		}
		where := to.Database
		if where == "" {
			where = filepath.Join(to.Data, "state", "slipway.db")
			if id := read(t, filepath.Join(to.Data, "state", store.ServerID)); id != "the-id\n" {
				t.Errorf("%s: its id is %q", name, id)
			}
		} else if _, err := os.Stat(filepath.Join(to.Data, "state", "slipway.db")); err == nil {
			t.Errorf("%s: the file is there too", name)
		}
		s := open(t, where)
		if diff := cmp.Diff(want, insides(t, s)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
		signer, err := s.Signer(t.Context(), filepath.Join(to.Data, "state"))
		if err != nil {
			t.Fatal(err)
		}
		b := book{s, signer}
		b.append(t, "traffic")
		b.all(t)
		if r := b.verify(t, c.Head); r.Err() != nil || r.Head.Size != 13 {
			t.Errorf("%s: it does not go on: %+v", name, r)
		}
		change(t, s, func(tx *store.Tx) error {
			j, _, err := tx.Enqueue(t.Context(), store.Job{Key: "d", Kind: "ship", Subject: "d", Input: []byte("{}"), Made: at()})
			if j.ID != 4 {
				t.Errorf("%s: the next job is number %d, want 4", name, j.ID)
			}
			return err
		})
		again, _ := backUpSite(t, store.Site{Data: to.Data, Database: to.Database})
		if _, err := store.Restore(t.Context(), bytes.NewReader(again), store.Site{Data: filepath.Join(t.TempDir(), "data")}, b.note(t)); err != nil {
			t.Errorf("%s: backed up again: %v", name, err)
		}
	}
}

func TestBackUpOfPostgreSQLRefused(t *testing.T) {
	pgtest.Need(t)
	of := sharedSite(t)
	data, c := backUpSite(t, of)
	fresh := filepath.Join(t.TempDir(), "data")
	_, err := store.Restore(t.Context(), bytes.NewReader(data), store.Site{Data: fresh, Database: of.Database}, "")
	wantError(t, err, slipway.Conflict, "there is something in postgres://postgres@", "name a database that is empty")
	empty := pgtest.New(t)
	_, err = store.Restore(t.Context(), bytes.NewReader(data[:len(data)/2]), store.Site{Data: fresh, Database: empty}, "")
	wantError(t, err, slipway.Invalid, "the backup is damaged: ", "nothing was restored")
	if rest, _ := os.ReadDir(filepath.Dir(fresh)); len(rest) > 0 {
		t.Errorf("left behind: %v", rest)
	}
	s := open(t, of.Database)
	execute(t, s, "UPDATE ledger SET writer = 'eve' WHERE number = 2")
	_, err = store.BackUp(t.Context(), of, &bytes.Buffer{}, at(), "v1")
	wantError(t, err, slipway.Conflict, "the ledger was changed behind Slipway's back", "")
	_, err = store.BackUp(t.Context(), store.Site{Data: t.TempDir(), Database: empty}, &bytes.Buffer{}, at(), "v1")
	if err != nil {
		t.Errorf("an empty database: %v", err)
	}
	if c.Head == "" {
		t.Error("it was never signed")
	}
}
