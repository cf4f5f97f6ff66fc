package pipeline

import (
	"os"
	"path/filepath"
	"testing"
)

// What is cleared away is gone, with what could not be removed the last time; what
// others have beside it stays, and nothing to clear away is no error.
func TestClearAway(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"work/1/tree/file", "work.gone-before/2/file", "other/file"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := ClearAway(filepath.Join(dir, "work")); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 1 || left[0].Name() != "other" {
			t.Fatalf("there is left: %v (%v)", left, err)
		}
	}
}
