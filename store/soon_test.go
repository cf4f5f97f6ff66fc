package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/store"
)

// TestChangeSoon: what is not waited for is there for everybody, and whoever changes
// something after it waits for the disk again, even when a change was cut short.
func TestChangeSoon(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "slipway.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	level := func() (n int) {
		if err := s.Writer().QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const full = 2
	now := time.UnixMilli(1_000)
	for _, key := range []string{"a", "b"} {
		err := s.ChangeSoon(t.Context(), func(tx *store.Tx) error {
			_, _, err := tx.Enqueue(t.Context(), store.Job{Key: key, Kind: "look", Subject: "s", Input: []byte("{}"), Made: now})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := level(); got != full {
		t.Errorf("the next change does not wait for the disk: level %d", got)
	}
	cut, cancel := context.WithCancel(t.Context())
	err = s.ChangeSoon(cut, func(*store.Tx) error {
		cancel()
		return cut.Err()
	})
	if err == nil || level() != full {
		t.Errorf("after a change that was cut short (%v) the level is %d", err, level())
	}
	j, ok, err := claimed(t.Context(), s, looks, now, true)
	if err != nil || !ok || j.Key != "a" || j.Attempt != 1 {
		t.Errorf("claimed %+v, %t, %v; want the job a", j, ok, err)
	}
	if _, ok, err := claimed(t.Context(), s, looks, now, false); err != nil || ok {
		t.Errorf("a second job of the subject was claimed (%v)", err)
	}
	if _, ok, err := claimed(t.Context(), s, store.Wanted{}, now, false); err != nil || ok {
		t.Errorf("a job of no kind was claimed (%v)", err)
	}
}

// TestClaimInTurn: jobs begin in the order in which they were due, so that one that
// was put off has its turn.
func TestClaimInTurn(t *testing.T) { onBoth(t, testClaimInTurn) }

func testClaimInTurn(t *testing.T) {
	t.Helper()
	s, err := store.Open(t.Context(), place(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := func(ms int64) time.Time { return time.UnixMilli(ms) }
	add := func(key string, made, due int64) {
		err := s.Change(t.Context(), func(tx *store.Tx) error {
			_, _, err := tx.Enqueue(t.Context(), store.Job{Key: key, Kind: "look", Subject: key, Input: []byte("{}"), Made: at(made), Due: at(due)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	add("later", 1, 50)
	add("first", 2, 0)
	add("second", 60, 0)
	var order []string
	for _, now := range []int64{40, 40, 100, 100, 100} {
		j, ok, err := claimed(t.Context(), s, looks, at(now), false)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			order = append(order, j.Key)
		} else {
			order = append(order, "none")
		}
	}
	want := []string{"first", "none", "later", "second", "none"}
	for i := range want {
		if order[i] != want[i] {
			t.Fatalf("claimed %q, want %q", order, want)
		}
	}
}
