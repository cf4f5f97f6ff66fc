package local

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// pythonFiles are our awsglue and the launcher.
//
//go:embed all:python
var pythonFiles embed.FS

// launcher is the script that every run starts with.
const launcher = "slipway_run.py"

// installShim puts awsglue and the launcher into the cache, once for each
// content, and returns their folder.
func (d *Driver) installShim() (string, error) {
	files, name, err := shimFiles()
	if err != nil {
		return "", err
	}
	base := filepath.Join(d.cfg.Cache, "shim")
	dir := filepath.Join(base, name)
	if exists(dir) {
		return dir, nil
	}
	if err := makeFolder(base); err != nil {
		return "", err
	}
	tmp, err := construct(base, d.cfg.Clock())
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp) // renamed away when all went well
	if err := errors.Join(os.Chmod(tmp, 0o755), copyShim(tmp, files)); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, dir); err != nil && !exists(dir) {
		return "", err
	}
	return dir, syncFolder(base)
}

func copyShim(to string, files []string) error {
	for _, name := range files {
		data, err := pythonFiles.ReadFile(name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(name, "python/"))
		if err := errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), writeFile(target, data)); err != nil {
			return err
		}
	}
	return nil
}

// shimFiles lists the Python files that a run needs, and names their contents.
func shimFiles() (files []string, name string, err error) {
	sum := sha256.New()
	err = fs.WalkDir(pythonFiles, "python", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "tests" || strings.HasPrefix(e.Name(), "__") || strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case e.IsDir(), filepath.Ext(path) == ".md":
			return nil
		}
		data, err := pythonFiles.ReadFile(path)
		files = append(files, path)
		sum.Write([]byte(path + "\x00"))
		sum.Write(data)
		return err
	})
	return files, hex.EncodeToString(sum.Sum(nil))[:keyLen], err
}
