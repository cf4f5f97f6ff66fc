package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/slipway-cd/slipway"
)

// errWrite says why a folder of Slipway's own cannot be written to; doing names
// what was being done.
func errWrite(doing, dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return slipway.Errorf(slipway.Unavailable, "the disk is full: there is no room in %s: %w", dir, err).
			WithFix("make room and try again; nothing half-written is left")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return slipway.Errorf(slipway.Unavailable, "cannot write to %s: %w", dir, err).
			WithFix("make the folder writable for you")
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// A lock is held on an open file or folder, and ends with the process at the
// latest.
type lock struct{ f *os.File }

// lockFile takes the lock of a file, making the file if need be, and waits for
// whoever holds it.
func lockFile(name string) (lock, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return lock{}, err
	}
	return lock{f}, flock(f, syscall.LOCK_EX)
}

// tryLockDir takes the lock of a folder unless somebody holds it.
func tryLockDir(dir string) (lock, error) {
	f, err := os.Open(dir)
	if err != nil {
		return lock{}, err
	}
	if err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return lock{}, errors.Join(err, f.Close())
	}
	return lock{f}, nil
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func (l lock) release() { _ = l.f.Close() }

// A workspace is a folder of one build, gone afterwards. The lock on it says that
// its process lives.
type workspace struct {
	dir  string
	lock lock
}

// newWorkspace makes a folder in parent, and removes those that killed processes
// left. The caller holds the cache's lock, so that no process is between making
// its folder and locking it.
func newWorkspace(parent, prefix string) (*workspace, error) {
	left, err := os.ReadDir(parent)
	if err != nil {
		return nil, err
	}
	for _, d := range left {
		if strings.HasPrefix(d.Name(), prefix) {
			sweep(filepath.Join(parent, d.Name()))
		}
	}
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	l, err := tryLockDir(dir)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return &workspace{dir: dir, lock: l}, nil
}

// sweep removes a folder whose process is gone.
func sweep(dir string) {
	l, err := tryLockDir(dir)
	if err != nil {
		return
	}
	_ = removeAll(dir)
	l.release()
}

func (w *workspace) close() {
	_ = removeAll(w.dir)
	w.lock.release()
}

// removeAll removes a folder even where a step took the permission to.
func removeAll(dir string) error {
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(name, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// writeFile writes a file and waits until the disk has it.
func writeFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir waits until the disk has a folder's names.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
