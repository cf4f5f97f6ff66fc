package store

import (
	"context"
	"database/sql"
	"strings"
	"testing"
)

// Execute runs a statement in SQLite's words behind everybody's back.
func (s *Store) Execute(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return s.writer.ExecContext(ctx, query, args...)
}

// MustExecute runs a statement behind everybody's back.
func (s *Store) MustExecute(t *testing.T, query string) {
	t.Helper()
	if _, err := s.writer.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// Query asks behind everybody's back.
func (s *Store) Query(ctx context.Context, query string) (*sql.Rows, error) {
	return s.reader.QueryContext(ctx, query)
}

// URL is by what the database was opened.
func (s *Store) URL() string {
	url, _, _ := strings.Cut(s.shared.pool.Config().ConnString(), "&pool_")
	return url
}

// MovedTables are the tables that are moved.
func MovedTables() []any { return moved() }

// Size is how many bytes the database has.
func (s *Store) Size(t testing.TB) (n int64) {
	t.Helper()
	query := "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	if s.shared != nil {
		query = "SELECT pg_database_size(current_database())"
	}
	if err := s.reader.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
