// Package store is the only home of SQL: it opens the database, brings its
// tables up to date, and keeps the ledger in it. Start at Open.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the SQLite driver, pure Go

	"github.com/slipway-cd/slipway"
)

//go:embed migrations/*.sql
var migrations embed.FS

// A Store is an open database.
type Store struct {
	writer *sql.DB // one connection: SQLite has one writer
	reader *sql.DB
}

// Open opens the SQLite database in file, makes it if it is not there, and
// brings its tables up to date; prepare, unless it is nil, does the same for
// tables of others. One process at a time may do so; others use OpenReadOnly.
func Open(ctx context.Context, file string, prepare func(*Store) error) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, explain(file, err)
	}
	// FULL: what was committed survives a power cut. IMMEDIATE: a transaction
	// takes the write lock when it begins, and does not fail half-way.
	writer, err := connect(file, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := connect(file, "mode=ro")
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	s := &Store{writer: writer, reader: reader}
	if err := s.prepare(ctx, prepare); err != nil {
		return nil, errors.Join(explain(file, err), s.Close())
	}
	return s, nil
}

// prepare makes the tables. A power cut may undo what it did, which is then done
// again, so it does not wait for the disk after each of a hundred statements.
func (s *Store) prepare(ctx context.Context, others func(*Store) error) error {
	if _, err := s.writer.ExecContext(ctx, "PRAGMA synchronous = NORMAL"); err != nil {
		return err
	}
	if err := migrate(ctx, s.writer); err != nil {
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
// meanwhile. If there is none, the error is of kind NotFound.
func OpenReadOnly(file string) (*Store, error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, slipway.Errorf(slipway.NotFound, "nothing was shipped from here yet: there is no %s", file)
	} else if err != nil {
		return nil, explain(file, err)
	}
	reader, err := connect(file, "mode=ro")
	if err != nil {
		return nil, err
	}
	return &Store{reader: reader}, nil
}

// Close closes the database.
func (s *Store) Close() error {
	var err error
	if s.writer != nil {
		err = s.writer.Close()
	}
	return errors.Join(err, s.reader.Close())
}

// Writer returns the pool with the one connection that writes, for the workflow
// engine, whose records then commit together with ours. It is nil in a store
// opened for reading.
func (s *Store) Writer() *sql.DB { return s.writer }

func connect(file string, options ...string) (*sql.DB, error) {
	options = append(options, "_pragma=busy_timeout(10000)")
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath(), RawQuery: strings.Join(options, "&")}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, explain(file, err)
	}
	return db, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithTableName("schema_version"))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// explain turns an error of the file system or of SQLite into one a person can
// act on.
func explain(file string, err error) error {
	text := err.Error()
	switch {
	case errors.Is(err, fs.ErrPermission), strings.Contains(text, "readonly database"), strings.Contains(text, "unable to open database file"):
		return slipway.Errorf(slipway.Unavailable, "cannot write %s: %w", file, err).
			WithFix("give this user write permission on %s", filepath.Dir(file))
	case strings.Contains(text, "disk is full"), strings.Contains(text, "no space left"):
		return slipway.Errorf(slipway.Unavailable, "cannot write %s: the disk is full", file).
			WithFix("free some space on the disk that holds %s; nothing was half-written", filepath.Dir(file))
	case strings.Contains(text, "not a database"), strings.Contains(text, "malformed"):
		return slipway.Errorf(slipway.Unavailable, "%s is damaged: %w", file, err).
			WithFix("move it away and restore it from a backup; for the environment local a new one may simply be made")
	}
	return fmt.Errorf("open %s: %w", file, err)
}
