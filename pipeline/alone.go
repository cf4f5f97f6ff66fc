package pipeline

import (
	"context"
	"os"
	"path"
	"path/filepath"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

// onlyOne refuses an app whose name another app of the repository has: what one
// ships would take the other's place.
func (p *Project) onlyOne(ctx context.Context) error {
	files, err := p.Git.Manifests(ctx)
	if err != nil {
		return err
	}
	for _, file := range files {
		folder := path.Dir(file)
		if folder == p.Folder {
			continue
		}
		data, err := os.ReadFile(filepath.Join(p.Root, filepath.FromSlash(file)))
		if err != nil {
			continue // committed, and deleted in the working tree
		}
		m, err := manifest.Load(file, data, p.shapes)
		if err == nil && m.App == p.Manifest.App {
			return slipway.Errorf(slipway.Invalid, "two apps of this repository have the name %s: those in %s and %s", m.App, p.Folder, folder).
				WithFix("give one of them another name in its %s: what one ships would take the other's place", manifest.FileName)
		}
	}
	return nil
}

// ownRoot refuses an environment on this machine whose root another one has: an
// app's job in one would take the place of its job in the other.
func (p *Project) ownRoot(e manifest.Environment) error {
	if e.Runtime != "local" {
		return nil
	}
	for _, name := range p.Platform.EnvironmentNames() {
		if name == e.Name {
			continue
		}
		other, err := p.Environment(name)
		if err != nil || other.Runtime != "local" || filepath.Clean(other.Root) != filepath.Clean(e.Root) {
			continue
		}
		return slipway.Errorf(slipway.Invalid, "environments %s and %s have the same root: %s", e.Name, name, e.Root).
			WithFix("give one of them a root of its own in %s, or none: jobs of one would take the place of the other's", p.Platform.File)
	}
	return nil
}
