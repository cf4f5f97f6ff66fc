package build_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/build"
	"github.com/slipway-cd/slipway/git"
)

// Build takes the files as package git has them.
var _ build.Files = (*git.Tree)(nil)

func environ(t testing.TB) []string {
	t.Helper()
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_ALLOW_PROTOCOL=file"}
}

func gitRun(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=A", "-c", "user.email=a@example.com"}, args...)...)
	cmd.Dir, cmd.Env = dir, environ(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func commitAll(t testing.TB, dir string) {
	t.Helper()
	gitRun(t, dir, "add", "-A")
	gitRun(t, dir, "commit", "-q", "-m", "a change")
}

// repository makes a repository with the traffic app in its folder "app".
func repository(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	gitRun(t, dir, "init", "-q", "-b", "main")
	write(t, dir, map[string]string{
		".gitignore":            "*.log\n",
		"app/traffic.ipynb":     traffic(t),
		"app/lib/__init__.py":   "",
		"app/lib/calendar.py":   strings.Repeat("DAYS = {}\n", 200),
		"app/lib/clean.py":      strings.Repeat("def clean(rows):\n    return rows\n", 100),
		"app/tests/test_lib.py": "def test(): pass\n",
		"shared/version.txt":    "1\n",
	})
	commitAll(t, dir)
	return dir
}

func traffic(t testing.TB) string {
	cells := []cell{{"markdown", "# Traffic\n\nHourly road traffic."}, {"", "%glue_version 5.0\n%worker_type G.1X\n%number_of_workers 2"}}
	for range 20 {
		cells = append(cells, cell{"markdown", "## A step"}, cell{"", "frame = spark.read.csv('x')\nframe = frame.dropna()\nframe.show()\n\ndef f(x):\n    return x + 1"})
	}
	return notebook(t, cells...)
}

// from builds the app of a repository as the pipeline does.
func from(t testing.TB, s *build.Stage, dir string, dirty bool, plan build.Plan) (build.Result, slipway.Source, error) {
	t.Helper()
	repo, err := git.Open(t.Context(), dir, environ(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = repo.Close() }()
	src, _, err := repo.Source(t.Context(), "app", dirty)
	if err != nil {
		t.Fatal(err)
	}
	files, err := repo.Tree(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Run(t.Context(), build.Input{
		App: "traffic-etl", Source: src, Plan: plan, Files: files, Environ: environ(t), Output: t.Output(),
		Checkout: func(ctx context.Context, dir string) error {
			_, err := repo.Checkout(ctx, src, dir)
			return err
		},
	})
	return r, src, err
}

var trafficPlan = build.Plan{Notebook: "traffic.ipynb", Include: []string{"lib/"}}

// Two clones in two folders, checked out at other times under another umask, give
// the same bytes.
func TestClonesGiveTheSameBytes(t *testing.T) {
	dir := repository(t)
	first, _, err := from(t, stage(t), dir, false, trafficPlan)
	if err != nil {
		t.Fatal(err)
	}
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	clone := filepath.Join(t.TempDir(), "elsewhere")
	gitRun(t, filepath.Dir(clone), "clone", "-q", dir, clone)
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(clone, "app/lib/clean.py"), long, long); err != nil {
		t.Fatal(err)
	}
	for _, dirty := range []bool{false, true} {
		second, _, err := from(t, stage(t), clone, dirty, trafficPlan)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first.Artifacts, second.Artifacts); diff != "" {
			t.Errorf("dirty %v (-first +second):\n%s", dirty, diff)
		}
	}
}

func TestUncommittedFilesDoNotLeakIn(t *testing.T) {
	dir := repository(t)
	write(t, dir, map[string]string{"app/lib/scratch.py": "SECRET = 1\n", "app/debug.log": "x", "shared/scratch.txt": "x", ".slipway/state.db": "x"})
	plan := trafficPlan
	plan.Steps = []build.Step{{Name: "list", Shell: "find .. -type f ! -name list.txt | LC_ALL=C sort > list.txt; git rev-parse || echo no repository >> list.txt", Outputs: []string{"list.txt"}}}
	committed := "../.gitignore\n../app/lib/__init__.py\n../app/lib/calendar.py\n../app/lib/clean.py\n../app/tests/test_lib.py\n../app/traffic.ipynb\n../shared/version.txt\nno repository\n"
	working := strings.ReplaceAll(strings.ReplaceAll(committed, "clean.py\n", "clean.py\n../app/lib/scratch.py\n"), "../shared/v", "../shared/scratch.txt\n../shared/v")
	for dirty, want := range map[bool]string{false: committed, true: working} {
		r, src, err := from(t, stage(t), dir, dirty, plan)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, a := range r.Artifacts {
			data, err := os.ReadFile(r.Path(a))
			if err != nil {
				t.Fatal(err)
			}
			files[a.Name] = string(data)
		}
		if diff := cmp.Diff(want, files["list.txt"]); diff != "" {
			t.Errorf("dirty %v: the copy (-want +got):\n%s", dirty, diff)
		}
		if leaked := strings.Contains(files["traffic-etl-modules.zip"], "SECRET"); leaked != dirty {
			t.Errorf("dirty %v: the uncommitted module is in the zip: %v", dirty, leaked)
		}
		if src.Dirty != dirty || strings.Contains(src.Version(), "-dirty.") != dirty {
			t.Errorf("dirty %v: version %s", dirty, src.Version())
		}
	}
}

func TestWhatGitCannotGive(t *testing.T) {
	dir := repository(t)
	write(t, dir, map[string]string{"app/big/a.py": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"})
	for to, name := range map[string]string{"../../shared": "app/out", "lib": "app/inside"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	other := repository(t)
	gitRun(t, dir, "submodule", "--quiet", "add", other, "app/vendor")
	commitAll(t, dir)
	write(t, dir, map[string]string{"app/new/a.py": ""})
	for include, want := range map[string]string{
		"big":    "build: big/a.py is kept in Git LFS: git holds a pointer in its place, not its bytes",
		"out":    "build: out is a symbolic link that leaves the app's folder: ../../shared",
		"inside": "build: inside is a symbolic link to a folder, lib",
		"vendor": "build.include: vendor is a git submodule, whose files are not part of this repository",
		"new/":   "build.include: new/ is on this machine but not committed",
	} {
		_, _, err := from(t, stage(t), dir, false, build.Plan{Notebook: "traffic.ipynb", Include: []string{include}})
		if err == nil || err.Error() != want {
			t.Errorf("include %s: %v, want %s", include, err, want)
		}
	}
}

func BenchmarkTrafficWarm(b *testing.B) {
	dir, s := repository(b), stage(b)
	if _, _, err := from(b, s, dir, false, trafficPlan); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if r, _, err := from(b, s, dir, false, trafficPlan); err != nil || !r.Reused {
			b.Fatal(r.Reused, err)
		}
	}
}

func BenchmarkTrafficCold(b *testing.B) {
	dir := repository(b)
	for b.Loop() {
		if r, _, err := from(b, stage(b), dir, false, trafficPlan); err != nil || r.Reused {
			b.Fatal(r.Reused, err)
		}
	}
}
