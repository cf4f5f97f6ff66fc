package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/slipway-cd/slipway"
)

// A change is a transaction over PostgreSQL: what is done, and how.
type change struct {
	fn    func(*Tx) error
	soon  bool               // it does not wait for the disk
	level sql.IsolationLevel // default: serializable
}

// changeShared carries a change out.
//
// It is serializable: whatever others do at once, it is as if one had done it after
// the other, which SQLite gives by its one writer. The database undoes a change for
// which that cannot be had, and it is done again.
//
// A change whose connection is lost while it is committed is neither done nor undone
// for all that we know. Its number, which it had before, tells: the database is asked
// what became of it (pg_xact_status) until it says so. Only where it does not answer
// in time is the error that nobody knows; whoever gets that error looks again, as
// after a crash.
func (s *Store) changeShared(ctx context.Context, c change) error {
	if s.writer == nil {
		return errReadOnly
	}
	var err error
	for try, taken := 0, 0; try < tries; try++ {
		err = s.changeOnce(ctx, c)
		longest := time.Millisecond << min(try, 7)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return errors.Join(ctx.Err(), err)
		case isTaken(err) && (taken < 2 || c.level == sql.LevelReadCommitted): // claimed by another at the same time
			taken++
		case isCut(err) && try < tries/2: // the database was restarted, or somebody cut the way to it
			longest = time.Second
		case !isRace(err):
			return explain("write", s.file, err)
		}
		if err := wait(ctx, rand.N(longest)); err != nil { //nolint:gosec // it is no secret
			return err
		}
	}
	return explain("write", s.file, err)
}

// tries is how often a change is done again that others undid, which takes some
// seconds at most.
const tries = 60

// changeOnce carries a change out once.
func (s *Store) changeOnce(ctx context.Context, c change) error {
	if c.level == sql.LevelDefault {
		c.level = sql.LevelSerializable
	}
	// A context that ends in the middle of a commit would leave it open what came of it.
	whole, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stop := context.AfterFunc(ctx, cut) // while it waits for a connection
	begun, err := s.writer.BeginTx(whole, &sql.TxOptions{Isolation: c.level})
	stop()
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	defer func() { _ = begun.Rollback() }() // of a committed transaction it does nothing
	t := &Tx{tx: &transaction{Tx: begun, words: inPostgres}}
	if c.soon {
		if _, err := t.tx.ExecContext(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
			return err
		}
	}
	if err := c.fn(t); err != nil {
		return err
	}
	if err := t.finish(ctx); err != nil {
		return err
	}
	var number sql.NullString
	if err := t.tx.QueryRowContext(ctx, "SELECT CAST(pg_current_xact_id_if_assigned() AS text)").Scan(&number); err != nil {
		return err
	}
	defer time.AfterFunc(longestCommit, cut).Stop()
	if err := s.commit(ctx, begun, number); err != nil {
		return err
	}
	if t.news {
		s.rouse()
	}
	return nil
}

// longestCommit is how long a commit may take before the connection is taken for lost.
const longestCommit = 30 * time.Second

// commit ends a transaction, and finds out what became of it where the connection was
// lost meanwhile. One without a number wrote nothing.
func (s *Store) commit(ctx context.Context, tx *sql.Tx, number sql.NullString) error {
	err := tx.Commit()
	if err == nil || !number.Valid || !isUncertain(err) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestCommit)
	defer cancel()
	for {
		var became sql.NullString
		asked := s.writer.QueryRowContext(ctx, "SELECT pg_xact_status(CAST(? AS xid8))", number.String).Scan(&became)
		p, refused := errors.AsType[*pgconn.PgError](asked)
		switch {
		case asked == nil && became.String == "committed":
			return nil
		case asked == nil && became.String == "aborted",
			refused && p.Code == "22023": // a number that it never gave, or has forgotten with what was lost
			return fmt.Errorf("the connection was lost, and nothing was changed: %w", err)
		}
		if wait(ctx, 50*time.Millisecond) != nil {
			return slipway.Errorf(slipway.Unavailable, "the connection to %s was lost while it committed, and it does not answer: nobody knows yet whether the change was made", s.file).
				WithFix("look before you do it again")
		}
	}
}

// isUncertain reports whether the error of a commit leaves it open what came of it. An
// answer of the database is certain, unless it is that it ends the connection.
func isUncertain(err error) bool {
	_, answered := errors.AsType[*pgconn.PgError](err)
	return !answered || isCut(err)
}

// wait waits, unless ctx is done before.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
