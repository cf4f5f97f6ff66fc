package ledgertest

import (
	"fmt"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

const ttl = time.Minute

func ann() ledger.Holder {
	return ledger.Holder{ID: "ann-1", Who: "ann@laptop", Process: 4711, Doing: "ship v1.2.0"}
}

func bob() ledger.Holder {
	return ledger.Holder{ID: "bob-1", Who: "bob@ci", Process: 1, Doing: "rollback to v1.1.0"}
}

func mustAcquire(t *testing.T, l ledger.Leaser, h ledger.Holder) ledger.Lease {
	t.Helper()
	lease, err := l.Acquire(t.Context(), staging(), h, ttl)
	if err != nil {
		t.Fatalf("acquire for %s: %v", h.Who, err)
	}
	if lease.Subject != staging() || lease.Holder != h {
		t.Errorf("Acquire gives %+v", lease)
	}
	return lease
}

func mustRelease(t *testing.T, l ledger.Leaser, lease ledger.Lease) {
	t.Helper()
	if err := l.Release(t.Context(), lease); err != nil {
		t.Fatalf("release of %s: %v", lease.Holder.Who, err)
	}
}

func wantBusy(t *testing.T, l ledger.Leaser, h ledger.Holder) {
	t.Helper()
	_, err := l.Acquire(t.Context(), staging(), h, ttl)
	wantError(t, err, slipway.Busy, "staging is being deployed by ")
}

func exclusive(t *testing.T, k Kit) {
	_, other := k.Reopen(t)
	mustAcquire(t, k.Leaser, ann())
	for _, l := range []ledger.Leaser{k.Leaser, other} {
		_, err := l.Acquire(t.Context(), staging(), bob(), ttl)
		wantError(t, err, slipway.Busy, "")
		want := regexp.MustCompile(`^staging is being deployed by ann@laptop \(ship v1\.2\.0, process 4711\) since (\S+ )?\d\d:\d\d:\d\d; the lease ends by itself at (\S+ )?\d\d:\d\d:\d\d if that process died$`)
		if err != nil && !want.MatchString(err.Error()) {
			t.Errorf("error is %q", err)
		}
	}
	prod := ledger.Subject{App: "traffic-etl", Environment: "prod"}
	if _, err := other.Acquire(t.Context(), prod, bob(), ttl); err != nil {
		t.Errorf("the lease on another environment: %v", err)
	}
}

func exclusiveAtOnce(t *testing.T, k Kit) {
	_, second := k.Reopen(t)
	handles := []ledger.Leaser{k.Leaser, second}
	for round := range 3 {
		var got atomic.Int64
		var winner atomic.Value
		atOnce(t, 8, func(i int) error {
			h := ledger.Holder{ID: fmt.Sprintf("%d-%d", round, i), Who: "ann@laptop", Doing: "ship"}
			lease, err := handles[i%2].Acquire(t.Context(), staging(), h, ttl)
			if slipway.KindOf(err) == slipway.Busy {
				return nil
			}
			got.Add(1)
			winner.Store(lease)
			return err
		})
		if got.Load() != 1 {
			t.Fatalf("%d got the lease, want 1", got.Load())
		}
		mustRelease(t, second, winner.Load().(ledger.Lease))
	}
}

func renew(t *testing.T, k Kit) {
	first := mustAcquire(t, k.Leaser, ann())
	for range 3 {
		k.Advance(ttl * 3 / 4)
		wantBusy(t, k.Leaser, bob())
		if next := mustAcquire(t, k.Leaser, ann()); next.Until.Before(first.Until) {
			t.Errorf("a renewed lease ends at %s, before the first at %s", next.Until, first.Until)
		}
	}
	wantBusy(t, k.Leaser, bob())
}

func expire(t *testing.T, k Kit) {
	gone := mustAcquire(t, k.Leaser, ann())
	k.Advance(ttl / 2)
	wantBusy(t, k.Leaser, bob())
	k.Advance(ttl)
	_, other := k.Reopen(t)
	mustAcquire(t, other, bob())
	wantBusy(t, k.Leaser, ann())
	mustRelease(t, k.Leaser, gone)
	wantBusy(t, k.Leaser, ann())
}

func release(t *testing.T, k Kit) {
	_, other := k.Reopen(t)
	lease := mustAcquire(t, k.Leaser, ann())
	mustRelease(t, k.Leaser, lease)
	second := mustAcquire(t, other, bob())
	mustRelease(t, k.Leaser, lease)
	wantBusy(t, k.Leaser, ann())
	mustRelease(t, other, second)
	mustRelease(t, other, second)
	mustAcquire(t, k.Leaser, ann())
}

func foreignRelease(t *testing.T, k Kit) {
	mustRelease(t, k.Leaser, ledger.Lease{Subject: staging(), Holder: bob()})
	mustAcquire(t, k.Leaser, ann())
	mustRelease(t, k.Leaser, ledger.Lease{Subject: staging(), Holder: bob()})
	wantBusy(t, k.Leaser, bob())
}

func leaseRestart(t *testing.T, k Kit) {
	lease := mustAcquire(t, k.Leaser, ann())
	_, again := k.Reopen(t)
	wantBusy(t, again, bob())
	mustAcquire(t, again, ann())
	mustRelease(t, again, lease)
	mustAcquire(t, k.Leaser, bob())
}

func badLease(t *testing.T, k Kit) {
	_, err := k.Leaser.Acquire(t.Context(), staging(), ledger.Holder{Who: "ann"}, ttl)
	wantError(t, err, slipway.Invalid, "a lease needs a holder with an id and a time above zero")
	_, err = k.Leaser.Acquire(t.Context(), staging(), ann(), 0)
	wantError(t, err, slipway.Invalid, "a lease needs a holder with an id and a time above zero")
}
