package git_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
)

func tree(t *testing.T, dir, folder string, dirty bool) *git.Tree {
	t.Helper()
	r := open(t, dir)
	src, _, err := r.Source(t.Context(), folder, dirty)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := r.Tree(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}

func TestTree(t *testing.T) {
	for _, dirty := range []bool{false, true} {
		dir := repo(t, app)
		write(t, dir, map[string]string{"traffic/ä ö.py": "umlauts\n", "traffic/lib2/x.py": "other folder\n", "traffic/run.sh": "#!/bin/sh\n"})
		if err := os.Chmod(filepath.Join(dir, "traffic/run.sh"), 0o755); err != nil {
			t.Fatal(err)
		}
		if !dirty {
			commit(t, dir)
		}
		tr := tree(t, dir, "traffic", dirty)
		for prefix, want := range map[string][]string{
			"":             {"lib/clean.py", "lib2/x.py", "run.sh", "slipway.yaml", "traffic.ipynb", "ä ö.py"},
			".":            {"lib/clean.py", "lib2/x.py", "run.sh", "slipway.yaml", "traffic.ipynb", "ä ö.py"},
			"lib/":         {"lib/clean.py"},
			"lib/clean.py": {"lib/clean.py"},
			"gone":         nil,
		} {
			if diff := cmp.Diff(want, tr.List(prefix)); diff != "" {
				t.Errorf("dirty %v: list %q (-want +got):\n%s", dirty, prefix, diff)
			}
		}
		for name, want := range map[string]string{"lib/clean.py": "X = 1\n", "ä ö.py": "umlauts\n"} {
			if data, err := tr.Read(name); err != nil || string(data) != want {
				t.Errorf("dirty %v: read %s: %q, %v", dirty, name, data, err)
			}
		}
		if _, err := tr.Read("gone.py"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("dirty %v: read a missing file: %v", dirty, err)
		}
		if !tr.Executable("run.sh") || tr.Executable("lib/clean.py") {
			t.Errorf("dirty %v: executable bits are wrong", dirty)
		}
	}
}

func TestTreeIsTheCommitted(t *testing.T) {
	dir := repo(t, app)
	write(t, dir, map[string]string{"traffic/scratch.py": "x"})
	r := open(t, dir)
	src, _, err := r.Source(t.Context(), "traffic", false)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"traffic/lib/clean.py": "X = 2\n"}) // after the source was named
	tr, err := r.Tree(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := tr.Read("lib/clean.py"); err != nil || string(data) != "X = 1\n" {
		t.Errorf("read %q, %v", data, err)
	}
	if tr.Uncommitted("lib/clean.py") || !tr.Uncommitted("scratch.py") || tr.Uncommitted("gone.py") {
		t.Error("uncommitted is wrong")
	}
}

func TestDirtyTreeThatMoves(t *testing.T) {
	dir := repo(t, app)
	write(t, dir, map[string]string{"traffic/lib/clean.py": "X = 2\n"})
	r := open(t, dir)
	src, _, err := r.Source(t.Context(), "traffic", true)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := r.Tree(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"traffic/lib/clean.py": "X = 3\n"})
	const fix = "try again when nothing writes to it, or commit and build the commit"
	_, err = tr.Read("lib/clean.py")
	check(t, err, slipway.Conflict, "lib/clean.py changed while it was being read", fix)
	_, err = r.Tree(t.Context(), src)
	check(t, err, slipway.Conflict, "traffic changed while it was being read", fix)
}

func TestTreeFollowsLinksWithinTheFolder(t *testing.T) {
	for _, dirty := range []bool{false, true} {
		dir := repo(t, app)
		link(t, "../lib/clean.py", filepath.Join(dir, "traffic", "a"))
		link(t, "lib/clean.py", filepath.Join(dir, "traffic", "good"))
		link(t, "../README.md", filepath.Join(dir, "traffic", "out"))
		link(t, "/etc/passwd", filepath.Join(dir, "traffic", "abs"))
		link(t, "loop", filepath.Join(dir, "traffic", "loop"))
		link(t, "lib", filepath.Join(dir, "traffic", "folder"))
		link(t, "nowhere", filepath.Join(dir, "traffic", "broken"))
		if !dirty {
			commit(t, dir)
		}
		tr := tree(t, dir, "traffic", dirty)
		if data, err := tr.Read("good"); err != nil || string(data) != "X = 1\n" {
			t.Errorf("dirty %v: read %q, %v", dirty, data, err)
		}
		const fix = "put a copy of the file into the app's folder"
		_, err := tr.Read("out")
		check(t, err, slipway.Invalid, "out is a symbolic link that leaves the app's folder: ../README.md", fix)
		_, err = tr.Read("abs")
		check(t, err, slipway.Invalid, "abs is a symbolic link that leaves the app's folder: /etc/passwd", fix)
		_, err = tr.Read("folder")
		check(t, err, slipway.Invalid, "folder is a symbolic link to a folder, lib", "name the folder itself")
		_, err = tr.Read("loop")
		check(t, err, slipway.Invalid, "loop is a symbolic link that leads to more than 10 others", "")
		if _, err := tr.Read("broken"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("dirty %v: broken link: %v", dirty, err)
		}
	}
}

