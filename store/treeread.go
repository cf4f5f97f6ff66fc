package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/tree"
)

// A Snapshot is the ledger and its tree at one moment, however others write
// meanwhile. Nothing that it reads was verified.
type Snapshot struct {
	tx *transaction
}

var _ tree.Source = Snapshot{}

// Snapshot lets fn read the ledger and its tree as they are at one moment.
func (s *Store) Snapshot(ctx context.Context, fn func(Snapshot) error) error {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: s.reader.words.snapshot()})
	if err != nil {
		return explain("read", s.file, err)
	}
	defer func() { _ = tx.Rollback() }() // it only read
	if s.shared != nil {
		if _, err := tx.ExecContext(ctx, unhurried); err != nil {
			return explain("read", s.file, err)
		}
	}
	return explain("read", s.file, fn(Snapshot{&transaction{in: tx, words: s.reader.words}}))
}

// Subjects implements tree.Source.
func (s Snapshot) Subjects(ctx context.Context) ([]ledger.Subject, error) {
	return gather(ctx, s.tx, func(row cells) (x ledger.Subject, err error) {
		err = row.Scan(&x.App, &x.Environment)
		return x, err
	}, "SELECT app, environment FROM ledger UNION SELECT app, environment FROM tree_leaf UNION SELECT app, environment FROM tree_queue ORDER BY 1, 2")
}

// Chain implements tree.Source.
func (s Snapshot) Chain(ctx context.Context, x ledger.Subject) ([]tree.Row, error) {
	return gather(ctx, s.tx, func(row cells) (tree.Row, error) {
		var cells rowCells
		err := row.Scan(cells.targets()...)
		return cells.row(), err
	}, "SELECT "+columns+" FROM ledger WHERE app = ? AND environment = ? ORDER BY number", x.App, x.Environment)
}

// Leaves implements tree.Source.
func (s Snapshot) Leaves(ctx context.Context, x ledger.Subject) ([]tree.Leaf, error) {
	return gather(ctx, s.tx, func(row cells) (tree.Leaf, error) {
		l := tree.Leaf{Subject: x}
		err := row.Scan(&l.Number, &l.Index)
		return l, err
	}, "SELECT number, leaf FROM tree_leaf WHERE app = ? AND environment = ? ORDER BY number", x.App, x.Environment)
}

// Waiting implements tree.Source.
func (s Snapshot) Waiting(ctx context.Context, x ledger.Subject) ([]int64, error) {
	return gather(ctx, s.tx, func(row cells) (n int64, err error) {
		err = row.Scan(&n)
		return n, err
	}, "SELECT number FROM tree_queue WHERE app = ? AND environment = ? ORDER BY number", x.App, x.Environment)
}

// Hashes implements tree.Source.
func (s Snapshot) Hashes(ctx context.Context, fn func(int64, []byte) error) error {
	rows, err := s.tx.QueryContext(ctx, "SELECT id, hash FROM tree_hash ORDER BY id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var hash sql.RawBytes
		if err := rows.Scan(&id, &hash); err != nil {
			return err
		}
		if err := fn(id, hash); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Heads implements tree.Source.
func (s Snapshot) Heads(ctx context.Context) ([]tree.SignedHead, error) {
	return gather(ctx, s.tx, func(row cells) (h tree.SignedHead, err error) {
		err = row.Scan(&h.Size, &h.Note)
		return h, err
	}, "SELECT size, note FROM tree_head ORDER BY size")
}

// rowCells are the columns of an entry as they are kept, as text.
type rowCells struct {
	app, environment, prev, id, kind, time, writer, body, statements, hash sql.NullString
	number                                                                 sql.NullInt64
}

// targets are where a row is read into, in the order of columns.
func (c *rowCells) targets() []any {
	return []any{&c.app, &c.environment, &c.number, &c.prev, &c.id, &c.kind, &c.time, &c.writer, &c.body, &c.statements, &c.hash}
}

// prefixed are the columns of an entry in a table that has another name.
func prefixed(table string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}

// row is the entry, and whether it is written byte for byte as an entry is: there are
// texts that mean the same time or the same JSON.
func (c *rowCells) row() tree.Row {
	r := tree.Row{Entry: ledger.Entry{
		Subject: ledger.Subject{App: c.app.String, Environment: c.environment.String}, Number: c.number.Int64,
		Prev: slipway.Digest(c.prev.String), ID: c.id.String, Kind: c.kind.String, By: c.writer.String,
		Body: json.RawMessage(c.body.String), Hash: slipway.Digest(c.hash.String),
	}}
	for s := range strings.FieldsSeq(c.statements.String) {
		r.Entry.Statements = append(r.Entry.Statements, slipway.Digest(s))
	}
	var err error
	r.Entry.Time, err = time.Parse(time.RFC3339Nano, c.time.String)
	body, canonical := ledger.Canonical(r.Entry.Body)
	switch {
	case err != nil || r.Entry.Time.Format(time.RFC3339Nano) != c.time.String:
		r.Odd = "its time is not written as a time is"
	case canonical != nil || string(body) != c.body.String:
		r.Odd = "its body is not written as a body is"
	case joined(r.Entry.Statements) != c.statements.String:
		r.Odd = "its statements are not written as statements are"
	}
	return r
}
