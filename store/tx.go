package store

import (
	"context"
	"database/sql"

	"github.com/slipway-cd/slipway/ledger"
)

// A Tx is a transaction that writes. What is done in it is done wholly or not at
// all; a crash undoes it.
type Tx struct {
	tx *sql.Tx
}

// Change runs fn in a transaction that writes; nobody else writes meanwhile. If fn
// fails, nothing was done. Everything that fn reads it reads through tx: another
// way to the database would wait for the very transaction that it is in.
func (s *Store) Change(ctx context.Context, fn func(*Tx) error) error {
	if s.writer == nil {
		return errReadOnly
	}
	return explain("write", s.file, transact(ctx, s.writer, func(tx *sql.Tx) error { return fn(&Tx{tx}) }))
}

// Append adds an entry to the ledger, as [Ledger.Append] does, as part of the
// transaction: the act and its entry are one.
func (t *Tx) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	return appendEntry(ctx, t.tx, d)
}
