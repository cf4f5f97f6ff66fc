package folder_test

import (
	"path/filepath"
	"testing"

	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

func TestRepository(t *testing.T) {
	repositorytest.Run(t, func(t *testing.T) repositorytest.Repo {
		dir := filepath.Join(t.TempDir(), "not", "yet", "there")
		return repositorytest.Repo{
			Repository: open(t, dir),
			Reopen:     func(t *testing.T) repository.Repository { return open(t, dir) },
		}
	})
}

func open(t testing.TB, dir string) *folder.Repository {
	t.Helper()
	r, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
