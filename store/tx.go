package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

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

// ChangeSoon is Change, and does not wait for the disk. A crash of the process loses
// nothing of it. A power cut may undo it, and then all that was changed after it, up
// to the next Change, which does wait: it is for what is done again then, and for
// which nothing was told to anybody.
func (s *Store) ChangeSoon(ctx context.Context, fn func(*Tx) error) (err error) {
	if s.writer == nil {
		return errReadOnly
	}
	c, err := s.writer.Conn(ctx)
	if err != nil {
		return explain("write", s.file, err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, "PRAGMA synchronous = NORMAL"); err != nil {
		return explain("write", s.file, err)
	}
	defer func() {
		if _, again := c.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous = FULL"); again != nil {
			_ = c.Raw(func(any) error { return driver.ErrBadConn }) // the next one is made anew, and waits
		}
	}()
	return explain("write", s.file, transact(ctx, c, func(tx *sql.Tx) error { return fn(&Tx{tx}) }))
}

// Append adds an entry to the ledger, as [Ledger.Append] does, as part of the
// transaction: the act and its entry are one.
func (t *Tx) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	return appendEntry(ctx, t.tx, d)
}