func TestTreeRecognisesLFSPointersAndSubmodules(t *testing.T) {
	dir := repo(t, app)
	write(t, dir, map[string]string{
		"traffic/big.py": "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("a", 64) + "\nsize 5\n",
	})
	run(t, dir, "submodule", "--quiet", "add", repo(t, app), "traffic/vendor")
	commit(t, dir)
	tr := tree(t, dir, "traffic", false)
	_, err := tr.Read("big.py")
	check(t, err, slipway.Invalid, "big.py is kept in Git LFS: git holds a pointer in its place, not its bytes",
		`keep code in git itself: git lfs untrack "big.py", commit the file again, or leave it out of the build`)
	_, err = tr.Read("vendor")
	check(t, err, slipway.Invalid, "vendor is a git submodule, whose files are not part of this repository",
		"put a copy of the files into this repository, or install them as a package: run.additional_python_modules")
	if diff := cmp.Diff([]string{"vendor"}, tr.Submodules()); diff != "" {
		t.Error(diff)
	}
	if names := tr.List("vendor"); names != nil {
		t.Errorf("files of the submodule: %q", names)
	}
}

func TestCheckout(t *testing.T) {
	for _, dirty := range []bool{false, true} {
		dir := repo(t, app)
		write(t, dir, map[string]string{"traffic/run.sh": "#!/bin/sh\n"})
		if err := os.Chmod(filepath.Join(dir, "traffic/run.sh"), 0o755); err != nil {
			t.Fatal(err)
		}
		link(t, "lib/clean.py", filepath.Join(dir, "traffic", "good"))
		commit(t, dir)
		write(t, dir, map[string]string{"traffic/scratch.py": "x", "traffic/debug.log": "ignored", ".slipway/state.db": "own"})
		r := open(t, dir)
		src, _, err := r.Source(t.Context(), "traffic", dirty)
		if err != nil {
			t.Fatal(err)
		}
		into := filepath.Join(t.TempDir(), "copy")
		modules, err := r.Checkout(t.Context(), src, into)
		if err != nil || modules != nil {
			t.Fatalf("submodules %q, %v", modules, err)
		}
		want := []string{".gitignore", "README.md", "traffic/good", "traffic/lib/clean.py", "traffic/run.sh", "traffic/slipway.yaml", "traffic/traffic.ipynb"}
		if dirty {
			want = append(want[:5:5], "traffic/scratch.py", "traffic/slipway.yaml", "traffic/traffic.ipynb")
		}
		if diff := cmp.Diff(want, list(t, into)); diff != "" {
			t.Errorf("dirty %v (-want +got):\n%s", dirty, diff)
		}
		if info, err := os.Stat(filepath.Join(into, "traffic/run.sh")); err != nil || info.Mode()&0o100 == 0 {
			t.Errorf("dirty %v: the executable bit is lost: %v", dirty, err)
		}
		if to, err := os.Readlink(filepath.Join(into, "traffic/good")); err != nil || to != "lib/clean.py" {
			t.Errorf("dirty %v: link %q, %v", dirty, to, err)
		}
		if left := list(t, filepath.Dir(into)); len(left) != len(want) {
			t.Errorf("dirty %v: left beside the copy: %q", dirty, left)
		}
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, filepath.ToSlash(strings.TrimPrefix(file, dir+string(filepath.Separator))))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestCheckoutReportsSubmodules(t *testing.T) {
	dir := repo(t, app)
	run(t, dir, "submodule", "--quiet", "add", repo(t, app), "vendor")
	commit(t, dir)
	write(t, dir, map[string]string{"traffic/new.py": ""})
	for _, dirty := range []bool{false, true} {
		r := open(t, dir)
		src, _, err := r.Source(t.Context(), "traffic", dirty)
		if err != nil {
			t.Fatal(err)
		}
		modules, err := r.Checkout(t.Context(), src, filepath.Join(t.TempDir(), "copy"))
		if diff := cmp.Diff([]string{"vendor"}, modules); diff != "" || err != nil {
			t.Errorf("dirty %v: %v\n%s", dirty, err, diff)
		}
	}
}

func TestManifests(t *testing.T) {
	dir := repo(t, app)
	write(t, dir, map[string]string{
		"slipway.yaml": "", "new/slipway.yaml": "", "new/notslipway.yaml": "", "b/debug.log/slipway.yaml": "", ".slipway/copy/slipway.yaml": "",
	})
	got, err := open(t, filepath.Join(dir, "traffic")).Manifests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"new/slipway.yaml", "slipway.yaml", "traffic/slipway.yaml"}, got); diff != "" {
		t.Errorf("manifests (-want +got):\n%s", diff)
	}
}
