package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// notebookFiles finds the notebooks that a person names: files as they are, all
// notebooks in a folder and below, and what a pattern matches, where ** stands
// for any folders. Hidden folders, with Jupyter's checkpoints among them, are
// left out.
func (s *session) notebookFiles(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, slipway.Errorf(slipway.Invalid, "name a notebook, or a folder of them")
	}
	var files []string
	seen := map[string]bool{}
	for _, name := range names {
		found := []string{name}
		if info, err := os.Stat(s.path(name)); err == nil && info.IsDir() {
			if found, err = s.notebooksBelow(name); err != nil {
				return nil, err
			}
		} else if err != nil && strings.ContainsAny(name, "*?[") {
			if found, err = s.notebooksLike(name); err != nil {
				return nil, err
			}
		}
		if len(found) == 0 {
			return nil, slipway.Errorf(slipway.NotFound, "there are no notebooks in %s", name)
		}
		for _, file := range found {
			if !seen[file] {
				files = append(files, file)
			}
			seen[file] = true
		}
	}
	return files, nil
}

func (s *session) notebooksBelow(folder string) ([]string, error) {
	var files []string
	root := s.path(folder)
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return slipway.Errorf(slipway.NotFound, "cannot read %s: %w", file, reason(err))
		case d.IsDir() && file != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.IsDir() && filepath.Ext(file) == ".ipynb":
			rel, err := filepath.Rel(root, file)
			files = append(files, filepath.Join(folder, rel))
			return err
		}
		return nil
	})
	return files, err
}

// notebooksLike returns what a pattern matches.
func (s *session) notebooksLike(pattern string) ([]string, error) {
	top, rest, deep := strings.Cut(filepath.ToSlash(pattern), "**/")
	if !deep {
		return s.glob(pattern)
	}
	if top == "" {
		top = "."
	}
	all, err := s.notebooksBelow(filepath.FromSlash(strings.TrimSuffix(top, "/")))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(file string) bool {
		like, err := filepath.Match(filepath.FromSlash(rest), filepath.Base(file))
		return err != nil || !like
	}), nil
}

func (s *session) glob(pattern string) ([]string, error) {
	found, err := filepath.Glob(s.path(pattern))
	if err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "the pattern %s is not one: %w", pattern, err)
	}
	if !filepath.IsAbs(pattern) {
		for i, file := range found {
			if rel, err := filepath.Rel(s.env.Dir, file); err == nil {
				found[i] = rel
			}
		}
	}
	return found, nil
}
