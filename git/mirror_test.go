package git_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
)

// TestMirrorManifests: the manifests of a commit are found, and nothing else.
func TestMirrorManifests(t *testing.T) {
	from := repo(t, map[string]string{"slipway.yaml": "one\n", "sub/slipway.yaml": "one\n", "sub/other.yaml": "one\n", "my-slipway.yaml": "x\n", ".slipway/slipway.yaml": "x\n"})
	commit := strings.TrimSpace(run(t, from, "rev-parse", "HEAD"))
	m, err := git.OpenMirror(t.Context(), filepath.Join(t.TempDir(), "mirror"), environ(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Fetch(t.Context(), "file://"+from, ""); err != nil {
		t.Fatal(err)
	}
	all, err := m.Manifests(t.Context(), commit)
	if err != nil || len(all) != 2 || all[0].Path != "slipway.yaml" || all[1].Path != "sub/slipway.yaml" || all[0].ID != all[1].ID {
		t.Errorf("the manifests are %v, %v; want slipway.yaml and sub/slipway.yaml, with the same in them", all, err)
	}
	if _, err := m.Manifests(t.Context(), "--all"); slipway.KindOf(err) != slipway.Invalid {
		t.Errorf("of no commit: %v, want an error of kind invalid", err)
	}
}

func TestMirror(t *testing.T) {
	from := repo(t, map[string]string{"a.txt": "one\n", "sub/b.txt": "b\n"})
	first := strings.TrimSpace(run(t, from, "rev-parse", "HEAD"))
	run(t, from, "tag", "v1")
	dir := filepath.Join(t.TempDir(), "mirror")
	m, err := git.OpenMirror(t.Context(), dir, environ(t))
	if err != nil {
		t.Fatal(err)
	}
	if m.Has(t.Context(), first) {
		t.Error("an empty mirror has a commit")
	}
	if err := m.Fetch(t.Context(), "file://"+from, ""); err != nil {
		t.Fatal(err)
	}
	if !m.Has(t.Context(), first) {
		t.Error("the commit was not fetched")
	}
	write(t, from, map[string]string{"a.txt": "two\n"})
	second := commit(t, from)
	if m, err = git.OpenMirror(t.Context(), dir, environ(t)); err != nil { // another process
		t.Fatal(err)
	}
	if err := m.Fetch(t.Context(), "file://"+from, "", second); err != nil {
		t.Fatal(err)
	}
	for commit, want := range map[string]string{first: "one\n", second: "two\n"} {
		copied := filepath.Join(t.TempDir(), "copy")
		if err := m.Checkout(t.Context(), commit, copied); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(filepath.Join(copied, "a.txt")); err != nil || string(data) != want {
			t.Errorf("a.txt at %s is %q, %v; want %q", commit, data, err, want)
		}
		if tag := strings.TrimSpace(run(t, copied, "tag")); tag != "v1" {
			t.Errorf("the copy has the tags %q, want v1", tag)
		}
		if data, err := m.ReadFile(t.Context(), commit, "a.txt"); err != nil || string(data) != want {
			t.Errorf("a.txt at %s reads %q, %v; want %q", commit, data, err, want)
		}
	}
	if base, err := m.Base(t.Context(), first, second); err != nil || base != first {
		t.Errorf("the base is %s, %v; want %s", base, err, first)
	}
	if files, err := m.Files(t.Context(), first, second); err != nil || len(files) != 1 || files[0] != "a.txt" {
		t.Errorf("the files that differ are %q, %v; want a.txt", files, err)
	}
	write(t, from, map[string]string{"sub/b.txt": "another base\n"})
	moved := commit(t, from)
	write(t, from, map[string]string{"a.txt": "one\n"})
	back := commit(t, from)
	run(t, from, "checkout", "-q", "-b", "other", moved)
	write(t, from, map[string]string{"a.txt": "three\n"})
	three := commit(t, from)
	run(t, from, "checkout", "-q", "-b", "onto", second)
	write(t, from, map[string]string{"a.txt": "three\n"})
	again := commit(t, from)
	if err := m.Fetch(t.Context(), "file://"+from, ""); err != nil {
		t.Fatal(err)
	}
	change := func(base, commit string) string {
		id, err := m.Change(t.Context(), base, commit)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if a, b, c := change(moved, three), change(second, again), change(moved, back); a == "" || a != b || a == c || change(moved, moved) != "" {
		t.Errorf("the same change is %s and %s, another one %s", a, b, c)
	}
	_, err = m.ReadFile(t.Context(), first, "missing.txt")
	check(t, err, slipway.NotFound, "there is no missing.txt at "+first, "")
	_, err = m.ReadFile(t.Context(), first, "../missing.txt")
	check(t, err, slipway.Invalid, `"../missing.txt" at "`+first+`" is not a file in a commit`, "")
	check(t, m.Checkout(t.Context(), "main", t.TempDir()), slipway.Invalid, `"main" is not a commit`, "")
	check(t, m.Fetch(t.Context(), "file://"+from, "", "--upload-pack=x"), slipway.Invalid, `"--upload-pack=x" is not a commit`, "")
	check(t, m.Fetch(t.Context(), "ext::sh -c x", ""), slipway.Invalid, `"ext::sh -c x" cannot be fetched from`, "use an https://, ssh:// or file:// URL, or user@host:path")
	none := strings.Repeat("1", 40)
	err = m.Fetch(t.Context(), "file://"+from, "", none)
	check(t, err, slipway.NotFound, "file://"+from+" has no commit "+none, "push it, or name a commit that is there: git ls-remote file://"+from)
	if !errors.Is(err, git.ErrNoCommit) {
		t.Errorf("%v is not ErrNoCommit", err)
	}
	err = m.Fetch(t.Context(), "file:///nowhere/x.git", "Authorization: Bearer s3cret")
	if slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "cannot fetch file:///nowhere/x.git: git fetch: '/nowhere/x.git' does not appear") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

// A mirror whose making was cut short, at whatever file, is made anew.
func TestMirrorThatWasBegun(t *testing.T) {
	from := repo(t, map[string]string{"a.txt": "one\n"})
	commit := strings.TrimSpace(run(t, from, "rev-parse", "HEAD"))
	for _, missing := range []string{"HEAD", "config", "objects", "refs"} {
		dir := filepath.Join(t.TempDir(), "git", "mirror")
		if _, err := git.OpenMirror(t.Context(), dir, environ(t)); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, missing)); err != nil {
			t.Fatal(err)
		}
		m, err := git.OpenMirror(t.Context(), dir, environ(t))
		if err == nil {
			err = m.Fetch(t.Context(), "file://"+from, "")
		}
		if err != nil || !m.Has(t.Context(), commit) {
			t.Errorf("without %s it is not made anew: %v", missing, err)
		}
		if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
			t.Errorf("beside the mirror there is %v (%v)", left, err)
		}
	}
}

