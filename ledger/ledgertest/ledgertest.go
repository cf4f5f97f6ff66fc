// Package ledgertest holds ledgers and leasers to their contract: those in a
// database and those in an artifact repository make the same promise. Call Run.
package ledgertest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// A Kit is an empty ledger with its leaser, and hands on what they keep.
type Kit struct {
	Ledger ledger.Ledger
	Leaser ledger.Leaser

	// Reopen opens both once more over the same storage, as another process
	// would, while the first are in use.
	Reopen func(t *testing.T) (ledger.Ledger, ledger.Leaser)

	// Replace puts e in the place of the entry with its subject and number, as
	// it stands, and Remove takes an entry away, both behind the ledger's back.
	Replace func(t *testing.T, e ledger.Entry)
	Remove  func(t *testing.T, s ledger.Subject, number int64)

	// Advance moves the clock that leases are judged by.
	Advance func(d time.Duration)
}

// Run holds the kits that open makes to the contract.
func Run(t *testing.T, open func(t *testing.T) Kit) {
	tests := []struct {
		name string
		test func(t *testing.T, k Kit)
	}{
		{"what was appended is read, in order", appendAndRead},
		{"a subject without entries has none", noEntries},
		{"subjects are apart from each other", subjects},
		{"an id is appended once", sameID},
		{"an id is appended once by many at once", sameIDAtOnce},
		{"a chain that moved on is a conflict", conflict},
		{"a draft must be whole", badDraft},
		{"two writers never fork the chain or lose an entry", twoWriters},
		{"another process sees all and goes on", restart},
		{"a changed entry is found", changed},
		{"a changed entry with a new hash is found", rehashed},
		{"a missing entry is found", missing},
		{"a lease is one holder's", exclusive},
		{"a lease goes to one of many at once", exclusiveAtOnce},
		{"a lease is renewed", renew},
		{"a lease ends by itself", expire},
		{"a lease is released", release},
		{"a lease that is somebody else's is not released", foreignRelease},
		{"a lease outlives the process", leaseRestart},
		{"a lease must be whole", badLease},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

func staging() ledger.Subject {
	return ledger.Subject{App: "traffic-etl", Environment: "staging"}
}

func draft(after int64, id string) ledger.Draft {
	return ledger.Draft{
		Subject: staging(), After: after, ID: id, Kind: "deployment.started",
		Time: time.Date(2026, 11, 22, 12, 3, 10, 123456789, time.FixedZone("", 3600)), By: "ann@laptop",
		Body:       map[string]any{"version": "v1.2.0", "note": "<&>\u2028é", "workers": 10, "from": nil},
		Statements: []slipway.Digest{slipway.DigestOf([]byte(id)), slipway.DigestOf([]byte("another"))},
	}
}

func mustAppend(t *testing.T, l ledger.Ledger, after int64, id string) ledger.Entry {
	t.Helper()
	e, err := l.Append(t.Context(), draft(after, id))
	if err != nil {
		t.Fatalf("append %s: %v", id, err)
	}
	return e
}

func mustRead(t *testing.T, l ledger.Ledger, after int64) []ledger.Entry {
	t.Helper()
	entries, err := l.Entries(t.Context(), staging(), after)
	if err != nil {
		t.Fatalf("entries after %d: %v", after, err)
	}
	return entries
}

func appendAndRead(t *testing.T, k Kit) {
	var want []ledger.Entry
	for i := range 12 {
		e := mustAppend(t, k.Ledger, int64(i), fmt.Sprintf("id-%d", i))
		if e.Number != int64(i+1) || e.Subject != staging() || e.ID != fmt.Sprintf("id-%d", i) || e.By != "ann@laptop" {
			t.Errorf("Append gives %+v", e)
		}
		want = append(want, e)
	}
	if body := `{"from":null,"note":"<&>` + "\u2028" + `é","version":"v1.2.0","workers":10}`; string(want[0].Body) != body {
		t.Errorf("the body is %s, want %s", want[0].Body, body)
	}
	if at := time.Date(2026, 11, 22, 11, 3, 10, 123456000, time.UTC); want[0].Time != at {
		t.Errorf("the time is %s, want %s", want[0].Time, at)
	}
	if err := ledger.Verify(staging(), ledger.Entry{}, want); err != nil {
		t.Error(err)
	}
	for _, after := range []int64{0, 1, 9, 11, 12, 99} {
		got := mustRead(t, k.Ledger, after)
		if diff := cmp.Diff(want[min(after, 12):], got, emptyIsNil()); diff != "" {
			t.Errorf("Entries after %d (-want +got):\n%s", after, diff)
		}
	}
}

func emptyIsNil() cmp.Option {
	return cmp.FilterValues(func(a, b []ledger.Entry) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())
}

func noEntries(t *testing.T, k Kit) {
	if got := mustRead(t, k.Ledger, 0); len(got) != 0 {
		t.Errorf("Entries gives %v", got)
	}
	if got := mustRead(t, k.Ledger, 5); len(got) != 0 {
		t.Errorf("Entries after 5 gives %v", got)
	}
	if got, err := k.Ledger.Subjects(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("Subjects gives %v, %v", got, err)
	}
}

func subjects(t *testing.T, k Kit) {
	want := []ledger.Subject{
		{App: "a", Environment: "dev"},
		{App: "a", Environment: "dev-2"},
		{App: "a", Environment: "prod"},
		{App: "a-b", Environment: "dev"},
		{App: "b", Environment: "dev"},
	}
	for _, i := range []int{3, 0, 4, 2, 1} {
		for n := range int64(3) {
			d := draft(n, fmt.Sprintf("id-%d", n))
			d.Subject = want[i]
			if _, err := k.Ledger.Append(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	reopened, _ := k.Reopen(t)
	for _, l := range []ledger.Ledger{k.Ledger, reopened} {
		got, err := l.Subjects(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Subjects (-want +got):\n%s", diff)
		}
		entries, err := l.Entries(t.Context(), want[2], 1)
		if err != nil || len(entries) != 2 || entries[0].Subject != want[2] {
			t.Errorf("Entries of %s gives %v, %v", want[2], entries, err)
		}
	}
}

func sameID(t *testing.T, k Kit) {
	first := mustAppend(t, k.Ledger, 0, "one")
	mustAppend(t, k.Ledger, 1, "two")
	reopened, _ := k.Reopen(t)
	for _, l := range []ledger.Ledger{k.Ledger, reopened} {
		for _, after := range []int64{0, 1, 2, 7} {
			d := draft(after, "one")
			d.Time, d.Body = d.Time.Add(time.Hour), "said otherwise"
			got, err := l.Append(t.Context(), d)
			if err != nil {
				t.Fatalf("after %d: %v", after, err)
			}
			if diff := cmp.Diff(first, got); diff != "" {
				t.Errorf("after %d (-first +got):\n%s", after, diff)
			}
		}
	}
	if got := mustRead(t, k.Ledger, 0); len(got) != 2 {
		t.Errorf("there are %d entries, want 2", len(got))
	}
}

func sameIDAtOnce(t *testing.T, k Kit) {
	second, _ := k.Reopen(t)
	handles := []ledger.Ledger{k.Ledger, second}
	const writers = 10
	entries := make([]ledger.Entry, writers)
	atOnce(t, writers, func(i int) (err error) {
		d := draft(0, "the same")
		d.Time = d.Time.Add(time.Duration(i) * time.Hour)
		entries[i], err = handles[i%2].Append(t.Context(), d)
		return err
	})
	for i, e := range entries {
		if diff := cmp.Diff(entries[0], e); diff != "" {
			t.Errorf("writers 0 and %d got different entries (-0 +%d):\n%s", i, i, diff)
		}
	}
	if got := mustRead(t, k.Ledger, 0); len(got) != 1 {
		t.Errorf("there are %d entries, want 1", len(got))
	}
}

func conflict(t *testing.T, k Kit) {
	other, _ := k.Reopen(t)
	mustAppend(t, k.Ledger, 0, "one")
	mustRead(t, other, 0)
	mustAppend(t, k.Ledger, 1, "two")
	for _, l := range []ledger.Ledger{k.Ledger, other} {
		_, err := l.Append(t.Context(), draft(1, "three"))
		wantError(t, err, slipway.Conflict, "the ledger of traffic-etl in staging has moved on to entry 2: deployment.started by ann@laptop at 2026-11-22T11:03:10Z")
		_, err = l.Append(t.Context(), draft(5, "three"))
		wantError(t, err, slipway.Conflict, "the ledger of traffic-etl in staging ends at entry 2 and has no entry 5 to follow")
		if got := mustRead(t, l, 0); len(got) != 2 {
			t.Errorf("there are %d entries, want 2", len(got))
		}
	}
	mustAppend(t, other, 2, "three")
}

func badDraft(t *testing.T, k Kit) {
	for _, change := range []func(d *ledger.Draft){
		func(d *ledger.Draft) { d.App = "" },
		func(d *ledger.Draft) { d.Environment = "" },
		func(d *ledger.Draft) { d.ID = "" },
		func(d *ledger.Draft) { d.Kind = "" },
		func(d *ledger.Draft) { d.Body = json.RawMessage(`{"a":1,"a":2}`) },
	} {
		d := draft(0, "x")
		change(&d)
		_, err := k.Ledger.Append(t.Context(), d)
		wantError(t, err, slipway.Invalid, "")
	}
	if got, err := k.Ledger.Subjects(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("Subjects gives %v, %v", got, err)
	}
}

// twoWriters has many goroutines on two handles append as fast as they can, each
// behind the head it has just read.
func twoWriters(t *testing.T, k Kit) {
	const writers, each = 8, 6
	second, _ := k.Reopen(t)
	handles := []ledger.Ledger{k.Ledger, second}
	atOnce(t, writers, func(w int) error {
		for i := 0; i < each; {
			l := handles[w%2]
			seen, err := l.Entries(t.Context(), staging(), 0)
			if err != nil {
				return err
			}
			_, err = l.Append(t.Context(), draft(int64(len(seen)), fmt.Sprintf("writer %d entry %d", w, i)))
			switch {
			case err == nil:
				i++
			case slipway.KindOf(err) != slipway.Conflict:
				return err
			}
		}
		return nil
	})
	third, _ := k.Reopen(t)
	want := mustRead(t, third, 0)
	ids := map[string]bool{}
	for _, e := range want {
		ids[e.ID] = true
	}
	if len(want) != writers*each || len(ids) != writers*each {
		t.Errorf("there are %d entries with %d ids, want %d", len(want), len(ids), writers*each)
	}
	for _, l := range handles {
		if diff := cmp.Diff(want, mustRead(t, l, 0)); diff != "" {
			t.Errorf("two handles see two histories:\n%s", diff)
		}
	}
}

func restart(t *testing.T, k Kit) {
	mustAppend(t, k.Ledger, 0, "one")
	mustAppend(t, k.Ledger, 1, "two")
	again, _ := k.Reopen(t)
	if diff := cmp.Diff(mustRead(t, k.Ledger, 0), mustRead(t, again, 0)); diff != "" {
		t.Errorf("Entries (-before +after):\n%s", diff)
	}
	third := mustAppend(t, again, 2, "three")
	if diff := cmp.Diff([]ledger.Entry{third}, mustRead(t, k.Ledger, 2)); diff != "" {
		t.Errorf("the first handle sees (-want +got):\n%s", diff)
	}
}

func changed(t *testing.T, k Kit) {
	e := threeEntries(t, k)[1]
	e.Body = json.RawMessage(`{"version":"v6.6.6"}`)
	k.Replace(t, e)
	wantBroken(t, k, 0, "the ledger of traffic-etl in staging is broken at entry 2: it was changed: its hash is "+string(e.Hash))
}

func rehashed(t *testing.T, k Kit) {
	e := threeEntries(t, k)[1]
	e.By = "mallory"
	var err error
	if e.Hash, err = ledger.Hash(e); err != nil {
		t.Fatal(err)
	}
	k.Replace(t, e)
	const want = "the ledger of traffic-etl in staging is broken at entry 3: it follows an entry with the hash sha256:"
	wantBroken(t, k, 0, want)
	wantBroken(t, k, 2, want)
}

func missing(t *testing.T, k Kit) {
	threeEntries(t, k)
	k.Remove(t, staging(), 2)
	wantBroken(t, k, 0, "the ledger of traffic-etl in staging is broken at entry 2: it is missing")
	k.Remove(t, staging(), 1)
	wantBroken(t, k, 0, "the ledger of traffic-etl in staging is broken at entry 1: it is missing")
}

func threeEntries(t *testing.T, k Kit) []ledger.Entry {
	t.Helper()
	for i, id := range []string{"one", "two", "three"} {
		mustAppend(t, k.Ledger, int64(i), id)
	}
	return mustRead(t, k.Ledger, 0)
}

func wantBroken(t *testing.T, k Kit, after int64, want string) {
	t.Helper()
	reopened, _ := k.Reopen(t)
	_, err := reopened.Entries(t.Context(), staging(), after)
	wantError(t, err, slipway.Conflict, want)
}

func wantError(t *testing.T, err error, kind slipway.Kind, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error, want one of kind %s: %s", kind, want)
	case slipway.KindOf(err) != kind || !strings.Contains(err.Error(), want):
		t.Errorf("got an error of kind %s, %q; want kind %s and %q", slipway.KindOf(err), err, kind, want)
	}
}

// atOnce calls f from n goroutines that start together; none may fail.
func atOnce(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-begin
			errs[i] = f(i)
		})
	}
	close(begin)
	wg.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		t.Fatalf("goroutine %d: %v", i, errs[i])
	}
}
