package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/slipway-cd/slipway"
)

// shared is what a store over PostgreSQL, which several processes share, has beside
// its pool.
type shared struct {
	pool *pgxpool.Pool
	self string // tells this store's messages from those of others

	open context.Context //nolint:containedctx // it is as long as the store is open
	stop context.CancelFunc
	work sync.WaitGroup
	news map[Topic]chan struct{} // something is to be told to others

	wires *wires

	mu      sync.Mutex
	process Process // that joined; its zero value: none
}

// Locks of the whole database, by number.
const (
	lockEvents     int64 = 0x51_1b_0a_01 // held from an event's number to the end of its transaction
	lockMigrations int64 = 0x51_1b_0a_02
)

// connections is how many connections a process has at most, unless its URL says
// pool_max_conns.
const connections = 16

// IsURL reports whether the place of a database is the URL of a PostgreSQL database
// and not a file.
func IsURL(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// NameOf is what a database is called where people and logs read it: a URL without
// its password.
func NameOf(where string) string {
	if !IsURL(where) {
		return where
	}
	c, err := pgconn.ParseConfig(where)
	if err != nil {
		return "the PostgreSQL database"
	}
	at := c.Host
	if !strings.HasPrefix(at, "/") {
		at = net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))
	}
	return fmt.Sprintf("postgres://%s@%s/%s", c.User, at, c.Database)
}

// openShared opens a PostgreSQL database and brings its tables up to date. Of several
// processes one does that, and the others wait for it.
func openShared(ctx context.Context, where string, prepare func(*Store) error) (*Store, error) {
	s, err := connectShared(ctx, where)
	if err != nil {
		return nil, err
	}
	s.writer = s.reader
	if err := s.mayMake(ctx); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, err
	}
	err = s.locked(ctx, lockMigrations, func() error {
		if err := migrate(ctx, s.writer, s.file); err != nil || prepare == nil {
			return err
		}
		return prepare(s)
	})
	if err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, explain("write", s.file, err)
	}
	for topic := range topics {
		s.shared.work.Go(func() { s.tellOthers(topic) }) //nolint:contextcheck // it is as long as the store is open
	}
	return s, nil
}

// mayMake says whether tables may be made there.
func (s *Store) mayMake(ctx context.Context) error {
	var may sql.NullBool
	err := s.reader.QueryRowContext(ctx, "SELECT has_schema_privilege(current_schema(), 'CREATE')").Scan(&may)
	if err == nil && !may.Bool {
		return slipway.Errorf(slipway.Unavailable, "the user may not make tables in %s", s.file).
			WithFix("the user must own the database: ALTER DATABASE ... OWNER TO ...")
	}
	return explain("write", s.file, err)
}

// openSharedReadOnly opens a PostgreSQL database for reading.
func openSharedReadOnly(ctx context.Context, where string) (*Store, error) {
	s, err := connectShared(ctx, where)
	if err != nil {
		return nil, err
	}
	if err := s.known(ctx); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

// connectShared makes the pool, and says what is wrong if nobody answers.
func connectShared(ctx context.Context, where string) (*Store, error) {
	name := NameOf(where)
	c, err := pgxpool.ParseConfig(where)
	if err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "that is not the URL of a PostgreSQL database: %s", told(err)).
			WithFix("write postgres://USER@HOST:PORT/DATABASE")
	}
	if !strings.Contains(where, "pool_max_conns=") {
		c.MaxConns = connections
	}
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = patience
	}
	set := c.ConnConfig.RuntimeParams
	if set["application_name"] == "" {
		set["application_name"] = "slipway"
	}
	// What a lost process held must not be held until somebody's TCP gives up; and a
	// transaction stands still for no good reason. One that a frozen machine has open has
	// locks for which all others wait.
	set["idle_in_transaction_session_timeout"] = strconv.FormatInt(standstill.Milliseconds(), 10)
	set["tcp_user_timeout"] = strconv.FormatInt(deaf.Milliseconds(), 10)
	set["tcp_keepalives_idle"], set["tcp_keepalives_interval"], set["tcp_keepalives_count"] = "5", "2", "3"
	known := &wires{open: map[*wire]bool{}}
	c.ConnConfig.DialFunc = known.dial
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, explain("open", name, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, explain("open", name, err)
	}
	open, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Store{file: name, reader: &database{DB: stdlib.OpenDBFromPool(pool), words: inPostgres}}
	s.shared = &shared{pool: pool, self: fmt.Sprintf("%016x", rand.Uint64()), open: open, stop: stop, news: map[Topic]chan struct{}{}, wires: known} //nolint:gosec // it is no secret
	for topic := range topics {
		s.shared.news[topic] = make(chan struct{}, 1)
	}
	return s, nil
}

