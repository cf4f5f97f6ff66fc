package ledger_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// A leaser answers as its test says; nil: the lease is given.
type leaser struct {
	acquire  func(ctx context.Context) error
	released int
}

func (l *leaser) Acquire(ctx context.Context, s ledger.Subject, h ledger.Holder, ttl time.Duration) (ledger.Lease, error) {
	if l.acquire != nil {
		if err := l.acquire(ctx); err != nil {
			return ledger.Lease{}, err
		}
	}
	return ledger.Lease{Subject: s, Holder: h, Until: time.Now().Add(ttl)}, nil
}

func (l *leaser) Release(context.Context, ledger.Lease) error { l.released++; return nil }

func staging() ledger.Subject { return ledger.Subject{App: "traffic", Environment: "staging"} }

func keeper(l ledger.Leaser) ledger.Keeper {
	return ledger.Keeper{Leases: l, Holder: ledger.Holder{ID: "a"}, Clock: time.Now}
}

// work waits for d, or until its context is done.
func work(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
}

var busy = slipway.Errorf(slipway.Busy, "bob has it")

func TestHoldRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		l := &leaser{acquire: func(context.Context) error { asked++; return nil }}
		if err := keeper(l).Hold(t.Context(), staging(), work(105*time.Second)); err != nil {
			t.Error(err)
		}
		if asked != 11 || l.released != 1 {
			t.Errorf("the lease was asked for %d times and released %d times, want 11 and 1", asked, l.released)
		}
	})
}

func TestHoldLosesTheLease(t *testing.T) {
	for name, tt := range map[string]struct {
		acquire func(n int, ctx context.Context) error
		after   time.Duration
		text    string
	}{
		"to somebody else": {func(n int, _ context.Context) error {
			if n > 2 {
				return busy
			}
			return nil
		}, 20 * time.Second, "lost the lease on staging while it was being changed: bob has it"},
		"because nobody answers in time": {func(n int, _ context.Context) error {
			if n > 1 {
				return errors.New("no network")
			}
			return nil
		}, 30 * time.Second, "lost the lease on staging while it was being changed: no network"},
		"because the answer hangs": {func(n int, ctx context.Context) error {
			if n > 1 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, 30 * time.Second, "lost the lease on staging while it was being changed: context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				l := &leaser{acquire: func(ctx context.Context) error { n++; return tt.acquire(n, ctx) }}
				began := time.Now()
				err := keeper(l).Hold(t.Context(), staging(), work(time.Hour))
				if slipway.KindOf(err) != slipway.Conflict || err.Error() != tt.text || slipway.FixOf(err) != "look at slipway history, then call again" {
					t.Errorf("Hold gives %v (%s)", err, slipway.FixOf(err))
				}
				if took := time.Since(began); took != tt.after {
					t.Errorf("it was noticed after %s, want %s", took, tt.after)
				}
			})
		})
	}
}

func TestHoldSurvivesAShortOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		l := &leaser{acquire: func(context.Context) error {
			if n++; n == 2 || n == 3 {
				return errors.New("no network")
			}
			return nil
		}}
		// The third renewal is due when the lease ends; the clock decides there.
		if err := keeper(l).Hold(t.Context(), staging(), work(25*time.Second)); err != nil {
			t.Error(err)
		}
	})
}

func TestHoldWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, told := 0, []error{}
		l := &leaser{acquire: func(context.Context) error {
			if n++; n < 20 {
				return busy
			}
			return nil
		}}
		k := keeper(l)
		k.Waiting = func(err error) { told = append(told, err) }
		if err := k.Hold(t.Context(), staging(), work(0)); !errors.Is(err, busy) || len(told) > 0 || n != 1 {
			t.Errorf("without a wait: %v after asking %d times, told %v", err, n, told)
		}
		k.Wait = time.Second
		if err := k.Hold(t.Context(), staging(), work(0)); !errors.Is(err, busy) || len(told) != 1 || !errors.Is(told[0], busy) {
			t.Errorf("with too short a wait: %v, told %v", err, told)
		}
		k.Wait = time.Hour
		if err := k.Hold(t.Context(), staging(), work(0)); err != nil || len(told) != 2 {
			t.Errorf("with a long wait: %v, told %v", err, told)
		}
	})
}

func TestHoldIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("Ctrl-C")
		ctx, cancel := context.WithCancelCause(t.Context())
		l := &leaser{}
		err := keeper(l).Hold(ctx, staging(), func(ctx context.Context) error {
			cancel(stop)
			<-ctx.Done()
			return context.Cause(ctx)
		})
		if !errors.Is(err, stop) || l.released != 1 {
			t.Errorf("Hold gives %v, and released %d times", err, l.released)
		}
		k := keeper(&leaser{acquire: func(context.Context) error { return busy }})
		k.Wait = time.Hour
		if err := k.Hold(ctx, staging(), work(0)); !errors.Is(err, stop) {
			t.Errorf("waiting, Hold gives %v", err)
		}
	})
}

func TestHoldReturnsTheError(t *testing.T) {
	fault := errors.New("no room")
	if err := keeper(&leaser{}).Hold(t.Context(), staging(), func(context.Context) error { return fault }); !errors.Is(err, fault) {
		t.Errorf("Hold gives %v", err)
	}
}
