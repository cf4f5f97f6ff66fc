package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/slipway-cd/slipway"
)

// A change is a transaction over PostgreSQL: what is done, and how.
type change struct {
	fn    func(*Tx) error
	soon  bool               // it does not wait for the disk
	alone bool               // nobody else changes jobs meanwhile
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
// what became of it (pg_xact_status) until it says so. Only where it does not answer in
// time, or may have given that number a second time, is the error that nobody knows;
// whoever gets that error looks again, as after a crash.
func (s *Store) changeShared(ctx context.Context, c change) error {
	if s.writer == nil {
		return errReadOnly
	}
	var err error
	for try, taken := 0, 0; try < tries; try++ {
		c.alone = isRace(err) && try >= crowded && c.level == sql.LevelDefault
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

// crowded is how often others may undo a change before they are to wait for it. A long
// one would otherwise lose against short ones for as long as there are any.
const crowded = 6

// changeOnce carries a change out once.
func (s *Store) changeOnce(ctx context.Context, c change) error {
	// A context that ends in the middle of a commit would leave it open what came of it.
	whole, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	stop := context.AfterFunc(ctx, cut) // while it waits for a connection
	conn, err := s.writer.Conn(whole)
	if err != nil {
		stop()
		return errors.Join(ctx.Err(), err)
	}
	defer conn.Close()
	b, err := begin(whole, conn, beginning(c))
	stop()
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	defer b.end(whole)
	t := &Tx{tx: &transaction{in: conn, words: inPostgres}}
	if err := c.fn(t); err != nil {
		return err
	}
	defer time.AfterFunc(longestCommit, cut).Stop()
	if err := s.commit(whole, b, t.endings(), c.soon); err != nil {
		return err
	}
	if t.news {
		s.rouse(Work)
	}
	for _, topic := range t.topics {
		s.rouse(topic)
	}
	return nil
}

// longestCommit is how long a commit may take before the connection is taken for lost.
const longestCommit = 30 * time.Second

// became asks what became of a transaction. The second answer is whether the database
// was there all the time since it began, which it was if any of our connections was: after
// a crash it gives the numbers again of which nothing had come to its disk, and what it
// then says to have committed may be another transaction.
const became = `SELECT pg_xact_status(CAST(? AS xid8)), EXISTS (
	SELECT 1 FROM pg_stat_activity WHERE usename = current_user AND pid != pg_backend_pid() AND backend_start < CAST(? AS timestamptz))`

// beginning is how a transaction begins, in one message.
func beginning(c change) string {
	text := "begin isolation level serializable"
	if c.level == sql.LevelReadCommitted {
		text = "begin isolation level read committed"
	}
	if c.soon {
		text += "; SET LOCAL synchronous_commit = off"
	}
	if c.alone { // before anything is read: what is seen then is of that moment
		text += "; LOCK TABLE job IN EXCLUSIVE MODE"
	}
	return text + "; SELECT CAST(pg_current_xact_id() AS text), CAST(now() AS text)"
}

// A begun is a transaction that a connection has open. Its number, and when it began, tell
// it from all others.
type begun struct {
	conn          *sql.Conn
	number, began string
	done          bool
}

// begin begins a transaction, whose number and time come with the answer.
func begin(ctx context.Context, conn *sql.Conn, text string) (*begun, error) {
	all, err := say(ctx, conn, text)
	if err != nil {
		return nil, err
	}
	row := all[len(all)-1].Rows[0]
	return &begun{conn: conn, number: string(row[0]), began: string(row[1])}, nil
}

// end undoes a transaction that was not committed.
func (b *begun) end(ctx context.Context) {
	if !b.done {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		_, _ = say(ctx, b.conn, "rollback") // if it cannot be said, the connection is not used again, which undoes it too
	}
}

// say says something to the database that has no parameters, in one message.
func say(ctx context.Context, conn *sql.Conn, text string) (all []*pgconn.Result, err error) {
	err = conn.Raw(func(c any) (err error) {
		all, err = c.(interface{ Conn() *pgx.Conn }).Conn().PgConn().Exec(ctx, text).ReadAll() //nolint:forcetypeassert // it is of our pool
		return err
	})
	return all, err
}

// errUndone says that the database undid a transaction, one of whose statements had
// failed, where it was to be committed.
var errUndone = errors.New("a statement of the change had failed, and nothing was changed")

// commit ends a transaction, and finds out what became of it where the connection was
// lost meanwhile. What it tells, the COMMIT and the wait for the disk are one message: those
// that tell something end one after the other, and are not to wait for each other's way here
// and back, nor for each other's disk. So they commit without waiting for it, and wait after
// that, all who wait at once.
func (s *Store) commit(ctx context.Context, b *begun, told []ending, soon bool) error {
	batch := &pgconn.Batch{}
	for _, e := range told {
		batch.ExecParams(inPostgres.query(e.query), texts(e.args), nil, nil, nil)
	}
	batch.ExecParams("commit", nil, nil, nil, nil)
	if len(told) > 0 && !soon {
		batch.ExecParams(onDisk, nil, nil, nil, nil)
	}
	var all []*pgconn.Result
	err := b.conn.Raw(func(c any) (err error) {
		all, err = c.(interface{ Conn() *pgx.Conn }).Conn().PgConn().ExecBatch(ctx, batch).ReadAll() //nolint:forcetypeassert // it is of our pool
		return err
	})
	b.done = len(all) > len(told) && all[len(told)].Err == nil
	switch {
	case err == nil && all[len(told)].CommandTag.String() == "ROLLBACK":
		return errUndone
	case err == nil || !isUncertain(err):
		return err
	}
	b.done = true // or never will be
	return s.became(ctx, b, err)
}

// texts are values of parameters as PostgreSQL reads them.
func texts(args []any) [][]byte {
	all := make([][]byte, len(args))
	for i, a := range args {
		all[i] = fmt.Append([]byte{}, a) // nil would be NULL
	}
	return all
}

// onDisk waits until the disk has all that was committed before: it is a transaction of
// its own, of a message to nobody.
const onDisk = "SELECT pg_logical_emit_message(true, 'slipway', '')"

// became finds out, by another connection, what became of a transaction when its own was
// lost.
func (s *Store) became(ctx context.Context, b *begun, err error) error {
	_ = b.conn.Close() // so that there is a place for another one
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestCommit)
	defer cancel()
	for {
		var state sql.NullString
		var there bool
		asked := s.writer.QueryRowContext(ctx, became, b.number, b.began).Scan(&state, &there)
		p, refused := errors.AsType[*pgconn.PgError](asked)
		switch {
		case asked == nil && state.String == "committed" && there:
			return nil
		case asked == nil && state.String == "committed":
			return slipway.Errorf(slipway.Unavailable, "all connections to %s were lost while it committed: nobody knows whether the change was made", s.file).
				WithFix("look before you do it again")
		case asked == nil && state.String == "aborted",
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
