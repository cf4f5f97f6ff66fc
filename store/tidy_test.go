package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// tidied tidies to the end, without a rest, and returns what is gone.
func tidied(t testing.TB, s *store.Store, k store.Keep) map[string]int64 {
	t.Helper()
	gone, err := s.Tidy(t.Context(), k, func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for table, n := range gone {
		if n == 0 {
			delete(gone, table)
		}
	}
	return gone
}

// TestTidy: each table loses what is old, and nothing else.
func TestTidy(t *testing.T) { onBoth(t, testTidy) }

func testTidy(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	const day = 24 * time.Hour
	for i, age := range []time.Duration{400 * day, 40 * day, 10 * day} {
		aged(t, s, int64(i+1), at().Add(-age))
	}
	change(t, s, func(tx *store.Tx) error { // of a pull request that is still open
		return tx.PutPullRequest(t.Context(), store.PullRequest{Forge: "hub", Repository: "acme/a", Number: 4, Open: true, Head: "head1", Looked: at().Add(-400 * day)})
	})
	k := store.Keep{
		Now: at(), Jobs: 30 * day, Logs: 5 * day, Closed: 365 * day, Events: 2, Sessions: access.Limits{Idle: 20 * day, Session: 50 * day},
	}
	want := map[string]int64{
		"event": 1, "job": 2, "job_log": 3, "watched_run": 2, "delivery": 2, "comment": 2, "session": 2, "token": 1, "delegation": 1,
		"pull_request": 1, "check_result": 1, "refusal": 2, "pending": 1,
	}
	before := entries(t, s)
	got := tidied(t, s, k)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if again := tidied(t, s, k); len(again) > 0 {
		t.Errorf("the second time it deletes %v", again)
	}
	if after := entries(t, s); before == 0 || after != before {
		t.Errorf("the ledger had %d entries, and has %d", before, after)
	}
}

// aged fills each table with what happened at a moment.
func aged(t *testing.T, s *store.Store, n int64, when time.Time) {
	t.Helper()
	ctx, name := t.Context(), strconv.FormatInt(n, 10)
	j := begun(t, s, name, "", 1)
	say(t, s, j, 0, "hello\n")
	change(t, s, func(tx *store.Tx) error {
		_, heard := tx.Hear(ctx, "hub", name, "push", when)
		_, saw := tx.SeeRun(ctx, "a", "prod", name, when)
		_, said := tx.HearComment(ctx, store.Comment{Forge: "hub", Repository: "acme/a", ID: name, Number: 1, Made: when, Heard: when})
		head := "head" + name
		return errors.Join(heard, saw, said,
			tx.EndJob(ctx, j.ID, store.JobDone, nil, when),
			tx.Tell(ctx, store.Event{Kind: "x", Subject: "s", Time: when, Body: json.RawMessage("{}")}),
			tx.AddToken(ctx, access.Token{ID: name, Name: name, Owner: "ana", Hash: name, Created: when, Expires: when.Add(time.Hour)}),
			tx.AddDelegation(ctx, access.Delegation{ID: name, From: "ana", By: "ana", To: "mara", Until: when.Add(time.Hour), Made: when}),
			tx.PutPullRequest(ctx, store.PullRequest{Forge: "hub", Repository: "acme/a", Number: int(n), Head: head, Looked: when}),
			tx.PutCheckResults(ctx, "hub", "acme/a", head, "a", j.ID, []slipway.CheckResult{}, ""),
		)
	})
	err := errors.Join(
		s.AddSession(ctx, access.Session{Hash: name, Person: "ana", Made: when, Used: when}),
		s.Refused(ctx, access.Refusal{Time: when, Who: "mallory", Do: access.Deploy, On: "a"}),
		s.ChainRefusals(ctx, when.Add(time.Hour)),
		s.Begin(ctx, "sign-in", name, "x", when, when.Add(time.Minute)),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// entries is how many the ledger has.
func entries(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	l := s.Ledger(at)
	subjects, err := l.Subjects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range subjects {
		all, err := l.Entries(t.Context(), sub, 0)
		if err != nil {
			t.Fatal(err)
		}
		n += len(all)
	}
	return n
}

// TestTidyInSteps: much is deleted in several changes, between which others write; one
// that is cut short goes on where it was.
func TestTidyInSteps(t *testing.T) { onBoth(t, testTidyInSteps) }

func testTidyInSteps(t *testing.T) {
	t.Helper()
	s := open(t, place(t))
	const many = 1200
	change(t, s, func(tx *store.Tx) error {
		for i := range many {
			if _, err := tx.Hear(t.Context(), "hub", strconv.Itoa(i), "push", at()); err != nil {
				return err
			}
		}
		return nil
	})
	k := store.Keep{Now: at().Add(time.Hour)}
	cut := errors.New("cut")
	first, err := s.Tidy(t.Context(), k, func(context.Context) error {
		change(t, s, func(tx *store.Tx) error { //nolint:contextcheck // it has the test's. It would wait for ever within a change
			return tx.Tell(t.Context(), store.Event{Kind: "x", Time: at(), Body: json.RawMessage("{}")})
		})
		if left(t, s) < many { //nolint:contextcheck // as above
			return cut
		}
		return nil
	})
	if !errors.Is(err, cut) || first["delivery"] == 0 || first["delivery"] >= many {
		t.Fatalf("cut short it has deleted %v, %v", first, err)
	}
	if second := tidied(t, s, k); first["delivery"]+second["delivery"] != many {
		t.Errorf("deleted %d and then %d of %d", first["delivery"], second["delivery"], many)
	}
}

// left is how many webhooks are known.
func left(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	rows, err := s.Query(t.Context(), "SELECT count(*) FROM delivery")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}