// TestLocksOfADeadGit: what a git that was killed has locked keeps no fetch from working,
// and is taken away by it, as is what it had begun to write.
func TestLocksOfADeadGit(t *testing.T) {
	from, dir := repo(t, map[string]string{"a.txt": "one\n"}), filepath.Join(t.TempDir(), "mirror [1") // a bracket is no pattern
	head := commitOf(t, from)
	run(t, from, "branch", "other")
	m, err := git.OpenMirror(t.Context(), dir, environ(t))
	if err != nil {
		t.Fatal(err)
	}
	branches := filepath.Join(dir, "refs", "heads")
	write(t, branches, map[string]string{"main.lock": "", "other.lock": ""})
	begun := []string{"50/tmp_obj_7CPxzs", "pack/tmp_pack_x1", "tmp_objdir-incoming-x1/pack/tmp_pack_x2"}
	for _, name := range begun {
		write(t, filepath.Join(dir, "objects"), map[string]string{name: "half"})
	}
	if err := m.Fetch(t.Context(), "file://"+from, ""); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(run(t, dir, "rev-parse", "refs/heads/main", "refs/heads/other")); got != head+"\n"+head {
		t.Errorf("the mirror has %q, want %s twice", got, head)
	}
	if left, err := fs.Glob(os.DirFS(branches), "*.lock"); err != nil || len(left) > 0 {
		t.Errorf("there is left: %q (%v)", left, err)
	}
	for _, name := range begun {
		if _, err := os.Stat(filepath.Join(dir, "objects", name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there is left: %s (%v)", name, err)
		}
	}
}

// TestMirrorHasAPart: a commit of which a git that was killed has left a part counts as
// none, and is fetched.
func TestMirrorHasAPart(t *testing.T) {
	from := repo(t, map[string]string{"a.txt": "one\n"})
	dir := filepath.Join(t.TempDir(), "mirror")
	m, err := git.OpenMirror(t.Context(), dir, environ(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Fetch(t.Context(), "file://"+from, ""); err != nil {
		t.Fatal(err)
	}
	write(t, from, map[string]string{"a.txt": "two\n"})
	second := commit(t, from)
	for _, part := range []string{second, strings.TrimSpace(run(t, from, "rev-parse", second+"^{tree}"))} { // and not the file
		object := filepath.Join("objects", part[:2], part[2:])
		data, err := os.ReadFile(filepath.Join(from, ".git", object))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, object)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, object), data, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if m.Has(t.Context(), second) {
		t.Error("the mirror has a commit whose file is not there")
	}
	if err := m.Fetch(t.Context(), "file://"+from, "", second); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := m.Checkout(t.Context(), second, copied); err != nil || !m.Has(t.Context(), second) {
		t.Errorf("once it is fetched: %v", err)
	}
}

// TestMirrorTidied: of the commits that were fetched by name the newest stay, and all
// that branches have.
func TestMirrorTidied(t *testing.T) {
	from := repo(t, map[string]string{"a.txt": "0\n"})
	dir := filepath.Join(t.TempDir(), "mirror")
	m, err := git.OpenMirror(t.Context(), dir, environ(t))
	if err != nil {
		t.Fatal(err)
	}
	var commits []string
	for i, text := range []string{"1\n", "2\n", "3\n"} {
		write(t, from, map[string]string{"a.txt": text})
		commits = append(commits, commit(t, from))
		if err := m.Fetch(t.Context(), "file://"+from, "", commits[i]); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time there is nothing to do
		if err := m.Tidy(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	left := strings.Fields(run(t, dir, "for-each-ref", "--format=%(refname)", "refs/wanted/"))
	if len(left) != 1 {
		t.Errorf("what was fetched by name is still there as %v", left)
	}
	for _, c := range commits {
		if !m.Has(t.Context(), c) {
			t.Errorf("the commit %s of a branch is gone", c)
		}
	}
}
