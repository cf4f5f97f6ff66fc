package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A folder is one run's, and gone afterwards. The lock on it says that its process
// lives: what killed processes left is removed by the next.
type folder struct {
	path string
	lock *os.File
}

const folderPrefix = "slipway-step-"

func newFolder(parent string) (*folder, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	sweep(parent)
	var err error
	for range 10 {
		var dir string
		if dir, err = os.MkdirTemp(parent, folderPrefix); err != nil {
			return nil, err
		}
		var held *os.File
		if held, err = lock(dir, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			continue // another process took it for one that was left, and removes it
		}
		if _, err = os.Stat(dir); err == nil {
			return &folder{path: dir, lock: held}, nil
		}
		_ = held.Close() // as above, a moment earlier
	}
	return nil, err
}

// sweep removes the folders whose processes are gone.
func sweep(parent string) {
	left, _ := os.ReadDir(parent) // what cannot be listed stays
	for _, d := range left {
		if !strings.HasPrefix(d.Name(), folderPrefix) {
			continue
		}
		f := &folder{path: filepath.Join(parent, d.Name())}
		var err error
		if f.lock, err = lock(f.path, syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			f.remove()
		}
	}
}

// lock takes the lock of a folder or file.
func lock(name string, how int) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
}

// remove removes the folder even where a step took the permission to.
func (f *folder) remove() {
	if err := os.RemoveAll(f.path); err != nil {
		_ = filepath.WalkDir(f.path, func(name string, d fs.DirEntry, _ error) error {
			if d != nil && d.IsDir() {
				_ = os.Chmod(name, 0o700) // what then cannot be removed stays
			}
			return nil
		})
		_ = os.RemoveAll(f.path)
	}
	if f.lock != nil {
		_ = f.lock.Close() // with it, the lock
	}
}
