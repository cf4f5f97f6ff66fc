package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/slipway-cd/slipway"
)

// A mode is how git keeps a file.
type mode uint32

const (
	modeFile       mode = 0o100644
	modeExecutable mode = 0o100755
	modeLink       mode = 0o120000
	modeSubmodule  mode = 0o160000
)

// An entry is one file of a tree.
type entry struct {
	path   string
	mode   mode
	id     string         // of a committed file
	digest slipway.Digest // of a working file
}

// A Tree is the files of an app's folder, as committed or, of a dirty source, as
// they are now. Paths are relative to the folder.
type Tree struct {
	repo    *Repository
	ctx     context.Context // of Read, which takes none, as with fs.FS
	src     slipway.Source
	entries []entry // in the order of their paths
}

// Tree returns the files of a source. Reading them is bound to ctx.
func (r *Repository) Tree(ctx context.Context, src slipway.Source) (*Tree, error) {
	t := &Tree{repo: r, ctx: ctx, src: src}
	if src.Dirty {
		files, err := r.workingFiles(ctx, src.Path)
		if err != nil {
			return nil, err
		}
		if treeDigest(files) != src.Tree {
			return nil, errMoved(src.Path)
		}
		t.entries = files
		return t, nil
	}
	out, err := r.git.run(ctx, "ls-tree", "-r", "-z", "--full-tree", src.Tree)
	if err != nil {
		return nil, err
	}
	t.entries, err = parseTree(string(out))
	return t, err
}

func errMoved(name string) error {
	return slipway.Errorf(slipway.Conflict, "%s changed while it was being read", name).
		WithFix("try again when nothing writes to it, or commit and build the commit")
}

// parseTree reads "<mode> <kind> <id>\t<path>" records.
func parseTree(out string) ([]entry, error) {
	var entries []entry
	for record := range strings.SplitSeq(out, "\x00") {
		if record == "" {
			continue
		}
		head, name, ok := strings.Cut(record, "\t")
		f := strings.Fields(head)
		if !ok || len(f) != 3 {
			return nil, fmt.Errorf("git ls-tree: unknown record %q", record)
		}
		m, err := strconv.ParseUint(f[0], 8, 32)
		if err != nil {
			return nil, fmt.Errorf("git ls-tree: unknown mode in %q", record)
		}
		entries = append(entries, entry{path: name, mode: mode(m), id: f[2]})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return entries, nil
}

// List returns the paths of all files below a folder, or of the one file that is
// called prefix, in order; "" and "." stand for all of them. Submodules are not
// in it.
func (t *Tree) List(prefix string) []string {
	prefix = path.Clean(prefix)
	var names []string
	for _, e := range t.entries {
		if e.mode != modeSubmodule && (prefix == "." || e.path == prefix || strings.HasPrefix(e.path, prefix+"/")) {
			names = append(names, e.path)
		}
	}
	return names
}

// Submodules returns the paths of the submodules, whose files are not part of
// the tree.
func (t *Tree) Submodules() []string {
	var names []string
	for _, e := range t.entries {
		if e.mode == modeSubmodule {
			names = append(names, e.path)
		}
	}
	return names
}

// Executable reports whether a file has the executable bit.
func (t *Tree) Executable(name string) bool {
	e, ok := t.find(name)
	return ok && e.mode == modeExecutable
}

// Uncommitted reports whether name is a file or folder on this machine that is
// not part of the tree, because nobody committed it or .gitignore names it.
func (t *Tree) Uncommitted(name string) bool {
	if len(t.List(name)) > 0 {
		return false
	}
	_, err := os.Lstat(filepath.Join(t.src.Root, filepath.FromSlash(t.src.Path), filepath.FromSlash(path.Clean("/"+name))))
	return err == nil
}

func (t *Tree) find(name string) (entry, bool) {
	i, ok := slices.BinarySearchFunc(t.entries, name, func(e entry, name string) int {
		return strings.Compare(e.path, name)
	})
	if !ok {
		return entry{}, false
	}
	return t.entries[i], true
}

// maxLinks is how many symbolic links may lead to each other.
const maxLinks = 10

// Read returns a file's bytes. A missing file is an fs.ErrNotExist; a symbolic
// link is followed within the folder; a Git LFS pointer, whose bytes are not in
// git, is an error.
func (t *Tree) Read(name string) ([]byte, error) {
	at := path.Clean(name)
	for range maxLinks {
		e, ok := t.find(at)
		switch {
		case !ok:
			return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
		case e.mode == modeSubmodule:
			return nil, slipway.Errorf(slipway.Invalid, "%s is a git submodule, whose files are not part of this repository", name).
				WithFix("put a copy of the files into this repository, or install them as a package: run.additional_python_modules")
		}
		data, err := t.content(e)
		if err != nil {
			return nil, err
		}
		if e.mode != modeLink {
			return data, checkPointer(name, data)
		}
		to := path.Join(path.Dir(at), string(data))
		if path.IsAbs(string(data)) || !filepath.IsLocal(to) {
			return nil, slipway.Errorf(slipway.Invalid, "%s is a symbolic link that leaves the app's folder: %s", name, data).
				WithFix("put a copy of the file into the app's folder")
		}
		if _, ok := t.find(to); !ok && len(t.List(to)) > 0 {
			return nil, slipway.Errorf(slipway.Invalid, "%s is a symbolic link to a folder, %s", name, to).
				WithFix("name the folder itself")
		}
		at = to
	}
	return nil, slipway.Errorf(slipway.Invalid, "%s is a symbolic link that leads to more than %d others", name, maxLinks)
}

func (t *Tree) content(e entry) ([]byte, error) {
	if !t.src.Dirty {
		obj, err := t.repo.object(t.ctx, e.id)
		return obj.data, err
	}
	file := filepath.Join(t.src.Root, filepath.FromSlash(t.src.Path), filepath.FromSlash(e.path))
	info, err := os.Lstat(file)
	if err != nil {
		return nil, errMoved(e.path)
	}
	data, err := readWorking(file, info.Mode())
	if err == nil && slipway.DigestOf(data) != e.digest {
		return nil, errMoved(e.path)
	}
	return data, err
}

// checkPointer recognises what Git LFS commits in place of a large file.
func checkPointer(name string, data []byte) error {
	if len(data) > 1024 || !bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/")) {
		return nil
	}
	return slipway.Errorf(slipway.Invalid, "%s is kept in Git LFS: git holds a pointer in its place, not its bytes", name).
		WithFix("keep code in git itself: git lfs untrack %q, commit the file again, or leave it out of the build", name)
}

// missing reports whether nothing is there; below a file there is nothing either.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
