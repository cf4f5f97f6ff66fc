package folder

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/repository"
)

const (
	fileMode = 0o444 // less the umask: an object never changes
	dirMode  = 0o777 // less the umask, so that a team can share a folder
)

// Put fixes data under key.
func (r *Repository) Put(ctx context.Context, key string, data io.ReadSeeker) (repository.Object, error) {
	root, err := r.writing(key)
	if err != nil {
		return repository.Object{}, err
	}
	defer root.Close()
	object, err := r.same(ctx, root, key, data)
	if !errors.Is(err, fs.ErrNotExist) {
		return object, err
	}
	temp, err := r.temporary(root)
	if err != nil {
		return repository.Object{}, r.explain(err, "write", key)
	}
	defer temp.remove()
	digest, err := temp.fill(ctx, data)
	if err != nil {
		return repository.Object{}, r.explain(err, "write", key)
	}
	err = r.link(root, temp, key)
	if errors.Is(err, fs.ErrExist) {
		return r.same(ctx, root, key, data)
	}
	if err != nil {
		return repository.Object{}, r.explain(err, "write", key)
	}
	return r.describe(temp.file, key, digest)
}

// writing opens the root for writing the object under key, and makes it.
func (r *Repository) writing(key string) (*os.Root, error) {
	if err := repository.CheckKey(key); err != nil {
		return nil, err
	}
	if err := makeRoot(r.path); err != nil {
		return nil, r.explain(err, "make the folder for", key)
	}
	root, err := os.OpenRoot(r.path)
	if err != nil {
		return nil, r.explain(err, "write", key)
	}
	r.clean.Do(func() { cleanTemporary(root) })
	return root, nil
}

// link gives the temporary file its final name and makes the name durable.
func (r *Repository) link(root *os.Root, temp *temporary, key string) error {
	dir := path.Dir(key)
	if err := root.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	if err := root.Link(temp.name, key); err != nil {
		return err
	}
	return syncUp(root, dir)
}

// same compares data with what lies under key: the object if they are equal, an
// error of kind Conflict if not, fs.ErrNotExist if nothing is there. Before it
// answers it makes the name durable, for its writer may not have come to that.
func (r *Repository) same(ctx context.Context, root *os.Root, key string, data io.ReadSeeker) (repository.Object, error) {
	file, err := root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return repository.Object{}, fs.ErrNotExist
	}
	if err != nil {
		return repository.Object{}, r.explain(err, "write", key)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		return repository.Object{}, r.blocked(key)
	}
	digest, equal, err := compare(ctx, file, data)
	if err != nil {
		return repository.Object{}, r.explain(err, "read", key)
	}
	if !equal {
		return repository.Object{}, slipway.Errorf(slipway.Conflict, "%s is there already with other bytes", r.at(key)).
			WithFix("nothing was changed; what is in an artifact repository stays as it is, so take another version")
	}
	if err := syncUp(root, path.Dir(key)); err != nil {
		return repository.Object{}, r.explain(err, "write", key)
	}
	return r.describe(file, key, digest)
}

// compare reads both sides to the end of the shorter.
func compare(ctx context.Context, file io.Reader, data io.ReadSeeker) (slipway.Digest, bool, error) {
	if _, err := data.Seek(0, io.SeekStart); err != nil {
		return "", false, err
	}
	hash := sha256.New()
	have := io.TeeReader(reader{ctx, file}, hash)
	want := bufio.NewReaderSize(data, 64<<10)
	buf, other := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(have, buf)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return "", false, err
		}
		m, werr := io.ReadFull(want, other[:n])
		if werr != nil && !errors.Is(werr, io.ErrUnexpectedEOF) && !errors.Is(werr, io.EOF) {
			return "", false, werr
		}
		if m != n || !bytes.Equal(buf[:n], other[:n]) {
			return "", false, nil
		}
		if err == nil {
			continue
		}
		_, werr = want.ReadByte()
		if werr != nil && !errors.Is(werr, io.EOF) {
			return "", false, werr
		}
		return digestOf(hash), errors.Is(werr, io.EOF), nil
	}
}

// makeRoot makes the folder and whatever is missing above it, durably.
func makeRoot(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil || isNotDir(err) {
		return errNotDir
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := path.Dir(dir)
	if err := makeRoot(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	file, err := os.Open(parent)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

// syncUp makes the names in dir, and dir's own name up to the root, durable.
func syncUp(root *os.Root, dir string) error {
	for {
		file, err := root.Open(dir)
		if err != nil {
			return err
		}
		err = file.Sync()
		_ = file.Close()
		if err != nil || dir == "." {
			return err
		}
		dir = path.Dir(dir)
	}
}
