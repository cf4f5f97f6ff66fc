package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/store"
)

// TestProbes: what somebody measures with is kept in chains of its own, shows that
// something was changed, and is gone with its space, with what still waits.
func TestProbes(t *testing.T) { onBoth(t, testProbes) }

func testProbes(t *testing.T) {
	t.Parallel()
	s := open(t, place(t))
	now := time.UnixMilli(1_800_000_000_000).UTC()
	change := func(fn func(*store.Tx) error) {
		t.Helper()
		if err := s.Change(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	add := func(space string, chain, job int64) (kept bool) {
		t.Helper()
		change(func(tx *store.Tx) (err error) {
			kept, err = tx.AddProbe(t.Context(), space, store.Probe{Chain: chain, Job: job, Asked: now, Began: now.Add(2 * time.Millisecond), Decided: now.Add(5 * time.Millisecond), Process: "a"})
			return err
		})
		return kept
	}
	if add("one", 1, 1) {
		t.Error("a probe was kept of which nobody knows")
	}
	for _, space := range []string{"one", "two"} {
		change(func(tx *store.Tx) error { return tx.OpenProbes(t.Context(), space, "mara", now) })
		for i := range int64(3) {
			change(func(tx *store.Tx) error {
				_, _, err := tx.Enqueue(t.Context(), store.Job{Key: fmt.Sprint(space, i), Kind: "probe", Subject: fmt.Sprintf("probe/%s/%d", space, i), Made: now})
				return err
			})
			add(space, i/2, i)
		}
	}
	all, err := s.Probes(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range all {
		got = append(got, fmt.Sprintf("%d/%d of job %d after %s and %s", p.Chain, p.Number, p.Job, p.Began.Sub(p.Asked), p.Decided.Sub(p.Asked)))
	}
	if diff := cmp.Diff([]string{"0/1 of job 0 after 2ms and 5ms", "0/2 of job 1 after 2ms and 5ms", "1/1 of job 2 after 2ms and 5ms"}, got); diff != "" {
		t.Error(diff)
	}
	for name, broken := range map[string]func([]store.Probe) []store.Probe{
		"changed": func(p []store.Probe) []store.Probe { p[1].Decided = now; return p },
		"missing": func(p []store.Probe) []store.Probe { return p[1:] },
		"twice":   func(p []store.Probe) []store.Probe { return append(p, p[2]) },
	} {
		if n := store.BrokenProbes(broken(append([]store.Probe(nil), all...))); n != 1 {
			t.Errorf("%s: %d are broken", name, n)
		}
	}
	if n := store.BrokenProbes(all); n != 0 {
		t.Errorf("%d are broken", n)
	}
	change(func(tx *store.Tx) error {
		n, err := tx.DropProbes(t.Context(), "one", "probe", "probe/one")
		if n != 3 {
			t.Errorf("%d were dropped", n)
		}
		return err
	})
	for below, want := range map[string]int64{"probe/one": 0, "probe/two": 3, "probe": 3} {
		if n, err := s.OpenJobs(t.Context(), "probe", below); err != nil || n != want {
			t.Errorf("%d are open below %s, want %d (%v)", n, below, want, err)
		}
	}
	for before, want := range map[time.Time][]string{now: {}, now.Add(time.Second): {"two"}} {
		if old, err := s.OldProbes(t.Context(), before); err != nil || !cmp.Equal(want, old) {
			t.Errorf("made before %s: %v, want %v (%v)", before, old, want, err)
		}
	}
	if n, err := s.CountProbes(t.Context(), "two"); err != nil || n != 3 {
		t.Errorf("%d are there (%v)", n, err)
	}
}
