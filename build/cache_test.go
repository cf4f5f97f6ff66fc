package build_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/build"
)

// entries returns the folders of a cache that have a final name, having proved
// every byte in them.
func entries(t *testing.T, cache string) []string {
	t.Helper()
	all, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range all {
		if len(d.Name()) != 64 {
			continue
		}
		names = append(names, d.Name())
		entry, err := os.ReadFile(filepath.Join(cache, d.Name(), "entry"))
		digest, text, _ := bytes.Cut(entry, []byte("\n"))
		if err != nil || string(digest) != string(slipway.DigestOf(text)) {
			t.Errorf("half an entry in %s: %q, %v", d.Name(), entry, err)
		}
		files, err := os.ReadDir(filepath.Join(cache, d.Name(), "files"))
		if err != nil || len(files) == 0 {
			t.Errorf("no files in %s: %v", d.Name(), err)
		}
		for _, f := range files {
			data, err := os.ReadFile(filepath.Join(cache, d.Name(), "files", f.Name()))
			if err != nil || !bytes.Contains(text, []byte(slipway.DigestOf(data))) {
				t.Errorf("half a file: %s/%s, %v", d.Name(), f.Name(), err)
			}
		}
	}
	return names
}

func TestCorruptEntryIsBuiltAgain(t *testing.T) {
	plan := build.Plan{Script: "job.py", Include: []string{"lib"}}
	damage := map[string]func(dir string) error{
		"a byte of a file": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "files", "job.py"), []byte("import lib.evil!\n"), 0o644)
		},
		"a file cut short": func(dir string) error { return os.Truncate(filepath.Join(dir, "files", "traffic-etl-modules.zip"), 10) },
		"a file gone":      func(dir string) error { return os.Remove(filepath.Join(dir, "files", "job.py")) },
		"the record": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "entry"), []byte("sha256:0\n{}"), 0o644)
		},
		"no record":       func(dir string) error { return os.Remove(filepath.Join(dir, "entry")) },
		"an empty folder": func(dir string) error { return os.RemoveAll(filepath.Join(dir, "files")) },
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			s := stage(t)
			first := run(t, s, input(job, plan))
			if err := harm(filepath.Dir(first.Dir)); err != nil {
				t.Fatal(err)
			}
			again := run(t, s, input(job, plan))
			if diff := cmp.Diff(first, again); diff != "" { // and so not reused
				t.Errorf("(-first +again):\n%s", diff)
			}
			read(t, again)
			if !run(t, s, input(job, plan)).Reused {
				t.Error("the new entry is not used")
			}
			entries(t, filepath.Dir(filepath.Dir(first.Dir)))
		})
	}
}

func TestManyBuildersOfTheSame(t *testing.T) {
	cache, temp := filepath.Join(t.TempDir(), "builds"), t.TempDir()
	step := build.Step{Name: "make", Shell: "date +%N > out", Inputs: []string{"job.py"}, Outputs: []string{"out"}}
	results := make([]build.Result, 8)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			r, err := build.New(cache, temp).Run(t.Context(), input(job, build.Plan{Script: "job.py", Steps: []build.Step{step}}))
			if err != nil {
				t.Error(err)
			}
			r.Reused = false
			results[i] = r
		})
	}
	all.Wait()
	for _, r := range results[1:] {
		if diff := cmp.Diff(results[0], r); diff != "" {
			t.Errorf("two builders got two results:\n%s", diff)
		}
	}
	if n := len(entries(t, cache)); n != 1 {
		t.Errorf("%d entries", n)
	}
	nothingLeft(t, cache)
	nothingLeft(t, temp)
}

// nothingLeft proves that there is no workspace in a folder.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if strings.HasPrefix(d.Name(), "tmp-") || strings.HasPrefix(d.Name(), "slipway-build-") {
			t.Errorf("left behind: %s", filepath.Join(dir, d.Name()))
		}
	}
}

// child makes this test binary run a helper in place of the tests.
const child = "SLIPWAY_BUILD_CHILD"

func TestMain(m *testing.M) {
	switch mode, dir, _ := strings.Cut(os.Getenv(child), "="); mode {
	case "":
		os.Exit(m.Run())
	case "many":
		buildMany(dir)
	case "one":
		buildOne(dir)
	}
}

