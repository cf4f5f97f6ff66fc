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
	"regexp"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A Mirror is a bare copy of a remote repository, for those who work on many of
// its commits. One process at a time fetches into it.
type Mirror struct {
	git     command
	environ []string
}

// OpenMirror opens the mirror in a folder, and makes an empty one if there is none.
func OpenMirror(ctx context.Context, dir string, environ []string) (*Mirror, error) {
	git, err := newCommand(dir, environ)
	if err != nil {
		return nil, err
	}
	m := &Mirror{git: git, environ: environ}
	if whole(dir) {
		return m, nil
	}
	return m, initMirror(ctx, git)
}

// whole reports whether a folder has what git needs to take it for a repository.
func whole(dir string) bool {
	for _, name := range []string{"HEAD", "config", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// initMirror makes a mirror in one move: git may be killed in the middle of it. What is
// there, and is no repository, goes.
func initMirror(ctx context.Context, git command) error {
	dir := git.dir
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // it was renamed away, if all went well
	git.dir = tmp
	if _, err := git.run(ctx, "init", "--quiet", "--bare", "--template=", "."); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

// Has reports whether a commit is there, with all that belongs to it: of one that no
// branch and no tag leads to, a git that was killed while it fetched may have left a part.
func (m *Mirror) Has(ctx context.Context, commit string) bool {
	if !fullCommit.MatchString(commit) {
		return false
	}
	_, err := m.git.run(ctx, "rev-list", "--objects", "--quiet", commit+"^{commit}", "--not", "--all")
	return err == nil
}

// Fetch takes over all branches and tags of the remote, and the commits that are
// named. header is sent with each request over HTTP, and is a secret: no process
// list and no message shows it. Empty: none.
func (m *Mirror) Fetch(ctx context.Context, url, header string, commits ...string) error {
	if err := checkURL(url); err != nil {
		return err
	}
	args := []string{
		"fetch", "--quiet", "--prune", "--force", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-gc", "--end-of-options", url,
		"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*",
	}
	for _, c := range commits {
		if !fullCommit.MatchString(c) {
			return slipway.Errorf(slipway.Invalid, "%q is not a commit", c)
		}
		args = append(args, "+"+c+":refs/wanted/"+c)
	}
	if err := m.clearAway(); err != nil {
		return err
	}
	_, err := m.git.runEnv(ctx, m.git.withHeader(header), args...)
	for range 10 { // each branch may have one
		if err == nil || !m.unlock(err) {
			break
		}
		_, err = m.git.runEnv(ctx, m.git.withHeader(header), args...)
	}
	if err == nil {
		return nil
	}
	if gone := noSuchCommit.FindStringSubmatch(err.Error()); gone != nil {
		return &slipway.Error{
			Kind: slipway.NotFound, Message: fmt.Sprintf("%s has no commit %s", withoutCredentials(url), gone[1]),
			Fix: "push it, or name a commit that is there: git ls-remote " + withoutCredentials(url), Err: ErrNoCommit,
		}
	}
	return unreachable(Location{URL: url}, err)
}

// Tidy forgets the commits that were fetched by name, but the newest, and has git pack
// what is there. Working copies that are made of it meanwhile stay whole: git removes
// what nothing names after two weeks.
func (m *Mirror) Tidy(ctx context.Context, keep int) error {
	out, err := m.git.run(ctx, "for-each-ref", "--sort=-committerdate", "--format=%(refname)", "refs/wanted/")
	if err != nil {
		return err
	}
	refs := strings.Fields(string(out))
	for _, ref := range refs[min(keep, len(refs)):] {
		if _, err := m.git.run(ctx, "update-ref", "--no-deref", "-d", ref); err != nil {
			return err
		}
	}
	_, err = m.git.run(ctx, "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet")
	return err
}

// clearAway removes what a git that was killed left half-written: no other one fetches
// now, and git itself removes it after two weeks.
func (m *Mirror) clearAway() error {
	objects := filepath.Join(m.git.dir, "objects")
	var all error
	for _, pattern := range []string{"tmp_*", "*/tmp_*"} {
		found, err := fs.Glob(os.DirFS(objects), pattern) // the folder's own name is no pattern
		all = errors.Join(all, err)
		for _, name := range found {
			all = errors.Join(all, os.RemoveAll(filepath.Join(objects, filepath.FromSlash(name))))
		}
	}
	return all
}

// unlock takes away the locks in the mirror for which a fetch failed: a git that was
// killed left them, for no other fetches now. It reports whether there were any.
func (m *Mirror) unlock(failed error) bool {
	found := false
	for _, lock := range heldLock.FindAllStringSubmatch(failed.Error(), -1) {
		if inside, err := filepath.Rel(m.git.dir, lock[1]); err == nil && filepath.IsLocal(inside) {
			found = os.Remove(lock[1]) == nil || found
		}
	}
	return found
}

// heldLock is how git says that there is a lock.
var heldLock = regexp.MustCompile(`Unable to create '([^']+\.lock)': File exists`)

// ErrNoCommit is within the error of a fetch that the remote answered clearly: it
// has no such commit. One that was pushed a moment ago may not be there yet.
var ErrNoCommit = errors.New("there is no such commit")

// noSuchCommit is how remotes say so.
var noSuchCommit = regexp.MustCompile(`(?:not our ref|unadvertised object) ([0-9a-f]{40,64})`)

// Checkout makes a working copy of a commit in a folder that is not there yet. It
// shares the mirror's objects, so it is made quickly, and no hook of anybody runs.
func (m *Mirror) Checkout(ctx context.Context, commit, dir string) error {
	if !fullCommit.MatchString(commit) {
		return slipway.Errorf(slipway.Invalid, "%q is not a commit", commit)
	}
	if _, err := m.git.run(ctx, "clone", "--quiet", "--shared", "--no-checkout", "--template=", "--end-of-options", m.git.dir, dir); err != nil {
		return err
	}
	in := m.git
	in.dir = dir
	_, err := in.run(ctx, "checkout", "--quiet", "--detach", "--force", "--no-recurse-submodules", commit, "--")
	return err
}

// Base returns the newest commit that two commits have in common; empty if there
// is none.
func (m *Mirror) Base(ctx context.Context, a, b string) (string, error) {
	if !fullCommit.MatchString(a) || !fullCommit.MatchString(b) {
		return "", slipway.Errorf(slipway.Invalid, "%q or %q is not a commit", a, b)
	}
	out, err := m.git.run(ctx, "merge-base", a, b)
	if err != nil && strings.TrimSpace(string(out)) == "" && m.Has(ctx, a) && m.Has(ctx, b) {
		return "", nil
	}
	return strings.TrimSpace(string(out)), err
}

// Commit reads a commit: on which it was made, and what its message says. Who wrote it
// is not said, for git knows no logins.
func (m *Mirror) Commit(ctx context.Context, commit string) (slipway.Commit, error) {
	if !fullCommit.MatchString(commit) {
		return slipway.Commit{}, slipway.Errorf(slipway.Invalid, "%q is not a commit", commit)
	}
	out, err := m.git.run(ctx, "show", "-s", "--format=%P%n%B", commit)
	parents, message, _ := strings.Cut(string(out), "\n")
	return slipway.Commit{ID: commit, Parents: strings.Fields(parents), Message: strings.TrimSpace(message)}, err
}

// A Blob is a file in a commit.
type Blob struct {
	Path string // slashes
	ID   string // git's name of what is in it
}

// Manifests lists the manifests in a commit.
func (m *Mirror) Manifests(ctx context.Context, commit string) ([]Blob, error) {
	if !fullCommit.MatchString(commit) {
		return nil, slipway.Errorf(slipway.Invalid, "%q is not a commit", commit)
	}
	out, err := m.git.run(ctx, "ls-tree", "-r", "-z", "--full-tree", commit)
	if err != nil {
		return nil, err
	}
	var all []Blob
	for line := range strings.SplitSeq(string(out), "\x00") {
		about, name, _ := strings.Cut(line, "\t")
		if fields := strings.Fields(about); len(fields) == 3 && path.Base(name) == ManifestName && !ownState(name) {
			all = append(all, Blob{Path: name, ID: fields[2]})
		}
	}
	return all, nil
}

// ReadFile reads a file at a commit. If there is none, the error is of kind
// NotFound.
func (m *Mirror) ReadFile(ctx context.Context, commit, file string) ([]byte, error) {
	if !fullCommit.MatchString(commit) || !filepath.IsLocal(file) {
		return nil, slipway.Errorf(slipway.Invalid, "%q at %q is not a file in a commit", file, commit)
	}
	out, err := m.git.run(ctx, "cat-file", "blob", commit+":"+file)
	if err != nil && strings.Contains(err.Error(), "does not exist") {
		return nil, slipway.Errorf(slipway.NotFound, "there is no %s at %s", file, commit)
	}
	return out, err
}

// Change names what a commit changes against a base, line by line: two commits
// with the same name change the same, whatever their bases are. It is git's stable
// patch id; empty: nothing.
func (m *Mirror) Change(ctx context.Context, base, commit string) (string, error) {
	if !fullCommit.MatchString(base) || !fullCommit.MatchString(commit) {
		return "", slipway.Errorf(slipway.Invalid, "%q or %q is not a commit", base, commit)
	}
	diff, err := m.git.run(ctx, "diff-tree", "-p", "-r", "--full-index", "--no-ext-diff", "--no-textconv", "--no-renames", base, commit)
	if err != nil {
		return "", err
	}
	cmd := m.git.cmd(ctx, nil, "patch-id", "--stable")
	cmd.Stdin = bytes.NewReader(diff)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git patch-id: %w", err)
	}
	id, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	return id, nil
}

// Files lists the files that differ between two commits.
func (m *Mirror) Files(ctx context.Context, base, commit string) ([]string, error) {
	if !fullCommit.MatchString(base) || !fullCommit.MatchString(commit) {
		return nil, slipway.Errorf(slipway.Invalid, "%q or %q is not a commit", base, commit)
	}
	out, err := m.git.run(ctx, "diff-tree", "-r", "-z", "--name-only", "--no-renames", base, commit)
	if err != nil || len(out) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), nil
}
