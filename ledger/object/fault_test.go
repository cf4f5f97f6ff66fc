package object_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

var staging = ledger.Subject{App: "traffic-etl", Environment: "staging"}

func at() time.Time { return time.Date(2026, 11, 22, 12, 3, 10, 0, time.UTC) }

func draft(after int64, id string) ledger.Draft {
	return ledger.Draft{Subject: staging, After: after, ID: id, Kind: "deployment.started", Time: at(), By: "ann@laptop", Body: map[string]string{"version": "v1"}}
}

// Whatever call to the repository fails, before its effect or after, calling
// Append again finishes, and the entry is there once.
func TestAppendCalledAgainAfterAnyFault(t *testing.T) {
	lost := slipway.Errorf(slipway.Unavailable, "connection reset")
	for _, method := range []string{"Put", "Open", "List"} {
		for _, when := range []string{"before", "after"} {
			for nth := range int64(4) {
				t.Run(fmt.Sprintf("%s the %d. %s", when, nth+1, method), func(t *testing.T) {
					dir := t.TempDir()
					fill(t, object.New(openFolder(t, dir), at), 3)
					faulty := &repositorytest.Faulty{Repository: openFolder(t, dir)}
					hook := repositorytest.Once(method, nth+1, lost)
					if when == "before" {
						faulty.Before = hook
					} else {
						faulty.After = hook
					}
					l := object.New(faulty, at)
					for try := 0; ; try++ {
						d := draft(3, "mine")
						d.Time = d.Time.Add(time.Duration(try) * time.Second)
						_, err := l.Append(t.Context(), d)
						if err == nil {
							break
						}
						if !errors.Is(err, lost) || try > 0 {
							t.Fatalf("try %d: %v", try, err)
						}
					}
					got, err := object.New(openFolder(t, dir), at).Entries(t.Context(), staging, 0)
					if err != nil || len(got) != 4 || got[3].ID != "mine" {
						t.Errorf("the chain is %v, %v", got, err)
					}
				})
			}
		}
	}
}

func fill(t testing.TB, l *object.Ledger, n int) {
	t.Helper()
	for i := range n {
		if _, err := l.Append(t.Context(), draft(int64(i), fmt.Sprintf("id-%d", i))); err != nil {
			t.Fatal(err)
		}
	}
}

// A lease whose swap acted and failed to answer belongs to its holder when that
// calls again, and to nobody else.
func TestAcquireCalledAgainAfterItActed(t *testing.T) {
	lost := slipway.Errorf(slipway.Unavailable, "connection reset")
	repo := openFolder(t, t.TempDir())
	l := object.New(&repositorytest.Faulty{Repository: repo, After: repositorytest.Once("Swap", 1, lost)}, at)
	ann := ledger.Holder{ID: "ann-1", Who: "ann@laptop", Process: 4711, Doing: "ship v1.2.0"}
	if _, err := l.Acquire(t.Context(), staging, ann, time.Minute); !errors.Is(err, lost) {
		t.Fatalf("got %v, want %v", err, lost)
	}
	bob := ledger.Holder{ID: "bob-1", Who: "bob@ci"}
	if _, err := object.New(repo, at).Acquire(t.Context(), staging, bob, time.Minute); slipway.KindOf(err) != slipway.Busy {
		t.Errorf("bob gets %v, want busy", err)
	}
	if _, err := l.Acquire(t.Context(), staging, ann, time.Minute); err != nil {
		t.Errorf("ann gets %v", err)
	}
}

