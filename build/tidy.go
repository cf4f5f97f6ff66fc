package build

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Keep has the cache know by a clock when what is in it was used last. See [Tidy].
func (s *Stage) Keep(clock func() time.Time) { s.cache.now = clock }

// Tidy removes the builds in a cache that nobody used since a time.
func Tidy(dir string, before time.Time) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !e.IsDir() { // the lock
			continue
		}
		folder := filepath.Join(dir, e.Name())
		used, statErr := os.Stat(filepath.Join(folder, "entry"))
		if errors.Is(statErr, fs.ErrNotExist) { // one that was only begun
			used, statErr = os.Stat(folder)
		}
		if statErr == nil && used.ModTime().Before(before) {
			statErr = os.RemoveAll(folder)
		}
		if !errors.Is(statErr, fs.ErrNotExist) { // else its builder was done with it
			err = errors.Join(err, statErr)
		}
	}
	return err
}
