//go:build linux && amd64

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// program is the command under test, as people have it: without what tests add,
// such as the race detector. It is built once, beside the test binary, where go
// test clears up.
var program = sync.OnceValues(func() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	file := filepath.Join(filepath.Dir(self), "slipway")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", file, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=") // as scripts/release.sh does
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return file, nil
})

// A clone is a git repository with an app in it, with what its commands need
// beside it: copied elsewhere, all of it is another clone.
//
//	repository/  the app
//	cache/       Slipway's cache of this user
//	tmp/         temporary files
type clone struct {
	program string
	dir     string
	env     []string // over that of the test
	below   string   // the folder of the repository in which commands are called; empty: its root
}

func newClone(t *testing.T) clone {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	c := clone{program: file, dir: filepath.Join(t.TempDir(), "clone")}
	for _, name := range []string{"repository", "cache", "tmp"} {
		if err := os.MkdirAll(filepath.Join(c.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.git(t, "init", "-q", "-b", "main", "--template=")
	return c
}

// copy is the clone at another place.
func (c clone) copy(t *testing.T) clone {
	t.Helper()
	to := filepath.Join(t.TempDir(), "clone")
	if out, err := exec.Command("cp", "-a", c.dir, to).CombinedOutput(); err != nil {
		t.Fatalf("copy the repository: %v\n%s", err, out)
	}
	c.dir = to
	return c
}

func (c clone) repository() string { return filepath.Join(c.dir, "repository") }

func (c clone) file(name string) string {
	return filepath.Join(c.repository(), filepath.FromSlash(name))
}

// read is a file's text; empty if there is none.
func (c clone) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(c.file(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}

func (c clone) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.file(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.file(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// change replaces a text that must be in a file.
func (c clone) change(t *testing.T, name, from, to string) {
	t.Helper()
	text := c.read(t, name)
	if !strings.Contains(text, from) {
		t.Fatalf("%s does not have %q:\n%s", name, from, text)
	}
	c.write(t, name, strings.ReplaceAll(text, from, to))
}

func (c clone) environ() []string {
	env := append(os.Environ(),
		"HOME="+c.dir, "XDG_CACHE_HOME="+filepath.Join(c.dir, "cache"), "TMPDIR="+filepath.Join(c.dir, "tmp"),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Mara", "GIT_AUTHOR_EMAIL=mara@example.com", "GIT_COMMITTER_NAME=Mara", "GIT_COMMITTER_EMAIL=mara@example.com",
		"SLIPWAY_PLATFORM=", "TZ=UTC")
	return append(env, c.env...)
}

func (c clone) gitCommand(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = c.repository(), c.environ()
	return cmd
}

func (c clone) git(t *testing.T, args ...string) {
	t.Helper()
	cmd := c.gitCommand(args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (c clone) commit(t *testing.T, message string) {
	t.Helper()
	c.git(t, "add", "-A")
	c.git(t, "commit", "-q", "-m", message)
}

// command is slipway with some words.
func (c clone) command(words ...string) *exec.Cmd {
	cmd := exec.Command(c.program, words...)
	cmd.Dir, cmd.Env = c.file(c.below), c.environ()
	return cmd
}

// An answer is how a command ended, and what it said.
type answer struct {
	code           int
	stdout, stderr string
}

// ask runs slipway to its end.
func (c clone) ask(t *testing.T, words ...string) answer {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := c.command(words...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("slipway %s: %v", strings.Join(words, " "), err)
	}
	return answer{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must is ask for a command that has to succeed; it returns what it printed.
func (c clone) must(t *testing.T, words ...string) string {
	t.Helper()
	a := c.ask(t, words...)
	if a.code != 0 {
		t.Fatalf("slipway %s: exit code %d\n%s%s", strings.Join(words, " "), a.code, a.stdout, a.stderr)
	}
	return a.stdout
}

// newPulse is a clone with the job of the example pulse in it, committed. Each
// run adds a line to out/runs.txt; the check gate reads the file that GATE names.
// Staging is the folder of the environment of that name, artifacts its repository.
func newPulse(t *testing.T, staging, artifacts string) clone {
	t.Helper()
	c := newClone(t)
	for _, name := range []string{"pulse.py", "test_pulse.py", "data/traffic.csv"} {
		data, err := os.ReadFile(filepath.Join("../../examples/pulse", name))
		if err != nil {
			t.Fatal(err)
		}
		c.write(t, name, string(data))
	}
	c.write(t, ".gitignore", "/out/\n/staging/\n__pycache__/\n")
	c.write(t, "platform.yaml", `slipway: v1
environments:
  local: {runtime: local}
  staging: {runtime: local, root: `+staging+`/runtime, repository: "`+artifacts+`", follows: local}
`)
	c.write(t, "slipway.yaml", `slipway: v1
app: pulse
shape: glue-job
build: {script: pulse.py}
checks:
  gate: {run: 'test -z "$GATE" || cat "$GATE"'}
  unit: {run: [python3, -m, unittest, -q]}
run: {type: pythonshell, role: Pulse, queuing: true, arguments: {source: data/traffic.csv}}
environments:
  local: {run: {arguments: {target: out/local.json}}}
  staging: {run: {arguments: {target: out/staging.json}, after_deploy: true}}
`)
	c.write(t, "pulse.py", c.read(t, "pulse.py")+`    with open("out/runs.txt", "a", encoding="utf-8") as runs:
        runs.write("%s %s version 1\n" % (sys.argv[sys.argv.index("--JOB_RUN_ID") + 1], sys.argv[sys.argv.index("--target") + 1]))
`)
	c.commit(t, "version 1")
	return c
}

// secondVersion commits another version of pulse.
func (c clone) secondVersion(t *testing.T) {
	t.Helper()
	c.change(t, "pulse.py", "version 1", "version 2")
	c.commit(t, "version 2")
}
