// Package store is the only home of SQL: it opens the database, brings its
// tables up to date, and keeps the ledger in it. Start at Open.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	_ "modernc.org/sqlite" // the SQLite driver, pure Go

	"github.com/slipway-cd/slipway"
)

// A Store is an open database.
type Store struct {
	file   string    // or what a PostgreSQL database is called
	writer *database // one connection: SQLite has one writer
	reader *database
	shared *shared  // nil: SQLite
	last   sync.Map // who had the last turn, by pool: see Claim
}

// Open opens the SQLite database in file, makes it if it is not there, and
// brings its tables up to date; prepare, unless it is nil, does the same for
// tables of others. Several processes may do so. In the place of a file may stand
// the URL of a PostgreSQL database, which is there already; see [IsURL].
func Open(ctx context.Context, file string, prepare func(*Store) error) (*Store, error) {
	if IsURL(file) {
		return openShared(ctx, file, prepare)
	}
	if err := wasMoved(file); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, explain("write", file, err)
	}
	// FULL: what was committed survives a power cut. IMMEDIATE: a transaction
	// takes the write lock when it begins, and does not fail half-way. The
	// workflow engine counts on foreign keys.
	writer, err := connect(file, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)", "_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := connect(file, "mode=ro")
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	s := &Store{file: file, writer: writer, reader: reader}
	if err := s.prepare(ctx, prepare); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, explain("write", file, err)
	}
	return s, nil
}

// prepare makes the tables. A power cut may undo what it did, which is then done
// again, so it does not wait for the disk after each of a hundred statements.
func (s *Store) prepare(ctx context.Context, others func(*Store) error) error {
	if _, err := s.writer.ExecContext(ctx, "PRAGMA synchronous = NORMAL"); err != nil {
		return err
	}
	if err := migrate(ctx, s.writer, s.file); err != nil {
		return err
	}
	if others != nil {
		if err := others(s); err != nil {
			return err
		}
	}
	_, err := s.writer.ExecContext(ctx, "PRAGMA synchronous = FULL")
	return err
}

// OpenReadOnly opens the database in file for reading; others may write
// meanwhile. If there is none, or none with tables yet, the error is of kind
// NotFound.
func OpenReadOnly(ctx context.Context, file string) (*Store, error) {
	if IsURL(file) {
		return openSharedReadOnly(ctx, file)
	}
	if err := wasMoved(file); err != nil {
		return nil, err
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nothingYet(file)
	} else if err != nil {
		return nil, explain("read", file, err)
	}
	options := []string{"mode=ro"}
	if settled(file) {
		options = append(options, "immutable=1")
	}
	reader, err := connect(file, options...)
	if err != nil {
		return nil, err
	}
	s := &Store{file: file, reader: reader}
	if err := s.known(ctx); err != nil {
		_ = s.Close() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

func nothingYet(file string) error {
	return slipway.Errorf(slipway.NotFound, "nothing was shipped from here yet: there is no %s", file)
}

// settled reports whether nobody can be writing to the database: this user may
// not, and no writer has left anything in its journal. SQLite then has no use for
// the files beside it, which it could not make.
func settled(file string) bool {
	const write = 2 // W_OK of access(2)
	beside := file + "-shm"
	if _, err := os.Stat(beside); err != nil {
		beside = filepath.Dir(file)
	}
	if syscall.Access(beside, write) == nil {
		return false
	}
	journal, err := os.Stat(file + "-wal")
	return errors.Is(err, fs.ErrNotExist) || err == nil && journal.Size() == 0
}

// Close closes the database. The writer comes last: it takes away the files beside
// the database if nobody else has them open.
func (s *Store) Close() error {
	if s.shared != nil {
		return s.shared.close(s.reader)
	}
	err := s.reader.Close()
	if s.writer != nil {
		err = errors.Join(err, s.writer.Close())
	}
	return err
}

// Writer returns the pool with the one connection that writes, for the workflow
// engine, whose records then commit together with ours. It is nil in a store
// opened for reading, and over PostgreSQL, where there is [Store.OpenPool].
func (s *Store) Writer() *sql.DB {
	if s.writer == nil || s.shared != nil {
		return nil
	}
	return s.writer.DB
}

func connect(file string, options ...string) (*database, error) {
	options = append(options, "_pragma=busy_timeout(10000)")
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: strings.Join(options, "&")}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, explain("open", file, err)
	}
	return &database{DB: db, words: inSQLite}, nil
}

// Explain turns an error that came of writing to the database into one a person
// can act on, if it knows how; any other it returns as it is.
func (s *Store) Explain(err error) error {
	if told := explain("write", s.file, err); slipway.KindOf(told) != slipway.Internal {
		return told
	}
	return err
}

// explain turns an error of the file system or of SQLite into one a person can
// act on.
func explain(doing, file string, err error) error {
	if _, ok := errors.AsType[*slipway.Error](err); ok || err == nil {
		return err
	}
	if IsURL(file) {
		return explainShared(doing, file, err)
	}
	text := err.Error()
	switch {
	case errors.Is(err, fs.ErrPermission), strings.Contains(text, "readonly database"), strings.Contains(text, "unable to open database file"),
		strings.Contains(text, "read-only file system"):
		return slipway.Errorf(slipway.Unavailable, "cannot %s %s: %w", doing, file, err).
			WithFix("give this user permission to %s %s and what is in it", doing, filepath.Dir(file))
	case strings.Contains(text, "disk is full"), strings.Contains(text, "no space left"):
		return slipway.Errorf(slipway.Unavailable, "cannot %s %s: the disk is full", doing, file).
			WithFix("free some space on the disk that holds %s; nothing was half-written", filepath.Dir(file))
	case strings.Contains(text, "not a database"), strings.Contains(text, "malformed"):
		return slipway.Errorf(slipway.Unavailable, "%s is damaged: %w", file, err).
			WithFix("move it away and restore it from a backup; for the environment local a new one may simply be made")
	case strings.Contains(text, "database is locked"):
		return slipway.Errorf(slipway.Busy, "another process is writing to %s", file).WithFix("wait until it is done, and call again")
	}
	return fmt.Errorf("%s %s: %w", doing, file, err)
}