func (h *shared) close(db *database) error {
	h.stop()
	h.work.Wait()
	err := db.Close()
	h.pool.Close()
	return err
}

// Shared reports whether other processes may do jobs over the same database.
func (s *Store) Shared() bool { return s.shared != nil }

// OpenPool opens another pool of connections to a PostgreSQL database, for the workflow
// engine, which closes it.
func (s *Store) OpenPool(ctx context.Context) (*pgxpool.Pool, error) {
	pool, err := pgxpool.NewWithConfig(ctx, s.shared.pool.Config())
	return pool, explain("open", s.file, err)
}

// locked runs fn while no other process runs anything under that lock.
func (s *Store) locked(ctx context.Context, lock int64, fn func() error) (err error) {
	c, err := s.shared.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	if _, err := c.Exec(ctx, "SELECT pg_advisory_lock($1)", lock); err != nil {
		return err
	}
	defer func() {
		if _, free := c.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", lock); free != nil {
			_ = c.Conn().Close(context.WithoutCancel(ctx)) // that frees it too
		}
	}()
	return fn()
}

// standstill is how long a transaction may wait for its next statement. unhurried is said
// in one that reads, or has the database for itself, and takes its time in between.
const (
	standstill = 4 * time.Second
	unhurried  = "SET LOCAL idle_in_transaction_session_timeout = '10min'"
)

// patience is how long an answer of the database is waited for where nothing else is
// said.
const patience = 10 * time.Second

// told is what a fault of pgx says, on one line.
func told(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// explainShared turns an error of PostgreSQL or of the way to it into one a person can
// act on.
func explainShared(doing, name string, err error) error {
	if p, ok := errors.AsType[*pgconn.PgError](err); ok {
		return explainCode(doing, name, p, err)
	}
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	if isCut(err) || connecting {
		return slipway.Errorf(slipway.Unavailable, "cannot reach %s: %s", name, told(err)).
			WithFix("is it running, and may this machine connect to it? psql %s", name)
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}

// explainCode says what an error code of PostgreSQL means for who sees it (its manual,
// appendix A).
func explainCode(doing, name string, p *pgconn.PgError, err error) error {
	switch class := p.Code[:min(2, len(p.Code))]; {
	case p.Code == "3D000":
		return slipway.Errorf(slipway.NotFound, "there is no database there yet: %s", name).WithFix("make it: createdb, or CREATE DATABASE in psql")
	case class == "28":
		return slipway.Errorf(slipway.Unavailable, "%s does not let us in: %s", name, p.Message).
			WithFix("check the user's name, and its password: in SLIPWAY_SECRET_..., PGPASSWORD or ~/.pgpass")
	case p.Code == "42501":
		return slipway.Errorf(slipway.Unavailable, "cannot %s %s: %s", doing, name, p.Message).
			WithFix("the user must own the database: ALTER DATABASE ... OWNER TO ...")
	case p.Code == "25006":
		return slipway.Errorf(slipway.Unavailable, "%s is a standby, or is only to be read", name).WithFix("name the primary; target_session_attrs=read-write in the URL finds it among several hosts")
	case p.Code == "53100":
		return slipway.Errorf(slipway.Unavailable, "cannot %s %s: the disk of the database is full", doing, name).WithFix("make room there; nothing was half-written")
	case class == "53":
		return slipway.Errorf(slipway.Unavailable, "%s has too much to do: %s", name, p.Message).
			WithFix("raise max_connections, or put pool_max_conns=8 into each server's URL")
	case class == "57" || class == "08":
		return slipway.Errorf(slipway.Unavailable, "cannot reach %s: %s", name, p.Message).WithFix("it is starting, ending, or was restarted: wait for it")
	case isRace(err):
		return slipway.Errorf(slipway.Busy, "others are writing the same to %s again and again", name).WithFix("try again")
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}

// isRace reports whether a transaction was undone because another one came first: it
// is to be done again.
func isRace(err error) bool {
	p, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (p.Code == "40001" || p.Code == "40P01")
}

// isTaken reports whether a key was there already. Where others write at once that may
// be found in this way only, and whoever looks again finds it as usual.
func isTaken(err error) bool {
	p, ok := errors.AsType[*pgconn.PgError](err)
	return ok && p.Code == "23505"
}

// isNoTable reports whether a table is missing.
func isNoTable(err error) bool {
	p, ok := errors.AsType[*pgconn.PgError](err)
	return ok && p.Code == "42P01"
}

// isCut reports whether the connection is gone, so that nobody knows what the database
// did last.
func isCut(err error) bool {
	if p, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(p.Code, "57P") || strings.HasPrefix(p.Code, "08") || p.Code == "25P03" // it stood still in a transaction
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return pgconn.SafeToRetry(err) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "unexpected EOF")
}
