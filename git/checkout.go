package git

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
)

// Checkout copies the whole repository, as committed or, of a dirty source, as
// its files are now, into dir, which is empty or not there yet. The copy is plain
// files: it knows of no repository, and the repository of no copy. The result
// lists the submodules, whose files are missing in the copy.
func (r *Repository) Checkout(ctx context.Context, src slipway.Source, dir string) ([]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if src.Dirty {
		return r.copyWorking(ctx, dir)
	}
	return r.copyCommit(ctx, src.Commit, dir)
}

// copyCommit checks the commit out through an index of its own, so that neither
// the user's index nor any worktree is touched. The index lies in the copy, so
// that who removes the copy of a killed process removes both.
func (r *Repository) copyCommit(ctx context.Context, commit, dir string) ([]string, error) {
	tmp, err := os.MkdirTemp(dir, ".slipway-index-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	env := []string{"GIT_INDEX_FILE=" + filepath.Join(tmp, "index")}
	if _, err := r.git.runEnv(ctx, env, "read-tree", commit); err != nil {
		return nil, err
	}
	prefix := filepath.ToSlash(dir) + "/"
	if _, err := r.git.runEnv(ctx, env, "checkout-index", "--all", "--quiet", "--prefix="+prefix); err != nil {
		return nil, err
	}
	out, err := r.git.runEnv(ctx, env, "ls-files", "-z", "--stage")
	if err != nil {
		return nil, err
	}
	return submodules(string(out)), nil
}

// submodules reads "<mode> <id> <stage>\t<path>" records.
func submodules(stage string) []string {
	var names []string
	for record := range strings.SplitSeq(stage, "\x00") {
		if head, name, ok := strings.Cut(record, "\t"); ok && strings.HasPrefix(head, "160000 ") {
			names = append(names, name)
		}
	}
	return names
}

func (r *Repository) copyWorking(ctx context.Context, dir string) ([]string, error) {
	files, err := r.workingFiles(ctx, ".")
	if err != nil {
		return nil, err
	}
	var modules []string
	for _, f := range files {
		if f.mode == modeSubmodule {
			modules = append(modules, f.path)
			continue
		}
		if err := copyFile(r.root, dir, f); err != nil {
			return nil, fmt.Errorf("copy %s: %w", f.path, err)
		}
	}
	return modules, nil
}

func copyFile(from, to string, f entry) error {
	from, to = filepath.Join(from, filepath.FromSlash(f.path)), filepath.Join(to, filepath.FromSlash(f.path))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	info, err := os.Lstat(from)
	if err != nil {
		return errMoved(f.path)
	}
	data, err := readWorking(from, info.Mode())
	if err != nil {
		return err
	}
	if f.mode == modeLink {
		return os.Symlink(filepath.FromSlash(string(data)), to)
	}
	return os.WriteFile(to, data, os.FileMode(f.mode&0o777))
}

// ManifestName is the name of the file that makes a folder an app.
const ManifestName = "slipway.yaml"

// Manifests returns the paths of all manifests in the repository, slashes, in
// order: the committed ones and those that nobody committed yet; ignored ones
// not.
func (r *Repository) Manifests(ctx context.Context) ([]string, error) {
	out, err := r.git.run(ctx, "--no-literal-pathspecs", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate",
		"--", ":(top,glob)**/"+ManifestName)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		if name != "" && !ownState(name) && path.Base(name) == ManifestName {
			names = append(names, name)
		}
	}
	return names, nil
}
