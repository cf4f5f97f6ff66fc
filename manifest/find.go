package manifest

import (
	"io/fs"
	"path"

	"github.com/slipway-cd/slipway"
)

// PlatformPlaces returns where a platform file may lie when nothing names it, in
// the order to look: beside the manifest, then above it up to the repository's
// root. dir is the manifest's folder, relative to that root, with slashes.
func PlatformPlaces(dir string) []string {
	var places []string
	for at := path.Clean(dir); ; at = path.Dir(at) {
		places = append(places, path.Join(at, PlatformFileName))
		if at == "." || at == "/" || at == ".." {
			return places
		}
	}
}

// FindPlatform returns the first of PlatformPlaces that is in the repository, or
// "" if there is none.
func FindPlatform(repository fs.FS, dir string) (string, error) {
	if !fs.ValidPath(path.Clean(dir)) {
		return "", slipway.Errorf(slipway.Invalid, "%s is not a folder of the repository", dir)
	}
	for _, file := range PlatformPlaces(dir) {
		if info, err := fs.Stat(repository, file); err == nil && info.Mode().IsRegular() {
			return file, nil
		}
	}
	return "", nil
}
