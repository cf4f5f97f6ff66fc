package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/store"
)

// old makes a file with a time.
func old(t *testing.T, at time.Time, parts ...string) string {
	t.Helper()
	name := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{name, filepath.Dir(name)} {
		if err := os.Chtimes(n, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// TestDiskTidied: builds, answers and mirrors that nobody used for long are removed.
func TestDiskTidied(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	commit := w.push(t, "hello", map[string]string{"a.txt": "a\n"})
	s, err := New(t.Context(), w.config(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := s.mirror(t.Context(), at{"home", "hello"}, commit); err != nil {
		t.Fatal(err)
	}
	now := s.Clock()
	long, short := now.Add(-s.kept().Caches-time.Hour), now.Add(-time.Hour)
	cache, mirrors := filepath.Join(s.stateFolder(), "cache"), filepath.Join(s.Folder, "git")
	gone := []string{
		old(t, long, cache, "builds", "a", "entry"), old(t, long, cache, "builds-unmerged", "a", "entry"),
		old(t, long, cache, "answers", "checks", "a"), old(t, long, mirrors, "other", mirrorUsed),
	}
	stays := []string{
		old(t, short, cache, "builds", "b", "entry"), old(t, long, cache, "builds", "b", "files", "a.py"),
		old(t, short, cache, "answers", "checks", "b"), old(t, long, cache, "builds", "lock"),
		filepath.Join(mirrors, fileName(at{"home", "hello"}.String()), "HEAD"),
	}
	s.tidyDiskOnce(t.Context())
	for _, name := range gone {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	for _, name := range stays {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// TestDatabaseTidied: the server that leads deletes what the platform file does not keep,
// and its figures say so.
func TestDatabaseTidied(t *testing.T) {
	w := newWorld(t)
	w.write(t, "platform.yaml", strings.Replace(platformText, "server:\n", "server:\n  keep: {jobs: 2h}\n", 1))
	s, h := w.idle(t)
	if err := s.join(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.store.Change(t.Context(), func(tx *store.Tx) error {
		for id, age := range map[string]time.Duration{"old": 3 * time.Hour, "new": time.Hour} {
			if _, err := tx.Hear(t.Context(), "hub", id, "push", s.Clock().Add(-age)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.tidyDatabase(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, text := get(t, h, "/metrics"); code != 200 || !strings.Contains(text, "\nslipway_tidied_rows_total 1\n") || strings.Contains(text, "\nslipway_tidied_timestamp_seconds 0\n") {
		t.Errorf("the figures are %d\n%s", code, text)
	}
}
