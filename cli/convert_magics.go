package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/notebook"
)

// magicActions reads what the platform says about magics: in the file that was
// named, or else in the one that lies in this folder or above it, up to the
// repository's root.
func (s *session) magicActions() (map[string]notebook.Action, error) {
	if s.globals.Platform != "" {
		data, err := os.ReadFile(s.path(s.globals.Platform))
		return actionsIn(s.globals.Platform, data, err)
	}
	for dir := s.env.Dir; ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, manifest.PlatformFileName)
		data, err := os.ReadFile(file)
		if !errors.Is(err, fs.ErrNotExist) {
			return actionsIn(file, data, err)
		}
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil || dir == filepath.Dir(dir) {
			return nil, nil
		}
	}
}

func actionsIn(file string, data []byte, err error) (map[string]notebook.Action, error) {
	if err != nil {
		return nil, slipway.Errorf(slipway.NotFound, "cannot read %s: %w", file, reason(err))
	}
	p, err := manifest.LoadPlatform(file, data)
	return p.MagicActions(), err
}