// many is input i of a row of builds.
func many(i int) build.Input {
	files := tree{files: map[string]string{"job.py": fmt.Sprintf("print(%d)\n", i), "lib/a.py": strings.Repeat("x = 1\n", 10_000)}}
	step := build.Step{Name: "make", Shell: "cp job.py out; cp out out2", Inputs: []string{"job.py"}, Outputs: []string{"out", "out2"}}
	return input(files, build.Plan{Script: "job.py", Include: []string{"lib"}, Steps: []build.Step{step}})
}

// buildMany builds one input after the other until it is killed.
func buildMany(dir string) {
	s := build.New(filepath.Join(dir, "builds"), filepath.Join(dir, "temp"))
	for i := range 1000 {
		if _, err := s.Run(context.Background(), many(i)); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(i)
	}
}

func TestKillAtAnyPoint(t *testing.T) {
	dir := t.TempDir()
	cache, temp := filepath.Join(dir, "builds"), filepath.Join(dir, "temp")
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	began := time.Now()
	run(t, build.New(cache, temp), many(0))
	whole := time.Since(began)
	kills, done := 60, 0
	if testing.Short() {
		kills = 10
	}
	for range kills {
		done = max(done, kill(t, dir, done, time.Duration(random.Int64N(2*int64(whole)))))
		entries(t, cache)
	}
	s := build.New(cache, temp)
	for i := range done + 2 {
		r := run(t, s, many(i))
		if i <= done && !r.Reused {
			t.Errorf("build %d was finished, and is gone", i)
		}
		if got := read(t, r)["script job.py"]; got != fmt.Sprintf("print(%d)\n", i) {
			t.Errorf("build %d: %q", i, got)
		}
	}
	if n := len(entries(t, cache)); n < done+2 {
		t.Errorf("%d entries, %d builds", n, done+2)
	}
	run(t, s, many(2000)) // a build that nobody began removes what the last one left
	nothingLeft(t, cache)
	nothingLeft(t, temp)
	t.Logf("%d kills, %d builds of %s", kills, done+1, whole)
}

// kill starts a builder, and kills it a moment after it has begun a build that
// nobody built before. The result is the last build that it finished.
func kill(t *testing.T, dir string, from int, moment time.Duration) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), child+"=many="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := -1
	lines := bufio.NewScanner(out)
	read := func() bool {
		if !lines.Scan() {
			return false
		}
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Fatalf("the builder says: %s", lines.Text())
		}
		return true
	}
	for last < from && read() {
	}
	timer := time.AfterFunc(moment, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for read() {
	}
	_ = cmd.Wait()
	return last
}

// buildOne builds into a folder that cannot be written to, and prints why not.
func buildOne(dir string) {
	files := tree{files: map[string]string{"job.py": strings.Repeat("x = 1\n", 100_000)}}
	_, err := build.New(filepath.Join(dir, "builds"), dir).Run(context.Background(), input(files, build.Plan{Script: "job.py"}))
	fmt.Printf("%s: %v\n%s\n", slipway.KindOf(err), err, slipway.FixOf(err))
	left, _ := filepath.Glob(filepath.Join(dir, "builds", "*"))
	fmt.Println("left:", left)
}

// onDisk runs buildOne on a small disk of its own.
func onDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "unshare", "--map-root-user", "--mount", "sh", "-c",
		`mount -t tmpfs -o "$1" none "$2" && exec "$0"`, os.Args[0], options, dir)
	cmd.Env = append(os.Environ(), child+"=one="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("no disk of its own can be mounted here: %v: %s", err, out)
	}
	return strings.ReplaceAll(string(out), dir, "DIR")
}

func TestDiskFull(t *testing.T) {
	got := onDisk(t, "size=64k")
	for _, want := range []string{
		"unavailable: the disk is full: there is no room in DIR/builds: ", "no space left on device\n",
		"make room and try again; nothing half-written is left\n", "left: [DIR/builds/lock]\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

func TestReadOnlyFolder(t *testing.T) {
	got := onDisk(t, "ro")
	for _, want := range []string{"unavailable: cannot write to DIR/builds: ", "read-only file system\n", "make the folder writable for you\n", "left: []\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}
