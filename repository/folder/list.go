package folder

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/repository"
)

// List yields the objects whose keys begin with prefix and sort after after.
func (r *Repository) List(ctx context.Context, prefix, after string) iter.Seq2[repository.Object, error] {
	return func(yield func(repository.Object, error) bool) {
		root, err := os.OpenRoot(r.path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(repository.Object{}, r.explain(err, "list", prefix))
			return
		}
		defer root.Close()
		l := listing{ctx: ctx, root: root.FS(), prefix: prefix, after: after, yield: yield}
		if err := l.folder(start(prefix)); err != nil && !errors.Is(err, errEnough) {
			yield(repository.Object{}, r.explain(err, "list", prefix))
		}
	}
}

var errEnough = errors.New("enough")

// A listing is one walk over the folders in the order of the keys' bytes.
type listing struct {
	ctx           context.Context //nolint:containedctx // it lives as long as one walk does
	root          fs.FS
	prefix, after string
	yield         func(repository.Object, error) bool
}

// start returns the deepest folder that holds everything with the prefix.
func start(prefix string) string {
	dir, _, ok := cutLast(prefix)
	if !ok || repository.CheckKey(dir) != nil {
		return "."
	}
	return dir
}

func cutLast(key string) (dir, name string, ok bool) {
	i := strings.LastIndexByte(key, '/')
	if i < 0 {
		return "", key, false
	}
	return key[:i], key[i+1:], true
}

func (l *listing) folder(dir string) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	entries, err := fs.ReadDir(l.root, dir)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return nil
	}
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(sortName(a), sortName(b)) })
	for _, e := range entries {
		key := path.Join(dir, e.Name())
		if repository.CheckKey(key) != nil {
			continue
		}
		if e.IsDir() {
			err = l.below(key)
		} else {
			err = l.object(key, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// below walks a folder unless everything in it is unwanted.
func (l *listing) below(dir string) error {
	all := dir + "/"
	if !strings.HasPrefix(all, l.prefix) && !strings.HasPrefix(l.prefix, all) {
		return nil
	}
	if l.after >= all && !strings.HasPrefix(l.after, all) {
		return nil
	}
	return l.folder(dir)
}

func (l *listing) object(key string, e fs.DirEntry) error {
	if !strings.HasPrefix(key, l.prefix) || key <= l.after {
		return nil
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) || (err == nil && !info.Mode().IsRegular()) {
		return nil
	}
	if err != nil {
		return err
	}
	if !l.yield(repository.Object{Key: key, Size: info.Size(), Modified: info.ModTime().UTC()}, nil) {
		return errEnough
	}
	return nil
}

// sortName makes a folder sort where its keys do: behind its slash.
func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}
