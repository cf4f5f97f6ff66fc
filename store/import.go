package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// Import takes the entries of a chain over from another ledger as they are. Those
// that are there already have to be the same ones; a chain that went on here since
// is left as it is.
func (t *Tx) Import(ctx context.Context, entries []ledger.Entry) error {
	for _, e := range entries {
		row := t.tx.QueryRowContext(ctx, "SELECT "+columns+" FROM ledger WHERE app = ? AND environment = ? AND number = ?", e.App, e.Environment, e.Number)
		had, err := scan(row)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			if err := insertEntry(ctx, t.tx, e); err != nil {
				return err
			}
		case err != nil:
			return err
		case had.Hash != e.Hash:
			return slipway.Errorf(slipway.Conflict, "entry %d of %s in %s is another one here", e.Number, e.App, e.Environment).
				WithFix("both ledgers went on: look at the two with slipway history, and keep one of them")
		}
	}
	return nil
}
