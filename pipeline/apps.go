package pipeline

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/manifest"
)

// A FoundApp is an app of a repository.
type FoundApp struct {
	Folder   string             // slashes, "." for the root
	Manifest *manifest.Manifest // nil: it cannot be read
	Err      error              // why not
	Source   slipway.Source
}

// Apps finds the apps of the repository in w.Dir, as they are committed.
func Apps(ctx context.Context, w Where) (apps []FoundApp, err error) {
	repo, err := git.Open(ctx, w.Dir, w.Environ)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	files, err := repo.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		a := FoundApp{Folder: path.Dir(file)}
		data, err := os.ReadFile(filepath.Join(repo.Root(), filepath.FromSlash(file)))
		if err != nil {
			return nil, err
		}
		a.Manifest, a.Err = manifest.Load(file, data, w.Shapes)
		if a.Source, _, err = repo.Source(ctx, a.Folder, false); err != nil {
			return nil, err
		}
		apps = append(apps, a)
	}
	return apps, nil
}
