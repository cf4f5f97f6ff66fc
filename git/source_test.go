package git_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/git"
)

func TestSource(t *testing.T) {
	dir := repo(t, app)
	for _, tag := range []string{"latest", "v1.9.0", "v1.10.0", "v1.10.0-rc1"} {
		run(t, dir, "tag", tag)
	}
	run(t, dir, "tag", "-a", "v1.9.1", "-m", "annotated")
	run(t, dir, "remote", "add", "backup", "https://example.com/backup.git")
	run(t, dir, "remote", "add", "origin", "https://x-access-token:hunter2@example.com/team/etl.git")
	r := open(t, filepath.Join(dir, "traffic", "lib"))
	got, untracked, err := r.Source(t.Context(), "traffic", false)
	if err != nil {
		t.Fatal(err)
	}
	want := slipway.Source{
		Root: dir, Path: "traffic", Branch: "main", Author: "a@example.com", Tag: "v1.10.0",
		Commit: run(t, dir, "rev-parse", "HEAD"),
		Tree:   run(t, dir, "rev-parse", "HEAD:traffic"),
		Time:   time.Date(2026, 1, 2, 1, 4, 5, 0, time.UTC),
		Remote: "https://example.com/team/etl.git",
	}
	if diff := cmp.Diff(want, got); diff != "" || untracked != nil {
		t.Errorf("source (-want +got):\n%s\nuntracked %q", diff, untracked)
	}
}

func TestSourceOfTheRootDetachedAndWithoutRemote(t *testing.T) {
	dir := repo(t, app)
	run(t, dir, "checkout", "-q", "--detach")
	got, _, err := open(t, dir).Source(t.Context(), ".", false)
	if err != nil {
		t.Fatal(err)
	}
	if got.Path != "." || got.Branch != "" || got.Tag != "" || got.Remote != "" || got.Tree != run(t, dir, "rev-parse", "HEAD^{tree}") {
		t.Errorf("source %+v", got)
	}
}

func TestSourceLooksAtItsFolderOnly(t *testing.T) {
	dir := repo(t, app)
	write(t, dir, map[string]string{"README.md": "changed\n", "other.py": "x\n"})
	src, untracked, err := open(t, dir).Source(t.Context(), "traffic", false)
	if err != nil || src.Dirty || untracked != nil {
		t.Errorf("source %+v, untracked %q, %v", src, untracked, err)
	}
}

func TestSourceRefusesUncommittedChanges(t *testing.T) {
	tests := map[string]struct {
		change func(t *testing.T, dir string)
		want   string
	}{
		"modified": {
			func(t *testing.T, dir string) { write(t, dir, map[string]string{"traffic/lib/clean.py": "X = 2\n"}) },
			"1 uncommitted change in traffic: traffic/lib/clean.py (modified)",
		},
		"staged": {
			func(t *testing.T, dir string) {
				write(t, dir, map[string]string{"traffic/new file.py": ""})
				run(t, dir, "add", ".")
			},
			"1 uncommitted change in traffic: traffic/new file.py (added)",
		},
		"deleted": {
			func(t *testing.T, dir string) {
				if err := os.RemoveAll(filepath.Join(dir, "traffic", "lib")); err != nil {
					t.Fatal(err)
				}
			},
			"1 uncommitted change in traffic: traffic/lib/clean.py (deleted)",
		},
		"renamed": {
			func(t *testing.T, dir string) {
				run(t, dir, "mv", "traffic/traffic.ipynb", "traffic/road.ipynb")
			},
			"2 uncommitted changes in traffic: traffic/road.ipynb (added), traffic/traffic.ipynb (deleted)",
		},
		"many": {
			func(t *testing.T, dir string) {
				for _, n := range []string{"a", "b", "c", "d", "e", "f"} {
					write(t, dir, map[string]string{"traffic/" + n: ""})
				}
				run(t, dir, "add", ".")
			},
			"6 uncommitted changes in traffic: traffic/a (added), traffic/b (added), traffic/c (added), traffic/d (added), traffic/e (added), ...",
		},
		"in conflict": {
			func(t *testing.T, dir string) {
				run(t, dir, "checkout", "-q", "-b", "other")
				write(t, dir, map[string]string{"traffic/lib/clean.py": "X = 2\n"})
				commit(t, dir)
				run(t, dir, "checkout", "-q", "main")
				write(t, dir, map[string]string{"traffic/lib/clean.py": "X = 3\n"})
				commit(t, dir)
				run(t, dir, "-c", "alias.m=!git merge other || true", "m")
			},
			"1 uncommitted change in traffic: traffic/lib/clean.py (in conflict)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := repo(t, app)
			tt.change(t, dir)
			_, _, err := open(t, dir).Source(t.Context(), "traffic", false)
			check(t, err, slipway.Invalid, tt.want, `commit first: git commit -am "what changed"; or take the files as they are now with --dirty`)
		})
	}
}

