package store

import (
	"context"
	"database/sql"
)

// Execute runs a statement in SQLite's words behind everybody's back.
func (s *Store) Execute(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return s.writer.ExecContext(ctx, query, args...)
}
