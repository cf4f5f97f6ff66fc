package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// A Budget is what a forge will answer to all who sign in as the same.
type Budget struct {
	Account, Resource string
	Limit, Left       int
	Reset             int64 // Unix time in seconds
	Pause             time.Time
}

const budgetColumns = "account, resource, calls, remain, reset, pause"

func scanBudget(row cells) (b Budget, err error) {
	var pause int64
	err = row.Scan(&b.Account, &b.Resource, &b.Limit, &b.Left, &b.Reset, &pause)
	b.Pause = fromMillis(pause)
	return b, err
}

// Budgets lists what is known.
func (s *Store) Budgets(ctx context.Context) ([]Budget, error) {
	return list(ctx, s, scanBudget, "SELECT "+budgetColumns+" FROM budget")
}

// NoteBudgets keeps what was seen, each joined by with to what is known already, and
// tells others. It does not wait for the disk: what is lost is seen again.
func (s *Store) NoteBudgets(ctx context.Context, seen []Budget, with func(known, seen Budget) Budget) error {
	return s.ChangeSoon(ctx, func(t *Tx) error {
		for _, b := range seen {
			known, err := scanBudget(t.tx.QueryRowContext(ctx, "SELECT "+budgetColumns+" FROM budget WHERE account = ? AND resource = ?", b.Account, b.Resource))
			if err == nil {
				b = with(known, b)
			} else if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			_, err = t.tx.ExecContext(ctx, upsert("budget", budgetColumns, 2), b.Account, b.Resource, b.Limit, b.Left, b.Reset, millis(b.Pause))
			if err != nil {
				return err
			}
		}
		t.rouse(Budgets)
		return nil
	})
}
