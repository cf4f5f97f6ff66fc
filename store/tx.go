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
	events []Event // told at its end: see endings
	news   bool    // others are to be told that there is a job or an event
	topics []Topic // others are to be told of
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

// ChangeOwn is Change, or ChangeSoon, for a change that reads only rows that nobody else
// changes before its end: those that it has locked, such as by [Tx.Ours]. Over PostgreSQL
// nothing that others do at the same time undoes it.
func (s *Store) ChangeOwn(ctx context.Context, soon bool, fn func(*Tx) error) error {
	switch {
	case s.shared != nil:
		return s.changeShared(ctx, change{fn: fn, soon: soon, level: sql.LevelReadCommitted})
	case soon:
		return s.ChangeSoon(ctx, fn)
	}
	return s.Change(ctx, fn)
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
	t := &Tx{tx: &transaction{in: tx, words: inSQLite}}
	if err := fn(t); err != nil {
		return err
	}
	for _, e := range t.endings() {
		if _, err := t.tx.ExecContext(ctx, e.query, e.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// An ending is a statement that tells an event at the end of a transaction. Events get
// their numbers there: whoever has seen one is never to find another below it later.
type ending struct {
	query string
	args  []any
}

// endings tell what a transaction tells.
func (t *Tx) endings() []ending {
	all := make([]ending, len(t.events))
	for i, e := range t.events {
		all[i] = ending{
			"INSERT INTO event (time, kind, subject, job, body) VALUES (?, ?, ?, ?, ?)",
			[]any{millis(e.Time), e.Kind, e.Subject, e.Job, string(e.Body)},
		}
		if i == 0 && t.tx.words == inPostgres {
			all[i] = ending{tellInTurn, append([]any{lockEvents}, all[i].args...)}
		}
	}
	return all
}

// tellInTurn tells the first event once the transactions have ended that tell something and
// came before: in PostgreSQL, where transactions run side by side, those end one after the
// other. Its number is taken when it has the lock. Those that wait do not also wait
// for its disk: see [Store.commit].
const tellInTurn = `WITH turn AS MATERIALIZED (
		SELECT CAST(pg_advisory_xact_lock(?) AS text) AS held, set_config('synchronous_commit', 'off', true) AS soon
	) INSERT INTO event (time, kind, subject, job, body) SELECT CAST(? AS BIGINT), ?, ?, CAST(? AS BIGINT), ? FROM turn`

// Append adds an entry to the ledger, as [Ledger.Append] does, as part of the
// transaction: the act and its entry are one.
func (t *Tx) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	return appendEntry(ctx, t.tx, d)
}
