package pipeline

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway-cd/slipway/build"
)

// TidyCaches removes from a state folder the builds that nobody used since a time, and the
// answers of checks from before it. Both are made again where they are asked for.
func TidyCaches(state string, before time.Time) error {
	cache := filepath.Join(state, "cache")
	return errors.Join(
		build.Tidy(filepath.Join(cache, "builds"), before), build.Tidy(filepath.Join(cache, "builds-unmerged"), before),
		tidyAnswers(filepath.Join(cache, "answers"), before),
	)
}

// tidyAnswers removes the answers of checks from before a time: the next check asks again.
func tidyAnswers(dir string, before time.Time) error {
	return filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && e.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.ModTime().Before(before) {
			err = os.Remove(name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	})
}
