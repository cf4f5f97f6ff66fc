package pipeline

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/merge"
)

// LoadMergeRules reads what merges have to meet by the files of the repository
// around the folder, as they lie there, and what the linter finds about them. The
// platform file is that of the app that is named, or that lies in the folder or
// above it, or else of the first app.
func LoadMergeRules(ctx context.Context, w Where) (rules merge.Rules, found []merge.Finding, err error) {
	repo, err := git.Open(ctx, w.Dir, w.Environ)
	if err != nil {
		return merge.Rules{}, nil, err
	}
	p := &Project{Git: repo, Root: repo.Root(), State: filepath.Join(repo.Root(), StateFolder), environ: w.Environ, shapes: w.Shapes}
	defer func() { err = errors.Join(err, repo.Close()) }()
	sources, err := p.sources(ctx, w)
	if err != nil {
		return merge.Rules{}, nil, err
	}
	if len(sources) == 0 {
		return merge.Rules{}, nil, slipway.Errorf(slipway.NotFound, "%s has no app", p.Root).WithFix("slipway init writes a manifest")
	}
	at, err := p.find(ctx, w.Dir, w.App)
	i := slices.IndexFunc(sources, func(s merge.Source) bool { return s.Folder == at })
	switch {
	case err != nil && w.App != "":
		return merge.Rules{}, nil, err
	case err != nil || i < 0:
		i = 0
	}
	p.Folder, p.Manifest = sources[i].Folder, sources[i].Manifest
	if err := p.readPlatform(ctx, w); err != nil {
		return merge.Rules{}, nil, err
	}
	return merge.Gather(p.Platform, sources...), merge.Lint(p.Platform, sources...), nil
}

// sources are the manifests of the repository, as they lie in the working tree.
func (p *Project) sources(ctx context.Context, w Where) ([]merge.Source, error) {
	files, err := p.Git.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	var all []merge.Source
	var wrong []error
	for _, file := range files {
		full := filepath.Join(p.Root, filepath.FromSlash(file))
		data, err := os.ReadFile(full)
		if errors.Is(err, os.ErrNotExist) {
			continue // committed, and deleted here
		}
		if err != nil {
			return nil, err
		}
		m, err := manifest.Load(shown(w.Dir, full), data, p.shapes)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, merge.Source{Folder: path.Dir(file), Manifest: m})
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return all, nil
}
