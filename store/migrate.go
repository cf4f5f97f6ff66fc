package store

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/slipway-cd/slipway"
)

//go:embed migrations/*.sql migrations/postgres/*.sql
var migrations embed.FS

// versions is the table that says which migrations a database has had.
const versions = "schema_version"

// migrate brings the tables up to date. Another process may be doing the same:
// where that one was faster, its work is found done.
func migrate(ctx context.Context, db *database, file string) error {
	p, err := provider(db)
	if err != nil {
		return err
	}
	for range 3 {
		_, err = p.Up(ctx)
		current, target, verr := p.GetVersions(ctx)
		if verr == nil && !mayWork(target, current) && current > target {
			return tooNew(file)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func provider(db *database) (*goose.Provider, error) {
	kind := goose.DialectSQLite3
	if db.words == inPostgres {
		kind = goose.DialectPostgres
	}
	return goose.NewProvider(kind, db.DB, written{db.words}, goose.WithTableName(versions))
}

// written are the migrations in the words of a database. Those that cannot be had from
// SQLite's are in the folder postgres, under the same name.
type written struct{ words dialect }

// Open implements fs.FS.
func (w written) Open(name string) (fs.File, error) {
	data, err := w.ReadFile(name)
	if err != nil {
		return migrations.Open(path.Join("migrations", name))
	}
	info, err := fs.Stat(migrations, path.Join("migrations", name))
	if err != nil {
		return nil, err
	}
	return &text{Reader: bytes.NewReader(data), info: info}, nil
}

// ReadFile implements fs.ReadFileFS.
func (w written) ReadFile(name string) ([]byte, error) {
	if w.words == inPostgres {
		if data, err := migrations.ReadFile(path.Join("migrations", "postgres", name)); err == nil {
			return []byte(w.words.schema(string(data))), nil
		}
	}
	data, err := migrations.ReadFile(path.Join("migrations", name))
	return []byte(w.words.schema(string(data))), err
}

// A text is a file in memory.
type text struct {
	*bytes.Reader
	info fs.FileInfo
}

func (t *text) Stat() (fs.FileInfo, error) { return t.info, nil }
func (t *text) Close() error               { return nil }

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
	case err != nil && strings.Contains(err.Error(), "no such table"), isNoTable(err), err == nil && current == 0, isUnmade(err):
		return nothingYet(s.file) // a process died while it made the tables
	case err != nil:
		return explain("read", s.file, err)
	case current > newest && !mayWork(newest, current):
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
	err := s.reader.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM ledger LIMIT 1) AS first").Scan(&n)
	return err == nil && n == 0
}

// isUnmade reports whether a process died while it gave a new file the journal in
// which tables are then made: only a writer can undo what it had begun.
func isUnmade(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_READONLY_ROLLBACK
}

// generation is how many migrations one generation of tables has room for. Migrations of
// one generation only add, so that every program of it works over all of its tables: while
// servers are upgraded one after the other, old ones work over newer tables than they
// know. One that takes something away, or gives it another meaning, begins the next
// generation: its number is the next thousand.
const generation = 1000

// mayWork reports whether a program that knows one version of the tables may work over
// newer ones.
func mayWork(knows, current int64) bool { return knows/generation == current/generation }

// isWhole says whether this program knows all tables there are: one that copies them is
// to leave none out.
func (s *Store) isWhole(ctx context.Context) error {
	p, err := provider(s.reader)
	if err != nil {
		return err
	}
	current, newest, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return explain("read", s.file, err)
	case current > newest:
		return tooNew(s.file)
	}
	return nil
}

func tooNew(file string) error {
	return slipway.Errorf(slipway.Unavailable, "%s was written by a newer Slipway than this one", file).
		WithFix("use that version, or a newer one")
}

// errReadOnly is the fault of whoever writes through a store for reading.
var errReadOnly = errors.New("the database was opened for reading")
