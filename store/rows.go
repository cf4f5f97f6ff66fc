package store

import (
	"context"
	"database/sql"
)

// cells are what one row is read from.
type cells interface{ Scan(into ...any) error }

// list reads the rows that a query finds; none is an empty list.
func list[T any](ctx context.Context, s *Store, scan func(cells) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, explain("read", s.file, err)
	}
	all, err := rowsOf(rows, scan)
	if all == nil {
		all = []T{}
	}
	return all, explain("read", s.file, err)
}

// gather reads the rows that a query finds within a transaction.
func gather[T any](ctx context.Context, tx *transaction, scan func(cells) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return rowsOf(rows, scan)
}

// rowsOf reads all rows.
func rowsOf[T any](rows *sql.Rows, scan func(cells) (T, error)) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
