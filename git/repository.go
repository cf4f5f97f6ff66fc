package git

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"

	"github.com/slipway-cd/slipway"
)

// A Repository is a git repository with a working folder. Its methods may be
// called at the same time. Close it to end the process that reads its objects.
type Repository struct {
	git  command
	root string

	mu      sync.Mutex
	objects *objects // nil until the first object is read
}

// Open finds the repository that dir lies in, which need not have commits yet. The environment is how git finds
// its configuration and reaches remotes; variables that would lead it to another
// repository are ignored.
func Open(ctx context.Context, dir string, environ []string) (*Repository, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	git, err := newCommand(dir, environ)
	if err != nil {
		return nil, err
	}
	out, err := git.run(ctx, "rev-parse", "--show-toplevel")
	root, _, _ := strings.Cut(string(out), "\n")
	if err != nil {
		return nil, err
	}
	git.dir = filepath.FromSlash(root)
	return &Repository{git: git, root: git.dir}, nil
}

func errNoCommit(root string) error {
	return slipway.Errorf(slipway.Invalid, "the repository in %s has no commits yet", root).
		WithFix("Slipway ships commits. Make the first one: git add . && git commit -m \"first version\"")
}

// Root returns the repository's folder, absolute and free of symbolic links.
func (r *Repository) Root() string { return r.root }

// Close ends the process that reads objects. A closed repository may be used
// again.
func (r *Repository) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.objects == nil {
		return nil
	}
	err := r.objects.close()
	r.objects = nil
	return err
}

// Rel returns where a folder or file lies in the repository: slashes, "." for the
// root.
func (r *Repository) Rel(file string) (string, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	rel, err := filepath.Rel(r.root, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", slipway.Errorf(slipway.Invalid, "%s is outside of the repository in %s", file, r.root)
	}
	return filepath.ToSlash(rel), nil
}

// object reads one object by any name git understands.
func (r *Repository) object(ctx context.Context, name string) (object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.objects == nil {
		o, err := startObjects(ctx, r.git)
		if err != nil {
			return object{}, err
		}
		r.objects = o
	}
	obj, err := r.objects.read(name)
	if err != nil && !errors.Is(err, errMissing) {
		_ = r.objects.close() // out of step; the next read starts afresh
		r.objects = nil
	}
	return obj, err
}
