package deploy

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

const (
	// ttl is how long a lease outlives the process that holds it.
	ttl = 60 * time.Second
	// again is how often somebody who waits asks for the lease.
	again = 200 * time.Millisecond
)

// leased runs fn while this process has the subject's lease. If the lease is
// lost meanwhile, fn's context is done.
func (s Stage) leased(ctx context.Context, subject ledger.Subject, fn func(context.Context) error) error {
	lease, err := s.acquire(ctx, subject)
	if err != nil {
		return err
	}
	held, lost := context.WithCancelCause(ctx)
	renewed := make(chan ledger.Lease)
	go func() { renewed <- s.renew(held, lease, lost) }()
	err = fn(held)
	if cause := context.Cause(held); err != nil && cause != nil && ctx.Err() == nil {
		err = cause
	}
	lost(nil)
	lease = <-renewed
	// The work is done or known to be unfinished; a lease that cannot be given
	// up ends by itself.
	_ = s.Leases.Release(context.WithoutCancel(ctx), lease)
	return err
}

// acquire takes the lease, and waits for it as long as the stage may.
func (s Stage) acquire(ctx context.Context, subject ledger.Subject) (ledger.Lease, error) {
	until := s.Clock().Add(s.Wait)
	told := false
	ticker := time.NewTicker(again)
	defer ticker.Stop()
	for {
		lease, err := s.Leases.Acquire(ctx, subject, s.Holder, ttl)
		if slipway.KindOf(err) != slipway.Busy || err == nil {
			return lease, err
		}
		if !s.Clock().Before(until) {
			return lease, err
		}
		if !told && s.Waiting != nil {
			s.Waiting(err)
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
func (s Stage) renew(ctx context.Context, lease ledger.Lease, lost context.CancelCauseFunc) ledger.Lease {
	ticker := time.NewTicker(ttl / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return lease
		case <-ticker.C:
		}
		next, err := s.Leases.Acquire(ctx, lease.Subject, s.Holder, ttl)
		switch {
		case err == nil:
			lease = next
		case slipway.KindOf(err) == slipway.Busy, !s.Clock().Before(lease.Until):
			lost(slipway.Errorf(slipway.Conflict, "lost the lease on %s while deploying: %w", lease.Subject.Environment, err).
				WithFix("look at slipway history, then deploy again"))
			return lease
		}
	}
}
