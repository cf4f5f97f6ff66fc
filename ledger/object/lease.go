package object

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// grace is how long a lease that has run out is left alone: object stores give
// times to the second, cut off.
const grace = 2 * time.Second

// attempts is how often a lease is looked at again when others are at it too.
const attempts = 100

// A record is what lies at the lease's key. A released one has no holder.
type record struct {
	Holder ledger.Holder `json:"holder"`
	Since  time.Time     `json:"since"` // by the holder's clock, for messages
	TTL    time.Duration `json:"ttl_ns"`
	Count  int64         `json:"count"`          // of writes, so that no two records are the same bytes
	Tail   []string      `json:"tail,omitempty"` // the newest entries that the writer knew, behind the last full block
}

// found is a lease as it was last read or written here.
type found struct {
	record  record
	version string // empty: there is none
}

// Acquire takes or renews the lease.
//
// Clocks of different machines are never compared. The holder counts from
// before its request, so its Until comes before the lease is taken away. Who
// finds somebody else's lease asks the repository for the time, by writing a
// small object beside the lease and looking at when the repository says it was
// written; only if that is later than the lease's own time by the ttl and two
// seconds does it take the lease over. What is left to trust is that clocks run
// at about the same speed, and that the repository's own does not jump ahead; a
// holder that sleeps past Until finds at its next Append that the chain has
// moved on.
func (l *Ledger) Acquire(ctx context.Context, s ledger.Subject, holder ledger.Holder, ttl time.Duration) (ledger.Lease, error) {
	if err := checkSubject(s); err != nil {
		return ledger.Lease{}, err
	}
	if holder.ID == "" || ttl <= 0 {
		return ledger.Lease{}, slipway.Errorf(slipway.Invalid, "a lease needs a holder with an id and a time above zero, not %q and %s", holder.ID, ttl)
	}
	last, seen := l.seen(s)
	seen = seen && (last.record.Holder.ID == "" || last.record.Holder.ID == holder.ID)
	var lease ledger.Lease
	var err error
	for range attempts {
		if !seen {
			if last, err = l.readLease(ctx, s); err != nil {
				return ledger.Lease{}, err
			}
		}
		seen = false
		lease, err = l.tryAcquire(ctx, s, last, holder, ttl)
		if slipway.KindOf(err) != slipway.Conflict {
			break
		}
	}
	return lease, err
}

// tryAcquire gives an error of kind Conflict if somebody else was at the lease
// since it was seen: then it is to be looked at again.
func (l *Ledger) tryAcquire(ctx context.Context, s ledger.Subject, last found, holder ledger.Holder, ttl time.Duration) (ledger.Lease, error) {
	old, now := last.record, l.now()
	next := record{Holder: holder, Since: now.UTC(), TTL: ttl, Count: old.Count + 1, Tail: old.Tail}
	switch old.Holder.ID {
	case "":
	case holder.ID:
		next.Since = old.Since
	default:
		left, err := l.timeLeft(ctx, s, old)
		if err != nil {
			return ledger.Lease{}, err
		}
		if left > 0 {
			return ledger.Lease{}, busy(s, old, now, now.Add(left))
		}
	}
	version, err := l.writeLease(ctx, s, last.version, next)
	if err != nil {
		return ledger.Lease{}, err
	}
	return ledger.Lease{Subject: s, Holder: holder, Until: now.Add(ttl), Version: version}, nil
}

// Release gives the lease up if the holder still has it.
func (l *Ledger) Release(ctx context.Context, lease ledger.Lease) error {
	if err := checkSubject(lease.Subject); err != nil {
		return err
	}
	last, seen := l.seen(lease.Subject)
	seen = seen && last.record.Holder.ID == lease.Holder.ID
	var err error
	for range attempts {
		if !seen {
			if last, err = l.readLease(ctx, lease.Subject); err != nil || last.record.Holder.ID != lease.Holder.ID {
				return err
			}
		}
		seen = false
		_, err = l.writeLease(ctx, lease.Subject, last.version, record{Count: last.record.Count + 1, Tail: last.record.Tail})
		if slipway.KindOf(err) != slipway.Conflict {
			break
		}
	}
	return err
}

