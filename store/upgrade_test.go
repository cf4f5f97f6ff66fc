package store_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/store"
)

// TestOlderProgram: a program works over newer tables of its generation, for while servers
// are upgraded one after the other old ones do; what it does not know of it does not copy,
// for a copy would lack it.
func TestOlderProgram(t *testing.T) { onBoth(t, testOlderProgram) }

func testOlderProgram(t *testing.T) {
	t.Helper()
	where := place(t)
	s := open(t, where)
	execute(t, s, "CREATE TABLE tomorrow (id INTEGER PRIMARY KEY)")
	execute(t, s, "ALTER TABLE job ADD COLUMN tomorrow TEXT NOT NULL DEFAULT ''")
	execute(t, s, "INSERT INTO schema_version (version_id, is_applied) VALUES (999, "+isTrue(where)+")")
	add(t, open(t, where), 1)
	r, err := store.OpenReadOnly(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if !store.IsURL(where) {
		return
	}
	_, err = store.BackUp(t.Context(), store.Site{Data: t.TempDir(), Database: where}, new(strings.Builder), at(), "test")
	wantError(t, err, slipway.Unavailable, store.NameOf(where)+" was written by a newer Slipway than this one", "use that version, or a newer one")
}

// isTrue is how a database writes that something is so.
func isTrue(where string) string {
	if store.IsURL(where) {
		return "true"
	}
	return "1"
}

// TestMigrationsOnlyAdd: a migration that takes something away that a program before it
// reads begins a generation of its own: its number is a multiple of a thousand.
func TestMigrationsOnlyAdd(t *testing.T) {
	all, err := filepath.Glob("migrations/*.sql")
	more, err2 := filepath.Glob("migrations/postgres/*.sql")
	if err != nil || err2 != nil || len(all) < 10 {
		t.Fatalf("there are %d migrations: %v, %v", len(all), err, err2)
	}
	takes := regexp.MustCompile(`(?i)DROP (TABLE|COLUMN)|RENAME|ADD COLUMN \w+ \w+ NOT NULL[^D]*;`)
	for _, file := range append(all, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		if found := takes.FindString(up); found != "" && !strings.HasSuffix(strings.SplitN(filepath.Base(file), "_", 2)[0], "000") {
			t.Errorf("%s takes something away from programs that are older (%s): give it the number of the next thousand, see docs/decisions/0027", file, found)
		}
	}
}
