package folder

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/slipway-cd/slipway"
)

const (
	tempDir  = ".tmp"
	lockFile = ".lock"
)

// A temporary is a file under a name that no key can have, locked as long as
// its writer lives.
type temporary struct {
	root *os.Root
	name string
	file *os.File
}

// temporary makes an empty one.
func (r *Repository) temporary(root *os.Root) (*temporary, error) {
	if err := root.Mkdir(tempDir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	for {
		t := &temporary{root: root, name: path.Join(tempDir, rand.Text())}
		file, err := root.OpenFile(t.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
		if err != nil {
			return nil, err
		}
		t.file = file
		if err := flock(file, syscall.LOCK_EX); err != nil {
			t.remove()
			return nil, err
		}
		// Between the two calls somebody who cleans up may have taken it for
		// a dead writer's.
		if _, err := root.Lstat(t.name); err == nil {
			return t, nil
		}
		_ = file.Close()
	}
}

// fill writes data from its beginning and makes the bytes durable.
func (t *temporary) fill(ctx context.Context, data io.ReadSeeker) (slipway.Digest, error) {
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(t.file, hash), reader{ctx, data}); err != nil {
		return "", err
	}
	return digestOf(hash), t.file.Sync()
}

// remove takes the temporary name away; the file lives on under its final one.
func (t *temporary) remove() {
	_ = t.root.Remove(t.name)
	_ = t.file.Close()
}

// cleanTemporary removes the temporary files of writers that are gone. What
// cannot be removed is left to the next who tries.
func cleanTemporary(root *os.Root) {
	dir, err := root.Open(tempDir)
	if err != nil {
		return
	}
	names, _ := dir.Readdirnames(-1)
	_ = dir.Close()
	for _, name := range names {
		name = path.Join(tempDir, name)
		file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if flock(file, syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = root.Remove(name)
		}
		_ = file.Close()
	}
}

// flock locks a file until it is closed or its process ends.
func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("flock", err)
		}
	}
}
