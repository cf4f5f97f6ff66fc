package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
)

const delegationColumns = "id, giver, writer, receiver, scopes, until, why, made, ended, ended_by"

// AddDelegation keeps what somebody handed over, and says so in the ledger. Whoever
// calls has asked access.Policy.Delegate.
func (t *Tx) AddDelegation(ctx context.Context, d access.Delegation) error {
	_, err := t.tx.ExecContext(ctx, "INSERT INTO delegation ("+delegationColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '')",
		d.ID, d.From, d.By, d.To, joinScopes(d.Scopes), millis(d.Until), d.Why, millis(d.Made))
	if err != nil {
		return err
	}
	return t.note(ctx, access.Delegated, d.ID, d.By, d.Made, d)
}

// EndDelegation takes a delegation back, and says so in the ledger; one that was
// taken back before it leaves as it is. Whoever calls has asked
// access.Policy.MayRevoke.
func (t *Tx) EndDelegation(ctx context.Context, id, by string, now time.Time) error {
	d, err := scanDelegation(t.tx.QueryRowContext(ctx, "SELECT "+delegationColumns+" FROM delegation WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return slipway.Errorf(slipway.NotFound, "there is no delegation %s", id)
	}
	if err != nil || !d.Ended.IsZero() {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, "UPDATE delegation SET ended = ?, ended_by = ? WHERE id = ?", millis(now), by, id); err != nil {
		return err
	}
	return t.note(ctx, access.Revoked, id+"/end", by, now, access.Revocation{ID: id, By: by, Time: now})
}

// Delegations lists what was handed over and is not of the past: all that may hold
// at a time or later, and if that is the zero time, all there ever were.
func (s *Store) Delegations(ctx context.Context, since time.Time) ([]access.Delegation, error) {
	return list(ctx, s, scanDelegation, "SELECT "+delegationColumns+" FROM delegation WHERE CAST(?1 AS BIGINT) = 0 OR until > ?1 AND ended = 0 ORDER BY made, id", millis(since))
}

func scanDelegation(row cells) (access.Delegation, error) {
	var d access.Delegation
	var scopes string
	var until, made, ended int64
	if err := row.Scan(&d.ID, &d.From, &d.By, &d.To, &scopes, &until, &d.Why, &made, &ended, &d.EndedBy); err != nil {
		return access.Delegation{}, err
	}
	d.Until, d.Made, d.Ended = fromMillis(until), fromMillis(made), fromMillis(ended)
	var err error
	d.Scopes, err = splitScopes(scopes)
	return d, err
}
