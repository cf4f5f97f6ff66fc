package ledger

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway"
)

const (
	// leaseTTL is how long a lease outlives the process that held it: as long as
	// others must wait after a crash on another machine, and as long as the network
	// may be away while a deployment goes on. A lease is renewed three times in it.
	leaseTTL = 30 * time.Second
	// leaseRetry is how often somebody who waits asks for the lease.
	leaseRetry = 200 * time.Millisecond
)

// A Keeper takes a lease and keeps it while something is done.
type Keeper struct {
	Leases  Leaser
	Holder  Holder
	Clock   func() time.Time
	Wait    time.Duration // how long to wait for somebody else's lease; 0: not at all
	Waiting func(error)   // told once when waiting begins; nil: nobody
}

// Hold runs fn while this process has the subject's lease. If the lease is lost
// meanwhile, fn's context is done, and an error of kind Conflict says so.
func (k Keeper) Hold(ctx context.Context, s Subject, fn func(context.Context) error) error {
	lease, err := k.acquire(ctx, s)
	if err != nil {
		return err
	}
	held, lost := context.WithCancelCause(ctx)
	renewed := make(chan Lease, 1)
	go func() { renewed <- k.renew(held, lease, lost) }()
	err = fn(held)
	if cause := context.Cause(held); err != nil && cause != nil && ctx.Err() == nil {
		err = cause
	}
	lost(nil)
	lease = <-renewed
	// The work is done or known to be unfinished; a lease that cannot be given
	// up ends by itself.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTTL/3)
	defer cancel()
	_ = k.Leases.Release(last, lease)
	return err
}

// acquire takes the lease, and waits for it as long as the keeper may.
func (k Keeper) acquire(ctx context.Context, s Subject) (Lease, error) {
	until := k.Clock().Add(k.Wait)
	told := false
	ticker := time.NewTicker(leaseRetry)
	defer ticker.Stop()
	for {
		lease, err := k.Leases.Acquire(ctx, s, k.Holder, leaseTTL)
		if err == nil || slipway.KindOf(err) != slipway.Busy || !k.Clock().Before(until) {
			return lease, err
		}
		if !told && k.Waiting != nil {
			k.Waiting(err)
		}
		told = true
		select {
		case <-ctx.Done():
			return lease, context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// renew keeps the lease until ctx is done, and returns it as it then is.
func (k Keeper) renew(ctx context.Context, lease Lease, lost context.CancelCauseFunc) Lease {
	ticker := time.NewTicker(leaseTTL / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return lease
		case <-ticker.C:
		}
		// A keeper of leases that does not answer must not outlast the lease.
		asking, cancel := context.WithTimeout(ctx, lease.Until.Sub(k.Clock()))
		next, err := k.Leases.Acquire(asking, lease.Subject, k.Holder, leaseTTL)
		cancel()
		switch {
		case ctx.Err() != nil:
			return lease
		case err == nil:
			lease = next
		case slipway.KindOf(err) == slipway.Busy, !k.Clock().Before(lease.Until):
			lost(slipway.Errorf(slipway.Conflict, "lost the lease on %s while it was being changed: %w", lease.Subject.Environment, err).
				WithFix("look at slipway history, then call again"))
			return lease
		}
	}
}
