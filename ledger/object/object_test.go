package object_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

func TestLedger(t *testing.T) {
	repositorytest.Ledger(t, func(t *testing.T) repositorytest.Store {
		dir := t.TempDir()
		return repositorytest.Store{
			Open: func(t *testing.T) repository.Repository { return openFolder(t, dir) },
			Put: func(t *testing.T, key, text string) {
				remove(t, dir, key)
				if _, err := openFolder(t, dir).Put(t.Context(), key, strings.NewReader(text)); err != nil {
					t.Fatal(err)
				}
			},
			Delete: func(t *testing.T, key string) { remove(t, dir, key) },
		}
	})
}

func remove(t *testing.T, dir, key string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, filepath.FromSlash(key))); err != nil {
		t.Fatal(err)
	}
}

func openFolder(t testing.TB, dir string) *folder.Repository {
	t.Helper()
	r, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newClock() *repositorytest.Clock { return repositorytest.NewClock(at()) }

func stamped(t *testing.T, dir string, clock *repositorytest.Clock) *repositorytest.Stamped {
	t.Helper()
	return &repositorytest.Stamped{Repository: openFolder(t, dir), Clock: clock}
}
