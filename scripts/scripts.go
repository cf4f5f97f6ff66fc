// Package scripts runs the project's scripts for tests: those that install what the
// tests need, and print where it is.
package scripts

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// An Error is a script that failed, as where this machine cannot have what it installs.
type Error struct {
	Said string // what it printed to stderr, and how it ended
}

// Error implements error.
func (e *Error) Error() string { return e.Said }

// Run runs a script, such as "moto.sh", and returns what it prints: a path. What it
// says of a failure is an *Error.
func Run(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	var talk bytes.Buffer
	cmd := exec.Command(filepath.Join(root, "scripts", name))
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		return "", &Error{fmt.Sprintf("%s: %v", strings.TrimSpace(talk.String()), err)}
	}
	return strings.TrimSpace(string(out)), nil
}

// Root is the project's folder: that of go.mod, above the folder in which a test runs.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("this is not the project's folder")
		}
		dir = filepath.Dir(dir)
	}
}
