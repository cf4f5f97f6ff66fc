package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-cd/slipway"
)

// digestDir names the content of a folder: names, modes and bytes.
func digestDir(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var data []byte
		if info.Mode()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(file)
			if err != nil {
				return err
			}
			data = []byte(to)
		} else if data, err = os.ReadFile(file); err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		fmt.Fprintf(h, "%o %s %s\x00", info.Mode(), slipway.DigestOf(data), filepath.ToSlash(rel))
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}
