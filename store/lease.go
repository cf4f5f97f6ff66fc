package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// Acquire implements ledger.Leaser.
func (l *Ledger) Acquire(ctx context.Context, s ledger.Subject, holder ledger.Holder, ttl time.Duration) (ledger.Lease, error) {
	lease := ledger.Lease{Subject: s, Holder: holder}
	if holder.ID == "" || ttl <= 0 {
		return lease, slipway.Errorf(slipway.Invalid, "a lease needs a holder with an id and a time above zero")
	}
	err := l.store.Change(ctx, func(t *Tx) error {
		tx := t.tx
		now := l.clock()
		held, since, err := current(ctx, tx, s)
		if err != nil {
			return err
		}
		if held.Holder.ID != holder.ID {
			if held.Until.After(now) {
				return ledger.Busy(held, since, now)
			}
			since = now.UTC()
		}
		lease.Until = now.UTC().Add(ttl)
		data, err := json.Marshal(holder)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, upsert("lease", "app, environment, holder, since, until", 2),
			s.App, s.Environment, string(data), since.Format(time.RFC3339Nano), lease.Until.Format(time.RFC3339Nano))
		return err
	})
	return lease, err
}

// current reads the lease on a subject and since when it is held; if there is
// none, it ended long ago.
func current(ctx context.Context, tx *transaction, s ledger.Subject) (lease ledger.Lease, since time.Time, err error) {
	lease.Subject = s
	var holder, from, until string
	err = tx.QueryRowContext(ctx, "SELECT holder, since, until FROM lease WHERE app = ? AND environment = ?"+tx.words.forUpdate(), s.App, s.Environment).Scan(&holder, &from, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return lease, since, nil
	}
	if err != nil {
		return lease, since, err
	}
	if err = json.Unmarshal([]byte(holder), &lease.Holder); err != nil {
		return lease, since, slipway.Errorf(slipway.Internal, "the lease on %s cannot be read: %w", s, err)
	}
	if since, err = time.Parse(time.RFC3339Nano, from); err != nil {
		return lease, since, err
	}
	lease.Until, err = time.Parse(time.RFC3339Nano, until)
	return lease, since, err
}

// Release implements ledger.Leaser.
func (l *Ledger) Release(ctx context.Context, lease ledger.Lease) error {
	return l.store.Change(ctx, func(t *Tx) error {
		tx := t.tx
		held, _, err := current(ctx, tx, lease.Subject)
		if err != nil || held.Holder.ID != lease.Holder.ID {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM lease WHERE app = ? AND environment = ?", lease.Subject.App, lease.Subject.Environment)
		return err
	})
}
