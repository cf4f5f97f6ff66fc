package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

// A Ledger keeps ledgers and leases in the database.
type Ledger struct {
	store *Store
	clock func() time.Time
}

var (
	_ ledger.Ledger = (*Ledger)(nil)
	_ ledger.Leaser = (*Ledger)(nil)
)

// Ledger returns the ledger in the database. The clock judges leases: all who
// share the database share a machine, or have clocks that agree.
func (s *Store) Ledger(clock func() time.Time) *Ledger {
	return &Ledger{store: s, clock: clock}
}

const columns = "app, environment, number, prev, id, kind, time, writer, body, statements, hash"

// Append implements ledger.Ledger.
func (l *Ledger) Append(ctx context.Context, d ledger.Draft) (ledger.Entry, error) {
	var e ledger.Entry
	err := l.store.Change(ctx, func(tx *Tx) (err error) {
		e, err = tx.Append(ctx, d)
		return err
	})
	return e, err
}

func appendEntry(ctx context.Context, tx *transaction, d ledger.Draft) (ledger.Entry, error) {
	row := tx.QueryRowContext(ctx, "SELECT "+columns+" FROM ledger WHERE app = ? AND environment = ? AND id = ?", d.App, d.Environment, d.ID)
	if e, err := scan(row); !errors.Is(err, sql.ErrNoRows) {
		return e, err
	}
	row = tx.QueryRowContext(ctx, "SELECT "+columns+" FROM ledger WHERE app = ? AND environment = ? ORDER BY number DESC LIMIT 1", d.App, d.Environment)
	head, err := scan(row)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return head, err
	}
	e, err := ledger.Seal(head, d)
	if err != nil {
		return ledger.Entry{}, err
	}
	return e, insertEntry(ctx, tx, e)
}

func insertEntry(ctx context.Context, tx *transaction, e ledger.Entry) error {
	for _, text := range []string{e.App, e.Environment, e.ID, e.Kind, e.By} {
		if tx.words == inPostgres && keepable(text) != text {
			return slipway.Errorf(slipway.Invalid, "an entry of the ledger holds the text %q, which cannot be kept", text)
		}
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO ledger ("+columns+") VALUES ("+marks(11)+")",
		e.App, e.Environment, e.Number, string(e.Prev), e.ID, e.Kind, e.Time.Format(time.RFC3339Nano), e.By, string(e.Body), joined(e.Statements), string(e.Hash))
	return err
}

// Entries implements ledger.Ledger.
func (l *Ledger) Entries(ctx context.Context, s ledger.Subject, after int64) ([]ledger.Entry, error) {
	rows, err := l.store.reader.QueryContext(ctx, "SELECT "+columns+" FROM ledger WHERE app = ? AND environment = ? AND number >= ? ORDER BY number",
		s.App, s.Environment, after)
	if err != nil {
		return nil, l.unreadable(err)
	}
	defer rows.Close()
	var entries []ledger.Entry
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, l.unreadable(err)
		}
		entries = append(entries, e)
	}
	if err := rows.Err(); err != nil {
		return nil, l.unreadable(err)
	}
	return verified(s, entries, after)
}

// verified proves that entries are a chain, and returns those above after. The
// first of entries is the one numbered after, if there is one.
func verified(s ledger.Subject, entries []ledger.Entry, after int64) ([]ledger.Entry, error) {
	var before ledger.Entry
	if after > 0 && len(entries) > 0 {
		if entries[0].Number != after {
			return nil, ledger.Broken(s, after, "it is missing, and %d stands in its place", entries[0].Number)
		}
		before, entries = entries[0], entries[1:]
		hash, err := ledger.Hash(before)
		if err != nil || hash != before.Hash {
			return nil, ledger.Broken(s, before.Number, "it was changed: its hash is %s and its bytes have %s", before.Hash, hash)
		}
	}
	if err := ledger.Verify(s, before, entries); err != nil {
		return nil, err
	}
	return entries, nil
}

// Subjects implements ledger.Ledger.
func (l *Ledger) Subjects(ctx context.Context) ([]ledger.Subject, error) {
	rows, err := l.store.reader.QueryContext(ctx, "SELECT app, environment FROM ledger WHERE number = 1 ORDER BY app, environment")
	if err != nil {
		return nil, l.unreadable(err)
	}
	defer rows.Close()
	var subjects []ledger.Subject
	for rows.Next() {
		var s ledger.Subject
		if err := rows.Scan(&s.App, &s.Environment); err != nil {
			return nil, l.unreadable(err)
		}
		subjects = append(subjects, s)
	}
	if err := rows.Err(); err != nil {
		return nil, l.unreadable(err)
	}
	return subjects, nil
}

func (l *Ledger) unreadable(err error) error { return explain("read", l.store.file, err) }

func scan(row cells) (ledger.Entry, error) {
	var e ledger.Entry
	var when, body, statements, prev, hash string
	if err := row.Scan(&e.App, &e.Environment, &e.Number, &prev, &e.ID, &e.Kind, &when, &e.By, &body, &statements, &hash); err != nil {
		return ledger.Entry{}, err
	}
	var err error
	e.Time, err = time.Parse(time.RFC3339Nano, when)
	e.Prev, e.Hash, e.Body = slipway.Digest(prev), slipway.Digest(hash), json.RawMessage(body)
	for s := range strings.FieldsSeq(statements) {
		e.Statements = append(e.Statements, slipway.Digest(s))
	}
	return e, err
}

// joined writes digests with blanks between them.
func joined(all []slipway.Digest) string {
	var texts []string
	for _, d := range all {
		texts = append(texts, string(d))
	}
	return strings.Join(texts, " ")
}