// The clocks of two machines are hours apart; only the repository's counts.
func TestLeasesDoNotCompareClocks(t *testing.T) {
	clock := newClock()
	dir := t.TempDir()
	open := func(wrong time.Duration) *object.Ledger {
		return object.New(stamped(t, dir, clock), func() time.Time { return clock.Now().Add(wrong) })
	}
	slow, fast := open(-10*time.Hour), open(10*time.Hour)
	ann, bob := ledger.Holder{ID: "a", Who: "ann@slow", Doing: "ship", Process: 7}, ledger.Holder{ID: "b", Who: "bob@fast", Doing: "ship", Process: 8}
	acquire := func(l *object.Ledger, h ledger.Holder) error {
		_, err := l.Acquire(t.Context(), staging, h, time.Minute)
		return err
	}
	if err := acquire(slow, ann); err != nil {
		t.Fatal(err)
	}
	err := acquire(fast, bob)
	want := "staging is being deployed by ann@slow (ship, process 7) since 02:03:10; the lease ends by itself at 22:04:12 if that process died"
	if err == nil || err.Error() != want || slipway.KindOf(err) != slipway.Busy {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	clock.Advance(time.Minute + 2*time.Second)
	if err := acquire(fast, bob); err != nil {
		t.Errorf("after the lease ended: %v", err)
	}
	clock.Advance(time.Minute)
	if err := acquire(slow, ann); slipway.KindOf(err) != slipway.Busy {
		t.Errorf("ann gets %v, want busy", err)
	}
}

// Where the renewal comes between the reading of a lease and its judgement, the
// lease is not taken.
func TestALeaseRenewedMeanwhileIsNotTaken(t *testing.T) {
	clock := newClock()
	dir := t.TempDir()
	ann, bob := ledger.Holder{ID: "a", Who: "ann"}, ledger.Holder{ID: "b", Who: "bob"}
	hers := object.New(stamped(t, dir, clock), clock.Now)
	if _, err := hers.Acquire(t.Context(), staging, ann, time.Minute); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	for _, method := range []string{"Stat", "Swap"} {
		renewed := false
		renew := func(called, _ string) error {
			if called != method || renewed {
				return nil
			}
			renewed = true
			_, err := hers.Acquire(context.Background(), staging, ann, time.Minute)
			return err
		}
		his := object.New(&repositorytest.Faulty{Repository: stamped(t, dir, clock), Before: renew}, clock.Now)
		if _, err := his.Acquire(t.Context(), staging, bob, time.Minute); slipway.KindOf(err) != slipway.Busy {
			t.Errorf("renewed before %s: bob gets %v, want busy", method, err)
		}
		clock.Advance(time.Hour)
	}
}

func TestALeaseThatCannotBeRead(t *testing.T) {
	repo := openFolder(t, t.TempDir())
	if _, err := repo.Swap(t.Context(), "traffic-etl/staging/lease.json", "", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	_, err := object.New(repo, at).Acquire(t.Context(), staging, ledger.Holder{ID: "a"}, time.Minute)
	want := repo.URL() + "/traffic-etl/staging/lease.json is no lease: invalid character 'h' looking for beginning of value"
	if err == nil || err.Error() != want || slipway.FixOf(err) != "delete it, if nobody deploys to staging" {
		t.Errorf("got %v (%s), want %s", err, slipway.FixOf(err), want)
	}
}

// A list that shows an entry and not the one before it, as it may when both
// come while it is made, does not make the chain look broken.
func TestAListWithAHoleIsNoBrokenChain(t *testing.T) {
	dir := t.TempDir()
	fill(t, object.New(openFolder(t, dir), at), 3)
	got, err := object.New(holes{openFolder(t, dir)}, at).Entries(t.Context(), staging, 0)
	if err != nil || len(got) != 3 {
		t.Errorf("got %d entries, %v", len(got), err)
	}
}

// Holes lists every second object only, the last among them.
type holes struct{ repository.Repository }

func (h holes) List(ctx context.Context, prefix, after string) iter.Seq2[repository.Object, error] {
	return func(yield func(repository.Object, error) bool) {
		n := 0
		for o, err := range h.Repository.List(ctx, prefix, after) {
			if n++; n%2 == 1 && !yield(o, err) {
				return
			}
		}
	}
}

func TestEntriesThatAreNone(t *testing.T) {
	tests := []struct{ name, key, data, want string }{
		{"no JSON", "0000000004.json", "hello", "the ledger of traffic-etl in staging is broken at entry 4: it was changed: not a ledger entry: invalid character 'h'"},
		{"far away", "9999999999.json", "{}", "the ledger of traffic-etl in staging is broken at entry 4: it is missing"},
		{"too long", "0000000004.json", strings.Repeat(" ", 5<<20), "the ledger of traffic-etl in staging is broken at entry 4: it is longer than 4194304 bytes"},
		{"something else", "notes.txt", "hello", ""},
		{"a number of another form", "4.json", "hello", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := openFolder(t, t.TempDir())
			fill(t, object.New(repo, at), 3)
			if _, err := repo.Put(t.Context(), "traffic-etl/staging/ledger/"+tt.key, strings.NewReader(tt.data)); err != nil {
				t.Fatal(err)
			}
			got, err := object.New(repo, at).Entries(t.Context(), staging, 0)
			if tt.want == "" {
				if err != nil || len(got) != 3 {
					t.Errorf("got %d entries, %v", len(got), err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || slipway.KindOf(err) != slipway.Conflict {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestSubjectsThatCannotBe(t *testing.T) {
	l := object.New(openFolder(t, t.TempDir()), at)
	for _, s := range []ledger.Subject{{App: "../x", Environment: "dev"}, {App: "a", Environment: "b/c"}, {App: "", Environment: "dev"}} {
		_, err := l.Entries(t.Context(), s, 0)
		if slipway.KindOf(err) != slipway.Invalid || !strings.Contains(err.Error(), "cannot be the name of an app or environment in a ledger") {
			t.Errorf("%v: got %v", s, err)
		}
	}
}

func TestSubjectsSkipWhatElseIsThere(t *testing.T) {
	repo := openFolder(t, t.TempDir())
	for _, key := range []string{"a/0a1b2c3d/x.py", "a/releases/v1.json", "traffic-etl/staging/lease-x.json", "z/dev/ledger/notes.txt"} {
		if _, err := repo.Put(t.Context(), key, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, object.New(repo, at), 2)
	got, err := object.New(repo, at).Subjects(t.Context())
	if err != nil || len(got) != 1 || got[0] != staging {
		t.Errorf("got %v, %v", got, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	l := object.New(openFolder(b, b.TempDir()), at)
	for n := int64(0); b.Loop(); n++ {
		if _, err := l.Append(b.Context(), draft(n, fmt.Sprint("id-", n))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEntries1000(b *testing.B) {
	dir := b.TempDir()
	fill(b, object.New(openFolder(b, dir), at), 1000)
	for b.Loop() {
		entries, err := object.New(openFolder(b, dir), at).Entries(b.Context(), staging, 0)
		if err != nil || len(entries) != 1000 {
			b.Fatal(len(entries), err)
		}
	}
}
