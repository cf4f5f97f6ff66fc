package folder

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/slipway-cd/slipway"
)

// Swap replaces the bytes under key if they still have the version match.
func (r *Repository) Swap(ctx context.Context, key, match string, data []byte) (version string, err error) {
	root, err := r.writing(key)
	if err != nil {
		return "", err
	}
	defer root.Close()
	lock, err := root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return "", r.explain(err, "write", key)
	}
	defer lock.Close()
	if err := flock(lock, syscall.LOCK_EX); err != nil {
		return "", r.explain(err, "write", key)
	}
	if err := r.stillAt(ctx, key, match); err != nil {
		return "", err
	}
	temp, err := r.temporary(root)
	if err != nil {
		return "", r.explain(err, "write", key)
	}
	defer temp.remove()
	digest, err := temp.fill(ctx, bytes.NewReader(data))
	if err != nil {
		return "", r.explain(err, "write", key)
	}
	if err := r.replace(root, temp, key, match == ""); err != nil {
		return "", err
	}
	return string(digest), nil
}

// stillAt compares the version under key with match.
func (r *Repository) stillAt(ctx context.Context, key, match string) error {
	_, version, err := r.Read(ctx, key)
	if err != nil && slipway.KindOf(err) != slipway.NotFound {
		return err
	}
	if version != match {
		return r.moved(key)
	}
	return nil
}

// replace gives the temporary file its final name. A new one is linked, so that
// even a Put under the same key could not be overwritten.
func (r *Repository) replace(root *os.Root, temp *temporary, key string, isNew bool) error {
	var err error
	if isNew {
		err = r.link(root, temp, key)
	} else {
		err = root.Rename(temp.name, key)
	}
	if errors.Is(err, fs.ErrExist) {
		return r.moved(key)
	}
	if err == nil && !isNew {
		err = syncUp(root, path.Dir(key))
	}
	if err != nil {
		return r.explain(err, "write", key)
	}
	return nil
}

func (r *Repository) moved(key string) error {
	return slipway.Errorf(slipway.Conflict, "%s was changed by somebody else in the meantime", r.at(key)).
		WithFix("nothing was changed; read it and decide again")
}