// check compares an error with what a person should read.
func check(t *testing.T, err error, kind slipway.Kind, message, fix string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", message)
	}
	if slipway.KindOf(err) != kind || err.Error() != message || slipway.FixOf(err) != fix {
		t.Errorf("got  %s: %s\nfix  %s\nwant %s: %s\nfix  %s", slipway.KindOf(err), err, slipway.FixOf(err), kind, message, fix)
	}
}

func TestUntrackedFilesAreAWarning(t *testing.T) {
	dir := repo(t, app)
	write(t, dir, map[string]string{
		"traffic/scratch.py": "", "traffic/data/a.csv": "", "traffic/debug.log": "", "traffic/.slipway/state.db": "",
	})
	src, untracked, err := open(t, dir).Source(t.Context(), "traffic", false)
	if err != nil || src.Dirty {
		t.Fatalf("source %+v, %v", src, err)
	}
	if diff := cmp.Diff([]string{"traffic/data/", "traffic/scratch.py"}, untracked); diff != "" {
		t.Errorf("untracked (-want +got):\n%s", diff)
	}
}

func TestDirtySource(t *testing.T) {
	dir := repo(t, app)
	r := open(t, dir)
	source := func() slipway.Source {
		t.Helper()
		src, _, err := r.Source(t.Context(), "traffic", true)
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	clean := source()
	if clean.Dirty || clean.Tree != run(t, dir, "rev-parse", "HEAD:traffic") {
		t.Errorf("nothing differs, but the source is %+v", clean)
	}
	write(t, dir, map[string]string{"traffic/debug.log": "ignored", "traffic/.slipway/state.db": "own"})
	if got := source(); got != clean {
		t.Errorf("ignored files make it %+v", got)
	}
	seen := map[string]string{clean.Tree: "clean"}
	differ := func(what string) {
		t.Helper()
		src := source()
		if before, ok := seen[src.Tree]; ok || !src.Dirty {
			t.Errorf("%s: source %+v, tree as before: %q", what, src, before)
		}
		seen[src.Tree] = what
	}
	write(t, dir, map[string]string{"traffic/new.py": ""})
	differ("an untracked file")
	write(t, dir, map[string]string{"traffic/lib/clean.py": "X = 2\n"})
	differ("another byte")
	if err := os.Chmod(filepath.Join(dir, "traffic/lib/clean.py"), 0o755); err != nil {
		t.Fatal(err)
	}
	differ("another mode")
	if err := os.Remove(filepath.Join(dir, "traffic/traffic.ipynb")); err != nil {
		t.Fatal(err)
	}
	differ("a file less")
	if a, b := source(), source(); a != b {
		t.Errorf("the same files have two names: %+v, %+v", a, b)
	}
	if v := source().Version(); !regexp.MustCompile(`^0\.0\.0-20260102010405-[0-9a-f]{12}-dirty\.[0-9a-f]{8}$`).MatchString(v) {
		t.Errorf("version %s", v)
	}
}

func TestAFolderThatIsNotCommitted(t *testing.T) {
	dir := repo(t, app)
	write(t, dir, map[string]string{"new/job.py": "x\n"})
	_, _, err := open(t, dir).Source(t.Context(), "new", false)
	check(t, err, slipway.Invalid, "the folder new is not committed",
		`git add new && git commit -m "add new"; or take the files as they are now with --dirty`)
	src, _, err := open(t, dir).Source(t.Context(), "new", true)
	if err != nil || !src.Dirty {
		t.Errorf("dirty: %+v, %v", src, err)
	}
	_, _, err = open(t, dir).Source(t.Context(), "README.md", false)
	check(t, err, slipway.Invalid, "README.md is not a folder", "")
	_, _, err = open(t, dir).Source(t.Context(), "../x", false)
	check(t, err, slipway.Invalid, "../x is outside of the repository in "+dir, "")
}

func TestOpenExplainsWhatIsWrong(t *testing.T) {
	none, bare := real(t, t.TempDir()), real(t, t.TempDir())
	run(t, bare, "init", "-q", "--bare")
	owned := repo(t, app)
	tests := map[string]struct {
		dir          string
		env          []string
		kind         slipway.Kind
		message, fix string
	}{
		"no repository": {
			none, environ(t), slipway.Invalid,
			none + " is not in a git repository",
			`Slipway ships commits. Make it a repository: git init && git add . && git commit -m "first version"`,
		},
		"bare": {
			bare, environ(t), slipway.Invalid,
			bare + " is in a bare git repository, which has no files to build",
			"clone it and work in the clone: git clone " + bare,
		},
		"no folder": {
			filepath.Join(none, "gone"), environ(t), slipway.NotFound,
			"there is no folder " + filepath.Join(none, "gone"), "",
		},
		"no git": {
			owned,
			[]string{"PATH=" + none},
			slipway.Unavailable,
			"git is not installed: there is no git on the PATH",
			"install git (Debian, Ubuntu: apt-get install git; macOS: xcode-select --install) and try again",
		},
		"another owner": {
			owned, foreign(t), slipway.Invalid,
			"git does not trust the repository in " + owned + ": another user owns it",
			"if you trust it: git config --global --add safe.directory " + owned,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := git.Open(t.Context(), tt.dir, tt.env)
			check(t, err, tt.kind, tt.message, tt.fix)
		})
	}
}

