package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/store"
)

// ships and looks are what the tests' processes take.
var (
	ships = store.Wanted{Kinds: []string{"ship"}}
	looks = store.Wanted{Kinds: []string{"look"}}
)

// claimed begins one job.
func claimed(ctx context.Context, s *store.Store, w store.Wanted, now time.Time, soon bool) (j store.Job, ok bool, err error) {
	all, err := s.Claim(ctx, w, now, soon, 1)
	if len(all) == 0 {
		return j, false, err
	}
	return all[0], true, err
}

// enqueue makes a job of a tenant in the pool "work", on a subject of its own.
func enqueue(t testing.TB, tx *store.Tx, key, tenant string, due time.Time, needs ...string) {
	t.Helper()
	_, _, err := tx.Enqueue(t.Context(), store.Job{
		Key: key, Kind: "ship", Subject: key, Input: []byte("{}"), Made: at(), Due: due,
		Placement: store.Placement{Pool: "work", Tenant: tenant, Needs: needs},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// claims begins so many jobs, and returns their keys; "-" is none.
func claims(t testing.TB, s *store.Store, now time.Time, n int, labels ...string) []string {
	t.Helper()
	var keys []string
	for range n {
		j, ok, err := claimed(t.Context(), s, store.Wanted{Pool: "work", Kinds: []string{"ship"}, Labels: labels}, now, false)
		switch {
		case err != nil:
			t.Fatal(err)
		case ok:
			keys = append(keys, j.Key)
		default:
			keys = append(keys, "-")
		}
	}
	return keys
}

// end ends jobs.
func end(t *testing.T, s *store.Store, keys ...string) {
	t.Helper()
	all, err := s.Jobs(t.Context(), store.JobFilter{States: []store.JobState{store.JobRunning}}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	change(t, s, func(tx *store.Tx) error {
		for _, j := range all {
			if slices.Contains(keys, j.Key) {
				if err := tx.EndJob(t.Context(), j.ID, store.JobDone, nil, at()); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// TestClaimsAtOnce: who claims for several takes jobs of as many tenants, of those of whom
// the fewest run, and of two on one subject only one.
func TestClaimsAtOnce(t *testing.T) { onBoth(t, testClaimsAtOnce) }

func testClaimsAtOnce(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	change(t, s, func(tx *store.Tx) error {
		for i := range 3 {
			enqueue(t, tx, fmt.Sprint("a", i), "a", at())
			enqueue(t, tx, fmt.Sprint("b", i), "b", at())
		}
		for _, tenant := range []string{"c", "d"} {
			_, _, err := tx.Enqueue(t.Context(), store.Job{
				Key: tenant, Kind: "ship", Subject: "one", Input: []byte("{}"), Made: at(), Placement: store.Placement{Pool: "work", Tenant: tenant},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	begun := map[string]bool{}
	for round, want := range []int{2, 1, 2} { // of a and b; c or d, of whom none runs; again of a and b
		jobs, err := s.Claim(t.Context(), store.Wanted{Pool: "work", Kinds: []string{"ship"}}, at(), false, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) != want {
			t.Errorf("in round %d %d jobs are begun, want %d", round, len(jobs), want)
		}
		for _, j := range jobs {
			begun[j.Key] = true
		}
	}
	for _, key := range []string{"a0", "b0", "a1", "b1"} {
		if !begun[key] {
			t.Errorf("begun are %v, and not %s", begun, key)
		}
	}
	if begun["c"] == begun["d"] {
		t.Errorf("begun are %v, of c and d on one subject", begun)
	}
}

// TestFairClaims: a tenant with very many jobs takes no turn from another one, whether
// many work or one.
func TestFairClaims(t *testing.T) { onBoth(t, testFairClaims) }

func testFairClaims(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	change(t, s, func(tx *store.Tx) error {
		for n := range 300 {
			enqueue(t, tx, fmt.Sprintf("flood-%03d", n), "flood", time.Time{})
		}
		return nil
	})
	if diff := cmp.Diff([]string{"flood-000", "flood-001", "flood-002"}, claims(t, s, at(), 3)); diff != "" {
		t.Error(diff)
	}
	change(t, s, func(tx *store.Tx) error {
		for _, tenant := range []string{"a", "z"} {
			enqueue(t, tx, tenant+"-0", tenant, time.Time{})
			enqueue(t, tx, tenant+"-1", tenant, time.Time{})
		}
		return nil
	})
	// Of a and z none runs, so they come first; of each one runs then, of the flood three.
	if diff := cmp.Diff([]string{"z-0", "a-0", "z-1", "a-1", "flood-003"}, claims(t, s, at(), 5)); diff != "" {
		t.Error(diff)
	}
	end(t, s, "flood-000", "flood-001", "flood-002", "flood-003", "a-0", "a-1", "z-0", "z-1")
	// One that works alone takes turns too.
	change(t, s, func(tx *store.Tx) error {
		for n := range 3 {
			enqueue(t, tx, fmt.Sprint("b-", n), "b", time.Time{})
		}
		return nil
	})
	var order []string
	for range 6 {
		one := claims(t, s, at(), 1)
		end(t, s, one...)
		order = append(order, one...)
	}
	if diff := cmp.Diff([]string{"b-0", "flood-004", "b-1", "flood-005", "b-2", "flood-006"}, order); diff != "" {
		t.Error(diff)
	}
}

// TestClaimsByLabels: nobody gets a job that needs a label that they do not have.
func TestClaimsByLabels(t *testing.T) { onBoth(t, testClaimsByLabels) }

func testClaimsByLabels(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	change(t, s, func(tx *store.Tx) error {
		enqueue(t, tx, "both", "t", time.Time{}, "in-vpc", "gpu", "gpu")
		enqueue(t, tx, "gpu", "t", time.Time{}, "gpu")
		enqueue(t, tx, "plain", "t", time.Time{})
		return nil
	})
	if diff := cmp.Diff([]string{"plain", "-"}, claims(t, s, at(), 2)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"-"}, claims(t, s, at(), 1, "in-vpc")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"gpu", "-"}, claims(t, s, at(), 2, "gpu", "arm")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"both", "-"}, claims(t, s, at(), 2, "gpu", "in-vpc")); diff != "" {
		t.Error(diff)
	}
	all, err := s.Jobs(t.Context(), store.JobFilter{}, 10)
	if err != nil || strings.Join(all[2].Needs, " ") != "gpu in-vpc" {
		t.Errorf("the needs are kept as %q, %v", all[2].Needs, err)
	}
	// What turns out to need more than it was known to is handed over.
	const found = `{"runs_on":["tpu"]}`
	change(t, s, func(tx *store.Tx) error {
		return tx.HandOver(t.Context(), all[0].ID, []string{"tpu"}, []byte(found))
	})
	sets, err := s.Needed(t.Context(), "work")
	if diff := cmp.Diff([][]string{{"tpu"}}, sets); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
	if n, oldest, err := s.Queued(t.Context(), "work", []string{"tpu"}); n != 1 || !oldest.Equal(at()) || err != nil {
		t.Errorf("there are %d since %s, %v", n, oldest, err)
	}
	if n, oldest, err := s.Queued(t.Context(), "work", nil); n != 0 || !oldest.IsZero() || err != nil {
		t.Errorf("there are %d since %s, %v", n, oldest, err)
	}
	if diff := cmp.Diff([]string{"-"}, claims(t, s, at(), 1, "gpu", "in-vpc")); diff != "" {
		t.Error(diff)
	}
	marked := store.Wanted{Pool: "work", Kinds: []string{"ship"}, Labels: []string{"tpu"}, Marked: true}
	if j, ok, err := claimed(t.Context(), s, marked, at(), false); !ok || err != nil || j.Key != "plain" || j.Attempt != 2 || string(j.Input) != found {
		t.Errorf("claimed %+v, %t, %v", j, ok, err)
	}
}

// TestLaterClaims: what is put off waits where nobody walks past it, and has its turn
// once it is due.
func TestLaterClaims(t *testing.T) { onBoth(t, testLaterClaims) }

func testLaterClaims(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	change(t, s, func(tx *store.Tx) error {
		for n := range 30 { // of more tenants than a claim looks at
			enqueue(t, tx, fmt.Sprint("later-", n), fmt.Sprint("a", n), at().Add(time.Minute))
		}
		enqueue(t, tx, "now", "z", time.Time{})
		return nil
	})
	if diff := cmp.Diff([]string{"now", "-"}, claims(t, s, at(), 2)); diff != "" {
		t.Error(diff)
	}
	all, err := s.Jobs(t.Context(), store.JobFilter{States: []store.JobState{store.JobRunning}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	change(t, s, func(tx *store.Tx) error { return tx.PutOff(t.Context(), all[0].ID, at().Add(time.Second), nil) })
	if diff := cmp.Diff([]string{"-"}, claims(t, s, at(), 1)); diff != "" {
		t.Error(diff)
	}
	if got := claims(t, s, at().Add(time.Minute), 32); slices.Index(got, "-") != 31 || !slices.Contains(got, "now") {
		t.Errorf("a minute later: %v", got)
	}
}

// TestBlockedTenants: that something runs on all subjects of very many tenants keeps
// nobody from those behind them.
func TestBlockedTenants(t *testing.T) { onBoth(t, testBlockedTenants) }

func testBlockedTenants(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	const many = 20
	put := func(tx *store.Tx, pool, tenant, subject, key string) {
		_, _, err := tx.Enqueue(t.Context(), store.Job{
			Key: key, Kind: "ship", Subject: subject, Input: []byte("{}"), Made: at(), Placement: store.Placement{Pool: pool, Tenant: tenant},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change(t, s, func(tx *store.Tx) error {
		for n := range many {
			put(tx, "other", "x", fmt.Sprint("s", n), fmt.Sprint("other-", n))
			put(tx, "work", fmt.Sprintf("t%02d", n), fmt.Sprint("s", n), fmt.Sprint("blocked-", n))
		}
		put(tx, "work", "z", "free", "free")
		return nil
	})
	for range many {
		if _, ok, err := claimed(t.Context(), s, store.Wanted{Pool: "other", Kinds: []string{"ship"}}, at(), false); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if diff := cmp.Diff([]string{"free", "-"}, claims(t, s, at(), 2)); diff != "" {
		t.Error(diff)
	}
}
