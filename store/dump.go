package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// A Site is where a server keeps what it has: its data folder, and what it shares with
// other servers.
type Site struct {
	Data     string // the data folder
	Database string // the URL of a PostgreSQL database; empty: the database is a file in the data folder
}

// inBackup is where the database lies in a backup that was made of PostgreSQL.
const inBackup = "state/" + FileName

// dump copies a PostgreSQL database, as it is at one moment, to a new file. What is of a
// process or of the workflow engine stays behind: a job that is under way is begun again
// where the file is restored, as after a crash.
func dump(ctx context.Context, url, file string) (err error) {
	from, err := OpenReadOnly(ctx, url)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := from.isWhole(ctx); err != nil {
		return err
	}
	to, err := Open(ctx, file, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	return from.Snapshot(ctx, func(x Snapshot) error {
		return to.Change(ctx, func(t *Tx) error {
			for _, table := range moved() {
				name := fmt.Sprint(table)
				if err := t.fill(ctx, x.tx, name); err != nil {
					return fmt.Errorf("back up the table %s: %w", name, err)
				}
			}
			_, err := t.tx.ExecContext(ctx, "DELETE FROM setting WHERE name = ?", settingMoved)
			return err
		})
	})
}

// fill copies a table of PostgreSQL into the same one of a file, and has numbers that
// were given not be given again.
func (t *Tx) fill(ctx context.Context, from *transaction, table string) error {
	if table == "tree_queue" { // where the copied ledger has put its entries
		if _, err := t.tx.ExecContext(ctx, "DELETE FROM tree_queue"); err != nil {
			return err
		}
	}
	rows, err := from.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	add, err := t.tx.PrepareContext(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+marks(len(columns))+")")
	if err != nil {
		return err
	}
	defer add.Close()
	row, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		targets[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if _, err := add.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return t.given(ctx, from, table)
}

// given notes the highest number that was given in a table that numbers its rows.
func (t *Tx) given(ctx context.Context, from *transaction, table string) error {
	var sequence sql.NullString
	err := from.QueryRowContext(ctx, `SELECT pg_get_serial_sequence(attrelid::regclass::text, attname) FROM pg_attribute
		WHERE attrelid = ?::regclass AND attname = 'id' AND attidentity <> ''`, table).Scan(&sequence)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !sequence.Valid {
		return nil
	}
	var last int64
	if err == nil {
		err = from.QueryRowContext(ctx, "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM "+sequence.String).Scan(&last)
	}
	if err != nil {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, "DELETE FROM sqlite_sequence WHERE name = ?", table); err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, last)
	return err
}
