// Package folder is an artifact repository in a folder of a file system, local
// or shared. Start at Open.
//
// An object is a file at its key. It is written under a temporary name, synced,
// and linked to its final name, which fails if something is there: so no writer,
// killed or not, ever leaves half a file under a final name, and no writer ever
// changes what is there. The folder needs hard links and flock, as every local
// file system and NFS have them.
//
// Temporary files lie in .tmp and are locked as long as their writer lives;
// those of dead writers are cleaned away at the next write. .lock is held while
// an object is swapped. No key begins with a dot, so both are out of the way.
package folder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

// A Repository is an artifact repository in a folder.
type Repository struct {
	path  string // absolute
	clean sync.Once
}

var _ repository.Repository = (*Repository)(nil)

// Open returns the repository in the folder at the path. The folder is made by
// the first write; until then the repository is empty. What is not a folder is
// an error of kind Unavailable.
func Open(path string) (*Repository, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("artifact repository %s: %w", path, err)
	}
	info, err := os.Stat(abs)
	if err == nil && !info.IsDir() {
		return nil, notAFolder(abs)
	}
	return &Repository{path: abs}, nil
}

// URL returns the folder's address, "file:///...".
func (r *Repository) URL() string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(r.path)}
	return u.String()
}

// Open reads the object under key.
func (r *Repository) Open(_ context.Context, key string) (io.ReadCloser, error) {
	root, err := r.reading(key)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return r.openFile(root, key)
}

// Stat describes the object under key, having read it for its digest.
func (r *Repository) Stat(ctx context.Context, key string) (repository.Object, error) {
	root, err := r.reading(key)
	if err != nil {
		return repository.Object{}, err
	}
	defer root.Close()
	file, err := r.openFile(root, key)
	if err != nil {
		return repository.Object{}, err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, reader{ctx, file}); err != nil {
		return repository.Object{}, r.explain(err, "read", key)
	}
	return r.describe(file, key, digestOf(hash))
}

// Read returns the bytes under key; their version is their digest.
func (r *Repository) Read(ctx context.Context, key string) (data []byte, version string, err error) {
	file, err := r.Open(ctx, key)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	data, err = io.ReadAll(reader{ctx, file})
	if err != nil {
		return nil, "", r.explain(err, "read", key)
	}
	return data, string(slipway.DigestOf(data)), nil
}

// reading opens the root for reading the object under key.
func (r *Repository) reading(key string) (*os.Root, error) {
	if err := repository.CheckKey(key); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, r.notFound(key)
	}
	if err != nil {
		return nil, r.explain(err, "read", key)
	}
	return root, nil
}

// openFile opens a regular file; whatever else lies under a key is no object.
func (r *Repository) openFile(root *os.Root, key string) (*os.File, error) {
	file, err := root.Open(key)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return nil, r.notFound(key)
	}
	if err != nil {
		return nil, r.explain(err, "read", key)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = r.notFound(key)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func (r *Repository) describe(file *os.File, key string, digest slipway.Digest) (repository.Object, error) {
	info, err := file.Stat()
	if err != nil {
		return repository.Object{}, r.explain(err, "read", key)
	}
	return repository.Object{Key: key, Size: info.Size(), Digest: digest, Modified: info.ModTime().UTC()}, nil
}

// at returns the path of a key, for a person.
func (r *Repository) at(key string) string { return path.Join(filepath.ToSlash(r.path), key) }

// A reader stops when its context ends.
type reader struct {
	ctx context.Context //nolint:containedctx // it lives as long as one copy does
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func digestOf(hash interface{ Sum([]byte) []byte }) slipway.Digest {
	return slipway.Digest("sha256:" + hex.EncodeToString(hash.Sum(nil)))
}