func TestSourceNeedsACommit(t *testing.T) {
	empty := real(t, t.TempDir())
	run(t, empty, "init", "-q")
	for _, dirty := range []bool{false, true} {
		_, _, err := open(t, empty).Source(t.Context(), ".", dirty)
		check(t, err, slipway.Invalid, "the repository in "+empty+" has no commits yet",
			`Slipway ships commits. Make the first one: git add . && git commit -m "first version"`)
	}
}

// foreign returns an environment whose git takes every repository for another
// user's.
func foreign(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\nPATH=" + os.Getenv("PATH") + " GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec git \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return []string{"PATH=" + dir, "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}
}

func real(t *testing.T, dir string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpenIgnoresVariablesThatLeadElsewhere(t *testing.T) {
	dir, other := repo(t, app), repo(t, map[string]string{"x": "y"})
	env := append(environ(t), "GIT_DIR="+filepath.Join(other, ".git"), "GIT_WORK_TREE="+other, "GIT_INDEX_FILE=/nowhere", "LC_ALL=de_DE.UTF-8")
	r, err := git.Open(t.Context(), dir, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	src, _, err := r.Source(t.Context(), ".", false)
	if err != nil || r.Root() != dir || src.Commit != run(t, dir, "rev-parse", "HEAD") {
		t.Errorf("root %s, source %+v, %v", r.Root(), src, err)
	}
}

func TestOpenWritesNothing(t *testing.T) {
	dir := repo(t, app)
	before := snapshot(t, dir)
	r := open(t, dir)
	src, _, err := r.Source(t.Context(), "traffic", true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Checkout(t.Context(), src, filepath.Join(t.TempDir(), "copy")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
		t.Errorf("the repository changed:\n%s", diff)
	}
}

// snapshot returns all files of a folder with their times and bytes.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.Walk(dir, func(file string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(file)
		files[strings.TrimPrefix(file, dir)] = info.ModTime().String() + string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRel(t *testing.T) {
	dir := repo(t, app)
	r := open(t, dir)
	for file, want := range map[string]string{dir: ".", filepath.Join(dir, "traffic", "lib"): "traffic/lib"} {
		if got, err := r.Rel(file); err != nil || got != want {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
	out := filepath.Dir(dir)
	_, err := r.Rel(out)
	check(t, err, slipway.Invalid, out+" is outside of the repository in "+dir, "")
}
