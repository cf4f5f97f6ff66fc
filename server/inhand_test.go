package server

import (
	"testing"

	"github.com/slipway-cd/slipway/store"
)

// TestPutBack: a job that runs here for all that the database knows, and that nobody has
// in hand, waits again; one that is in hand, or that somebody may be about to take, does
// not.
func TestPutBack(t *testing.T) {
	w := newWorld(t)
	s, _ := w.idle(t)
	var claimed []store.Job
	for _, key := range []string{"forgotten", "in hand"} {
		err := s.store.Change(t.Context(), func(tx *store.Tx) error {
			_, _, err := tx.Enqueue(t.Context(), store.Job{Kind: jobPush, Subject: key, Key: key, Made: s.Clock(), Placement: store.Placement{Pool: poolWork}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		j, ok, err := claimedIn(t.Context(), s.store, s.wanted(poolWork), s.Clock(), false)
		if err != nil || !ok || j.Key != key {
			t.Fatalf("claimed was %+v, %v", j, err)
		}
		claimed = append(claimed, j)
	}
	s.under(claimed[1].ID, func(error) {})
	end := s.claims.begin() // which may have claimed it
	var seen forgotten
	want := func(state store.JobState, why string) {
		t.Helper()
		var err error
		if seen, err = s.putBackOnce(t.Context(), seen); err != nil {
			t.Fatal(err)
		}
		for i, want := range []store.JobState{state, store.JobRunning} {
			if j, _, err := s.store.Job(t.Context(), claimed[i].ID); err != nil || j.State != want {
				t.Errorf("%s: the job %s is %s (%v), want %s", why, j.Key, j.State, err, want)
			}
		}
	}
	want(store.JobRunning, "seen once")
	want(store.JobRunning, "seen twice, and somebody claims")
	end()
	want(store.JobWaiting, "nobody claims any more")
}
