package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger/tree"
)

// Moved says what was moved from a file to a PostgreSQL database.
type Moved struct {
	To     string           `json:"to"`
	Rows   map[string]int64 `json:"rows"` // by table
	Head   string           `json:"head"` // signed head of the ledger's tree; empty: it has none
	Again  bool             `json:"again,omitempty"`
	Report tree.Report      `json:"-"`
}

// settingMoved is from which server's folder a database was moved.
const settingMoved = "moved-from"

// ServerID is the file in a state folder with the id of the server that it is of, and the
// name of the setting with the id under which artifact repositories know all who share a
// database.
const ServerID = "server-id"

// Move moves the database of a server that is stopped, in a file, to the empty
// PostgreSQL database with a URL: all of it in one transaction, which ends only when
// every table has as many rows, and the ledger verifies and has the same head. The file
// is set aside then; who opens it is told where everything is. Killed at any time it is
// called again. keys is the folder of the ledger's key, and id the server's.
func Move(ctx context.Context, file, url, keys, id string) (Moved, error) {
	if !IsURL(url) {
		return Moved{}, slipway.Errorf(slipway.Invalid, "%s is not the URL of a PostgreSQL database", url).WithFix("write postgres://USER@HOST/DATABASE")
	}
	to, err := Open(ctx, url, nil)
	if err != nil {
		return Moved{}, err
	}
	defer to.Close()
	m := Moved{To: to.file, Rows: map[string]int64{}}
	if done, err := to.movedFrom(ctx, id); err != nil || done {
		m.Again = done
		if done {
			err = setAside(file, to.file)
		}
		return m, err
	}
	if err := m.copy(ctx, file, to, keys, id); err != nil {
		return m, err
	}
	return m, setAside(file, to.file)
}

