package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/store/pgtest"
)

// onBoth runs a test over SQLite and over PostgreSQL: see place.
func onBoth(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Run("SQLite", test)
	t.Run("PostgreSQL", func(t *testing.T) {
		pgtest.Need(t)
		test(t)
	})
}

// place is where a test has a database that is empty.
func place(t testing.TB) string {
	t.Helper()
	if strings.Contains(t.Name(), "/PostgreSQL") {
		return pgtest.New(t)
	}
	return filepath.Join(t.TempDir(), "slipway.db")
}