// timeLeft says how long somebody else's lease must still be left alone. It is
// called after the record was read: a renewal in between makes the lease look
// younger than it is, never older.
func (l *Ledger) timeLeft(ctx context.Context, s ledger.Subject, r record) (time.Duration, error) {
	lease, err := l.repo.Stat(ctx, leaseKey(s))
	if err != nil {
		return 0, fmt.Errorf("look at the lease of %s: %w", s, err)
	}
	clock, err := l.repositoryTime(ctx, s)
	if err != nil {
		return 0, err
	}
	return lease.Modified.Add(r.TTL + grace).Sub(clock), nil
}

// repositoryTime returns a time that is not later than the repository's now.
// If somebody else writes the object at the same time, theirs will do.
func (l *Ledger) repositoryTime(ctx context.Context, s ledger.Subject) (time.Time, error) {
	_, version, err := l.repo.Read(ctx, clockKey(s))
	if err == nil || slipway.KindOf(err) == slipway.NotFound {
		_, err = l.repo.Swap(ctx, clockKey(s), version, []byte("{}\n"))
	}
	if err != nil && slipway.KindOf(err) != slipway.Conflict {
		return time.Time{}, fmt.Errorf("ask %s for the time: %w", l.repo.URL(), err)
	}
	o, err := l.repo.Stat(ctx, clockKey(s))
	if err != nil {
		return time.Time{}, fmt.Errorf("ask %s for the time: %w", l.repo.URL(), err)
	}
	return o.Modified, nil
}

// seen is the lease as it was last read or written here. Whoever swaps it for
// another learns whether it still is.
func (l *Ledger) seen(s ledger.Subject) (found, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.leases[s]
	return f, ok
}

func (l *Ledger) remember(s ledger.Subject, f found) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leases[s] = f
}

func (l *Ledger) forget(s ledger.Subject) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.leases, s)
}

func (l *Ledger) readLease(ctx context.Context, s ledger.Subject) (f found, err error) {
	data, version, err := l.repo.Read(ctx, leaseKey(s))
	if slipway.KindOf(err) == slipway.NotFound {
		l.remember(s, found{})
		return found{}, nil
	}
	if err != nil {
		return found{}, fmt.Errorf("read the lease of %s: %w", s, err)
	}
	if err := json.Unmarshal(data, &f.record); err != nil {
		return found{}, slipway.Errorf(slipway.Invalid, "%s/%s is no lease: %w", l.repo.URL(), leaseKey(s), err).
			WithFix("delete it, if nobody deploys to %s", s.Environment)
	}
	f.version = version
	l.remember(s, f)
	return f, nil
}

// writeLease puts r in the place of the version that was seen. What becomes of a call
// that fails is not known, so that the lease is then read again.
func (l *Ledger) writeLease(ctx context.Context, s ledger.Subject, version string, r record) (string, error) {
	l.forget(s)
	c, err := l.chain(s)
	if err != nil {
		return "", err
	}
	r.Tail = c.newest(r.Tail)
	data, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("write the lease of %s: %w", s, err)
	}
	version, err = l.repo.Swap(ctx, leaseKey(s), version, data)
	if err != nil {
		return "", fmt.Errorf("write the lease of %s: %w", s, err)
	}
	l.remember(s, found{r, version})
	return version, nil
}

func leaseKey(s ledger.Subject) string { return s.App + "/" + s.Environment + "/lease.json" }

func clockKey(s ledger.Subject) string { return s.App + "/" + s.Environment + "/lease-clock.json" }

func busy(s ledger.Subject, r record, now, until time.Time) error {
	return ledger.Busy(ledger.Lease{Subject: s, Holder: r.Holder, Until: until}, r.Since, now)
}
