package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/slipway-cd/slipway"
)

// program finds the file that a name stands for: a path as it is, anything else in
// the folders of the PATH that the step has, and not of this process's own.
func program(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		file := name
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		return file, executable(file, name)
	}
	search := value(env, "PATH")
	for _, folder := range filepath.SplitList(search) {
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(dir, folder)
		}
		if file := filepath.Join(folder, name); executable(file, name) == nil {
			return file, nil
		}
	}
	if name == "sh" {
		return "/bin/sh", nil
	}
	return "", slipway.Errorf(slipway.Unavailable, "the command %s was not found in PATH (%s)", name, search).
		WithFix("install it, or correct the command")
}

// executable says why a file cannot be executed.
func executable(file, name string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return slipway.Errorf(slipway.Unavailable, "the command %s was not found", name).
			WithFix("add it to the repository, or correct the command")
	case err != nil:
		return slipway.Errorf(slipway.Unavailable, "the command %s cannot be looked at: %w", name, err)
	case !info.Mode().IsRegular():
		return slipway.Errorf(slipway.Invalid, "the command %s is not a file", name).WithFix("correct the command")
	case info.Mode()&0o111 == 0:
		return slipway.Errorf(slipway.Invalid, "the command %s is not executable", name).
			WithFix("run git update-index --chmod=+x on it, and commit")
	}
	return nil
}

// explain says in plain words why an existing file could not be started.
func explain(name, dir string, err error) error {
	if _, statErr := os.Stat(dir); statErr != nil && dir != "" {
		return slipway.Errorf(slipway.Unavailable, "the working copy %s is gone: %w", dir, statErr)
	}
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return slipway.Errorf(slipway.Invalid, "the command %s is no program for this machine", name).
			WithFix("a script needs a first line such as #!/bin/sh")
	case errors.Is(err, fs.ErrNotExist):
		return slipway.Errorf(slipway.Unavailable, "the command %s names an interpreter in its first line that was not found", name).
			WithFix("install it, or correct that line")
	case errors.Is(err, syscall.E2BIG):
		return slipway.Errorf(slipway.Invalid, "the command %s has too many or too long arguments", name).
			WithFix("write them to a file, and have the command read it")
	}
	return slipway.Errorf(slipway.Internal, "the command %s could not be started: %w", name, err)
}

// value returns the last value of a variable in an environment.
func value(env []string, key string) string {
	found := ""
	for _, entry := range env {
		if v, ok := strings.CutPrefix(entry, key+"="); ok {
			found = v
		}
	}
	return found
}
