package build

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/slipway-cd/slipway"
)

// Files are the files of an app's folder. Paths are relative to it and have
// slashes.
type Files interface {
	// List returns the paths of all files at or below a path, in order; "."
	// stands for all.
	List(prefix string) []string
	// Read returns a file's bytes, and fs.ErrNotExist where there is none.
	Read(name string) ([]byte, error)
	// Uncommitted reports whether the path is on this machine and not in List.
	Uncommitted(name string) bool
}

// sources are the app's files with the outputs of the team's steps over them.
type sources struct {
	Files
	dirty   bool
	outputs map[string][]byte
}

func (s sources) read(name string) ([]byte, error) {
	if data, ok := s.outputs[path.Clean(name)]; ok {
		return data, nil
	}
	return s.Read(path.Clean(name))
}

// match returns the files that a path or pattern stands for, in order.
func (s sources) match(pattern string) []string {
	var names []string
	for name := range s.outputs {
		if matches(pattern, name) {
			names = append(names, name)
		}
	}
	under := path.Clean(pattern)
	if isPattern(pattern) {
		under = "."
	}
	for _, name := range s.List(under) {
		if matches(pattern, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// errMissing says that what a line of the plan names is not there, and why.
func (s sources) errMissing(where, name string) error {
	_, err := s.read(name)
	switch {
	case err != nil && !isPattern(name) && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", where, err) // such as a submodule
	case isPattern(name):
		return slipway.Errorf(slipway.NotFound, "%s: no file matches %s", where, name).
			WithFix("only committed files count; see them with git ls-files")
	case s.Uncommitted(name) && s.dirty:
		return slipway.Errorf(slipway.NotFound, "%s: %s is left out by .gitignore", where, name).
			WithFix("take it out of .gitignore")
	case s.Uncommitted(name):
		return slipway.Errorf(slipway.NotFound, "%s: %s is on this machine but not committed", where, name).
			WithFix("git add %s && git commit -m \"add %s\"; or take the files as they are now with --dirty", name, path.Base(name))
	}
	return slipway.Errorf(slipway.NotFound, "%s: there is no %s in the app's folder", where, name).
		WithFix("correct the path in slipway.yaml, or add the file and commit it")
}

// require reads a file that the plan names.
func (s sources) require(where, name string) ([]byte, error) {
	data, err := s.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.errMissing(where, name)
	}
	return data, err
}
