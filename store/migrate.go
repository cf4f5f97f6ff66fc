package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/slipway-cd/slipway"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versions is the table that says which migrations a database has had.
const versions = "schema_version"

// migrate brings the tables up to date. Another process may be doing the same:
// where that one was faster, its work is found done.
func migrate(ctx context.Context, db *sql.DB, file string) error {
	p, err := provider(db)
	if err != nil {
		return err
	}
	for range 3 {
		_, err = p.Up(ctx)
		current, target, verr := p.GetVersions(ctx)
		if verr == nil && current > target {
			return tooNew(file)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithTableName(versions))
}

// known says whether this program can read the tables there are.
func (s *Store) known(ctx context.Context) error {
	p, err := provider(s.reader)
	if err != nil {
		return err
	}
	var current int64
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	err = s.reader.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versions).Scan(&current)
	switch {
	case err != nil && strings.Contains(err.Error(), "no such table"), err == nil && current == 0, isUnmade(err):
		return nothingYet(s.file) // a process died while it made the tables
	case err != nil:
		return explain("read", s.file, err)
	case current > newest:
		return tooNew(s.file)
	case current < newest && s.untouched(ctx):
		return nothingYet(s.file) // the same, between two of them
	case current < newest:
		return slipway.Errorf(slipway.Unavailable, "%s was written by an older Slipway", s.file).
			WithFix("any command that changes something, such as slipway ship, brings it up to date")
	}
	return nil
}

// untouched reports whether nothing was ever put into the ledger.
func (s *Store) untouched(ctx context.Context) bool {
	var n int
	err := s.reader.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM ledger LIMIT 1)").Scan(&n)
	return err == nil && n == 0
}

// isUnmade reports whether a process died while it gave a new file the journal in
// which tables are then made: only a writer can undo what it had begun.
func isUnmade(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_READONLY_ROLLBACK
}

func tooNew(file string) error {
	return slipway.Errorf(slipway.Unavailable, "%s was written by a newer Slipway than this one", file).
		WithFix("use that version, or a newer one")
}

// errReadOnly is the fault of whoever writes through a store for reading.
var errReadOnly = errors.New("the database was opened for reading")
