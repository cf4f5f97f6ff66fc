package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/store/pgtest"
)

// TestWentBack restores a ledger to an earlier moment, and holds it against what was
// signed since.
func TestWentBack(t *testing.T) {
	pgtest.Need(t)
	of := sharedSite(t)
	s := open(t, of.Database)
	signer, err := s.Signer(t.Context(), filepath.Join(of.Data, "state"))
	if err != nil {
		t.Fatal(err)
	}
	b := book{s, signer}
	b.all(t)
	data, _ := backUpSite(t, of)
	first := tree.Sighting{Head: b.note(t), Time: at()}
	b.write(t, 2)
	b.all(t)
	lost := tree.Sighting{Head: b.note(t), Time: at().Add(time.Minute)}
	for name, to := range map[string]store.Site{
		"SQLite":     {Data: filepath.Join(t.TempDir(), "data")},
		"PostgreSQL": {Data: filepath.Join(t.TempDir(), "data"), Database: pgtest.New(t)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := store.Restore(t.Context(), bytes.NewReader(data), to, ""); err != nil {
				t.Fatal(err)
			}
			where := to.Database
			if where == "" {
				where = filepath.Join(to.Data, "state", store.FileName)
			}
			testWentBack(t, book{open(t, where), signer}, first, lost)
		})
	}
}

func testWentBack(t *testing.T, b book, first, lost tree.Sighting) {
	t.Helper()
	ctx, public := t.Context(), b.signer.Public
	if h, err := b.Recall(ctx, first, public); err != nil || h.Size != 12 {
		t.Errorf("what is there still: %+v, %v", h, err)
	}
	h, err := b.Recall(ctx, lost, public)
	wantError(t, err, slipway.Conflict, "the ledger went back: a head over 16 entries was signed, and ", "slipway ledger accept")
	if !errors.Is(err, store.ErrBack) {
		t.Errorf("got %v", err)
	}
	b.write(t, 1)
	refused := func() {
		t.Helper()
		_, err := tree.Sequencer{Keeper: b.Store, Signer: b.signer, After: h}.All(ctx)
		wantError(t, err, slipway.Conflict, "the ledger went back: ", "")
	}
	refused()
	b.append(t, "shop")
	b.append(t, "shop")
	b.append(t, "shop")
	b.all(t) // somebody who saw nothing goes on another way
	b.append(t, "shop")
	refused()
	_, err = b.Recall(ctx, lost, public)
	wantError(t, err, slipway.Conflict, "the ledger went back: a head over 16 entries was signed, and the first 16 in ", "slipway ledger accept")
	if when, err := b.Accepted(ctx); err != nil || !when.IsZero() {
		t.Errorf("accepted at %s, %v", when, err)
	}

	ended, err := b.Accept(ctx, store.Acceptance{By: "mara", Why: "a disk was lost", Time: at().Add(time.Hour), Lost: lost.Head})
	if err != nil || len(ended) != 2 || ended[0].State != store.JobCancelled || ended[0].Stop != "the database was restored to an earlier moment: a disk was lost" {
		t.Errorf("ended %+v, %v", ended, err)
	}
	if h, err := b.Recall(ctx, lost, public); err != nil || h.Size != 0 {
		t.Errorf("what was given up: %+v, %v", h, err)
	}
	lost.Time = at().Add(2 * time.Hour)
	if _, err := b.Recall(ctx, lost, public); !errors.Is(err, store.ErrBack) {
		t.Errorf("what was seen since: %v", err)
	}
	_, err = b.Recall(ctx, tree.Sighting{Head: "slipway.dev/ledger\n1\n", Time: at()}, public)
	wantError(t, err, slipway.Invalid, "the head is not signed by slipway+", "")
	b.all(t)
	if r := b.verify(t, first.Head); r.Err() != nil {
		t.Errorf("the ledger: %v", r.Err())
	}
}

func TestSightingDamaged(t *testing.T) {
	dir := t.TempDir()
	if x, err := tree.ReadSighting(dir); err != nil || x.Head != "" {
		t.Errorf("none: %+v, %v", x, err)
	}
	if err := os.WriteFile(filepath.Join(dir, tree.SeenFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := tree.ReadSighting(dir)
	wantError(t, err, slipway.Unavailable, "ledger.seen cannot be read: unexpected end of JSON input", "slipway ledger verify --head")
}
