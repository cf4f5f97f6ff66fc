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
	tx     *transaction
	events []Event // told at its end: see finish
	news   bool    // others are to be told that something is new
}

// Change runs fn in a transaction that writes; it is as if nobody else wrote
// meanwhile. If fn fails, nothing was done. Everything that fn reads it reads through
// tx: another way to the database would wait for the very transaction that it is in.
// Where several processes write at once fn may be called again from its beginning, of
// which only the last time counts.
func (s *Store) Change(ctx context.Context, fn func(*Tx) error) error {
	if s.writer == nil {
		return errReadOnly
	}
	if s.shared != nil {
		return s.changeShared(ctx, change{fn: fn})
	}
	return explain("write", s.file, transact(ctx, s.writer, fn))
}

// ChangeSoon is Change, and does not wait for the disk. A crash of the process loses
// nothing of it. A power cut may undo it, and then all that was changed after it, up
// to the next Change, which does wait: it is for what is done again then, and for
// which nothing was told to anybody.
func (s *Store) ChangeSoon(ctx context.Context, fn func(*Tx) error) (err error) {
	if s.writer == nil {
		return errReadOnly
	}
	if s.shared != nil {
		return s.changeShared(ctx, change{fn: fn, soon: true})
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
	return explain("write", s.file, transact(ctx, c, fn))
}

// A beginner begins transactions: the database, or one connection to it.
type beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// transact runs fn in a transaction of SQLite.
func transact(ctx context.Context, db beginner, fn func(*Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // of a committed transaction it does nothing
	t := &Tx{tx: &transaction{Tx: tx, words: inSQLite}}
	if err := fn(t); err != nil {
		return err
	}
	if err := t.finish(ctx); err != nil {
		return err
	}
	return tx.Commit()
}

// finish does what a transaction does last. Events get their numbers here: whoever
// has seen one is never to find another below it later, so that in PostgreSQL, where
// transactions run side by side, those that tell something end one after the other.
func (t *Tx) finish(ctx context.Context) error {
	if len(t.events) == 0 {
		return nil
	}
	if t.tx.words == inPostgres {
		if _, err := t.tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", lockEvents); err != nil {
			return err
		}
	}
	for _, e := range t.events {
		_, err := t.tx.ExecContext(ctx, "INSERT INTO event (time, kind, subject, job, body) VALUES (?, ?, ?, ?, ?)",
			millis(e.Time), e.Kind, e.Subject, e.Job, string(e.Body))
		if err != nil {
			return err
		}
	}
	return nil
}

// Append adds an entry to the ledger, as [Ledger.Append] does, as part of the
// transaction: the act and its entry are one.
func (t *Tx) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	return appendEntry(ctx, t.tx, d)
}
