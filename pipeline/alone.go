package pipeline

import (
	"context"
	"path/filepath"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
)

// onlyOne refuses an app whose name another app of the repository has: what one
// ships would take the other's place.
func (p *Project) onlyOne(ctx context.Context) error {
	all, err := p.apps(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.folder != p.Folder && a.name == p.Manifest.App {
			return slipway.Errorf(slipway.Invalid, "two apps of this repository have the name %s: those in %s and %s", a.name, p.Folder, a.folder).
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