// copy copies everything.
func (m *Moved) copy(ctx context.Context, file string, to *Store, keys, id string) error {
	from, err := Open(ctx, file, nil) // which brings its tables up to date
	if err != nil {
		return err
	}
	defer from.Close()
	if err := from.isWhole(ctx); err != nil {
		return err
	}
	var under int64
	if err := from.reader.QueryRowContext(ctx, "SELECT count(*) FROM job WHERE state = 'running'").Scan(&under); err != nil {
		return explain("read", file, err)
	}
	if under > 0 {
		return slipway.Errorf(slipway.Busy, "%d jobs were under way when the server was stopped", under).
			WithFix("start it once more over %s, and stop it with a --drain that is long enough: it ends what it began", filepath.Dir(file))
	}
	if err := from.TakeLogs(ctx, filepath.Dir(keys)); err != nil {
		return err
	}
	public, err := os.ReadFile(filepath.Join(keys, tree.PublicFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return from.Snapshot(ctx, func(x Snapshot) error {
		return to.receive(ctx, x.tx, m, map[string]string{settingMoved: id, ServerID: id, settingKey: strings.TrimSpace(string(public))})
	})
}

// movedFrom reports whether a server's database was moved here before. A database that
// holds anything else is an error of kind Conflict.
func (s *Store) movedFrom(ctx context.Context, id string) (bool, error) {
	var had string
	err := s.reader.QueryRowContext(ctx, "SELECT value FROM setting WHERE name = ?", settingMoved).Scan(&had)
	if err == nil && had == id {
		return true, nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, explain("read", s.file, err)
	}
	full, err := s.full(ctx)
	if err == nil && full {
		return false, slipway.Errorf(slipway.Conflict, "there is something in %s already, and nothing was moved", s.file).WithFix("name a database that is empty")
	}
	return false, err
}

// full reports whether a database holds anything.
func (s *Store) full(ctx context.Context) (full bool, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM ledger) OR EXISTS (SELECT 1 FROM job) OR EXISTS (SELECT 1 FROM token)
		OR EXISTS (SELECT 1 FROM setting) OR EXISTS (SELECT 1 FROM process)`).Scan(&full)
	return full, explain("read", s.file, err)
}

// openEmpty opens a PostgreSQL database that is there and holds nothing.
func openEmpty(ctx context.Context, url string) (*Store, error) {
	s, err := Open(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	full, err := s.full(ctx)
	if err == nil && full {
		err = slipway.Errorf(slipway.Conflict, "there is something in %s already, and nothing was restored", s.file).WithFix("name a database that is empty: createdb makes one")
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// receive takes everything from a file, in one transaction.
func (s *Store) receive(ctx context.Context, from *transaction, m *Moved, settings map[string]string) (err error) {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return explain("write", s.file, err)
	}
	defer conn.Close()
	b, err := begin(context.WithoutCancel(ctx), conn, beginning(change{level: sql.LevelReadCommitted}))
	if err != nil {
		return explain("write", s.file, err)
	}
	defer b.end(ctx)
	tx := &transaction{in: conn, words: inPostgres}
	if _, err := tx.ExecContext(ctx, unhurried); err != nil {
		return explain("write", s.file, err)
	}
	tables, err := gather(ctx, from, func(row cells) (name string, err error) { return name, row.Scan(&name) },
		`SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN (`+marks(len(moved()))+`) ORDER BY name`, moved()...)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if m.Rows[table], err = pour(ctx, from, tx, conn, table); err != nil {
			return explain("write", s.file, fmt.Errorf("move the table %s: %w", table, err))
		}
	}
	if err := m.compare(ctx, from, tx, settings[settingKey]); err != nil {
		return err
	}
	for name, value := range settings {
		if value == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, upsert("setting", "name, value", 1), name, value); err != nil {
			return explain("write", s.file, err)
		}
	}
	return explain("write", s.file, s.commit(context.WithoutCancel(ctx), b, nil, false))
}

// moved are the tables that are moved: all of this package's but those that are of a
// process, of a measurement, or of the database itself. TestMovedTables holds them against the migrations.
func moved() []any {
	return []any{
		"app", "budget", "check_result", "comment", "delegation", "delivery", "event", "job", "job_log", "lease", "ledger", "pending", "pull_request", "ref",
		"refusal", "repository", "session", "setting", "token", "tree_hash", "tree_head", "tree_leaf", "tree_queue", "watched", "watched_run",
	}
}

// pour copies a table, and has numbers that were given not be given again.
func pour(ctx context.Context, from, to *transaction, conn *sql.Conn, table string) (int64, error) {
	if table == "tree_queue" { // where the copied ledger has put its entries
		if _, err := to.ExecContext(ctx, "DELETE FROM tree_queue"); err != nil {
			return 0, err
		}
	}
	rows, err := from.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	var n int64
	err = conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return errors.New("that is not PostgreSQL")
		}
		n, err = c.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, &poured{rows: rows, width: len(columns), asIs: table == "ledger"})
		return err
	})
	if err := errors.Join(err, rows.Err()); err != nil {
		return n, err
	}
	var given int64
	err = from.QueryRowContext(ctx, "SELECT seq FROM sqlite_sequence WHERE name = ?", table).Scan(&given)
	if errors.Is(err, sql.ErrNoRows) {
		return n, nil
	}
	if err == nil && given > 0 {
		_, err = to.ExecContext(ctx, "SELECT setval(pg_get_serial_sequence(?, 'id'), ?)", table, given)
	}
	return n, err
}

// poured are the rows of a table on their way.
type poured struct {
	rows  *sql.Rows
	width int
	asIs  bool // a text that cannot be kept as it is may not be changed
	err   error
}

// Next implements pgx.CopyFromSource.
func (p *poured) Next() bool { return p.err == nil && p.rows.Next() }

// Values implements pgx.CopyFromSource.
func (p *poured) Values() ([]any, error) {
	row, targets := make([]any, p.width), make([]any, p.width)
	for i := range row {
		targets[i] = &row[i]
	}
	if p.err = p.rows.Scan(targets...); p.err != nil {
		return nil, p.err
	}
	for i, v := range row {
		text, ok := v.(string)
		if !ok {
			continue
		}
		row[i] = keepable(text)
		if p.asIs && row[i] != text {
			p.err = slipway.Errorf(slipway.Invalid, "an entry of the ledger holds the text %q, which PostgreSQL cannot keep", text)
			return nil, p.err
		}
	}
	return row, nil
}

// Err implements pgx.CopyFromSource.
func (p *poured) Err() error { return errors.Join(p.err, p.rows.Err()) }

// compare holds what arrived against what was sent: the rows of each table, the newest
// head, and the whole ledger.
func (m *Moved) compare(ctx context.Context, from, to *transaction, public string) error {
	for table, n := range m.Rows {
		var sent, arrived int64
		if err := from.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&sent); err != nil {
			return err
		}
		if err := to.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&arrived); err != nil {
			return err
		}
		if sent != arrived || sent != n {
			return slipway.Errorf(slipway.Internal, "the table %s has %d rows and %d arrived", table, sent, arrived)
		}
	}
	var reports [2]tree.Report
	for i, tx := range []*transaction{from, to} {
		var err error
		if reports[i], err = tree.Verify(ctx, Snapshot{tx}, tree.Against{Public: public}); err != nil {
			return err
		}
		if err := reports[i].Err(); err != nil {
			return err
		}
	}
	if reports[0].Head != reports[1].Head || reports[0].Signed != reports[1].Signed || reports[0].Entries != reports[1].Entries {
		return slipway.Errorf(slipway.Internal, "the ledger had the head %v and has %v where it was moved to", reports[0].Head, reports[1].Head)
	}
	m.Report, m.Head = reports[1], reports[1].Signed
	return nil
}

// Where a file's database was moved to stands in a file beside it, and the file itself is
// kept under another name.
const (
	movedSuffix = ".moved"
	asideSuffix = ".before-move"
)

// setAside puts a database away that was moved. Done again it does what is left.
func setAside(file, to string) error {
	next := file + movedSuffix + ".new"
	if err := os.WriteFile(next, []byte(to+"\n"), 0o600); err != nil {
		return explain("write", file, err)
	}
	if err := os.Rename(next, file+movedSuffix); err != nil {
		return explain("write", file, err)
	}
	err := os.Rename(file, file+asideSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return explain("write", file, err)
}

// wasMoved is the error for a database that is not in its file any more; nil: it is.
func wasMoved(file string) error {
	to, err := os.ReadFile(file + movedSuffix)
	if err != nil {
		return nil //nolint:nilerr // it was not moved
	}
	at := strings.TrimSpace(string(to))
	return slipway.Errorf(slipway.Conflict, "what was in %s was moved to %s", file, at).
		WithFix("name that with --database, or with SLIPWAY_DATABASE; to go back to how it was before, remove %s and call %s what it was called", file+movedSuffix, file+asideSuffix)
}
