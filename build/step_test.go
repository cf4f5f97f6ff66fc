package build_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/build"
)

func sh(name, text string, outputs ...string) build.Step {
	return build.Step{Name: name, Shell: text, Outputs: outputs}
}

func TestStepsRunInOrderInACleanCopy(t *testing.T) {
	var output bytes.Buffer
	steps := []build.Step{
		{Name: "one", Command: []string{"sh", "-c", `echo "$GREETING $0" > made.txt; ls -a`, "$HOME;"}, Env: map[string]string{"GREETING": "hello"}},
		sh("two", "mkdir -p dist/a && cp made.txt dist/a/final.txt && cat job.py | wc -l >&2", "dist/**/*.txt", "made.txt"),
	}
	in := input(job, build.Plan{Script: "job.py", Steps: steps})
	in.Output = &output
	in.Environ = append(in.Environ, "GIT_DIR=/elsewhere", "GREETING=base")
	r := run(t, stage(t), in)
	want := map[string]string{"script job.py": "import lib.clean\n", "file final.txt": "hello $HOME;\n", "file made.txt": "hello $HOME;\n"}
	if diff := cmp.Diff(want, read(t, r)); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
	if got := strings.Fields(output.String()); !cmp.Equal(got, []string{".", "..", "helper.py", "job.py", "lib", "made.txt", "slipway.yaml", "1"}) {
		t.Errorf("output %q", got)
	}
}

func TestAStepMakesTheScriptAndModules(t *testing.T) {
	steps := []build.Step{sh("generate", "mkdir gen; echo 'print(1)' > gen.py; echo 'A=1' > gen/a.py; echo x > extra.bin", "gen.py", "gen", "extra.bin")}
	r := run(t, stage(t), input(job, build.Plan{Script: "gen.py", Include: []string{"gen/", "lib"}, Steps: steps}))
	got := read(t, r)
	if got["script gen.py"] != "print(1)\n" || got["file extra.bin"] != "x\n" || len(got) != 3 {
		t.Errorf("artifacts %q", got)
	}
	want := []string{"gen/", "gen/a.py", "lib/", "lib/clean.py", "lib/deep/", "lib/deep/er/", "lib/deep/er/more.py"}
	if diff := cmp.Diff(want, names(t, got["modules traffic-etl-modules.zip"])); diff != "" {
		t.Errorf("zip (-want +got):\n%s", diff)
	}
}

func TestStepsAreReusedByTheirInputs(t *testing.T) {
	s := stage(t)
	declared := build.Plan{Steps: []build.Step{{Name: "a", Shell: "cat lib/*.py > all.txt", Inputs: []string{"lib/**"}, Outputs: []string{"all.txt"}}}}
	whole := build.Plan{Steps: []build.Step{sh("a", "cat lib/*.py > all.txt", "all.txt")}}
	base := func(plan build.Plan) build.Input { return input(tree{files: maps.Clone(job.files)}, plan) }
	at := func(in build.Input, commit string) build.Input { in.Source.Commit = commit; return in }
	edit := func(in build.Input, name string) build.Input { in.Files.(tree).files[name] += "#\n"; return in }
	dirty := func(in build.Input) build.Input { in.Source.Dirty = true; return in }
	other := strings.Repeat("9", 40)
	for _, tt := range []struct {
		name   string
		in     build.Input
		reused bool
	}{
		{"first", base(declared), false},
		{"same", base(declared), true},
		{"another commit, same inputs", at(edit(base(declared), "slipway.yaml"), other), true},
		{"an input changed", at(edit(base(declared), "lib/clean.py"), other), false},
		{"dirty, same inputs", dirty(base(declared)), true},
		{"the whole repository", base(whole), false},
		{"the same commit", base(whole), true},
		{"another commit", at(base(whole), other), false},
		{"dirty", dirty(base(whole)), false},
		{"dirty, the same files", dirty(base(whole)), true},
		{"dirty, another file", dirty(edit(base(whole), "slipway.yaml")), false},
	} {
		if r := run(t, s, tt.in); r.Reused != tt.reused {
			t.Errorf("%s: reused %v", tt.name, r.Reused)
		}
	}
}

func TestStepErrors(t *testing.T) {
	t.Parallel()
	const clean = "it runs in a clean copy of the commit: what is not committed is not there"
	lines := "line 3\nline 4\nline 5\nline 6\nline 7\nline 8\nline 9\nline 10\nline 11\nline 12"
	tests := map[string]struct {
		step         build.Step
		kind         slipway.Kind
		message, fix string
	}{
		"exit":    {sh("proto", "for i in $(seq 12); do echo line $i; done; exit 3"), slipway.Failed, "build step proto failed: exit status 3:\n" + lines, clean},
		"silent":  {sh("proto", "false"), slipway.Failed, "build step proto failed: exit status 1", clean},
		"killed":  {sh("proto", "kill -9 $$"), slipway.Failed, "build step proto failed: signal: killed", clean},
		"missing": {sh("proto", "touch a", "a", "b", "c/*.txt"), slipway.Failed, "build step proto ended well but did not make b, c/*.txt", "correct its outputs: they are relative to the folder of slipway.yaml"},
		"no program": {
			build.Step{Name: "proto", Command: []string{"protoc-of-nobody"}},
			slipway.Unavailable,
			"build step proto: the command protoc-of-nobody was not found in PATH (" + os.Getenv("PATH") + ")", "install it, or correct the command",
		},
		"no file": {
			build.Step{Name: "proto", Command: []string{"./gen.sh"}},
			slipway.Unavailable,
			"build step proto: the command ./gen.sh was not found", "add it to the repository, or correct the command",
		},
		"a folder": {
			build.Step{Name: "proto", Command: []string{"./lib"}},
			slipway.Invalid,
			"build step proto: the command ./lib is not a file", "correct the command",
		},
		"no command": {build.Step{Name: "proto"}, slipway.Invalid, "build step proto has no command", "give it one: a text for the shell, or a list"},
		"inputs": {
			build.Step{Name: "proto", Shell: "true", Inputs: []string{"../x"}},
			slipway.Invalid,
			`inputs of build step proto: "../x" leaves the app's folder`, "use a path below the folder of slipway.yaml, with slashes",
		},
		"outputs": {
			build.Step{Name: "proto", Shell: "true", Outputs: []string{"../x"}},
			slipway.Invalid,
			`outputs of build step proto: "../x" leaves the app's folder`, "use a path below the folder of slipway.yaml, with slashes",
		},
		"two of a name": {
			sh("proto", "mkdir a b; touch a/x b/x", "a/x", "b/x"), slipway.Invalid,
			"two artifacts would be called x: that of a/x and that of b/x", "rename one of them",
		},
		"time limit": {
			build.Step{Name: "proto", Shell: "echo before; exec sleep 600", Timeout: 50 * time.Millisecond},
			slipway.Failed,
			"build step proto exceeded its time limit of 50ms:\nbefore", "give it more time with timeout, or find out what it waits for",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := stage(t).Run(t.Context(), input(job, build.Plan{Script: "job.py", Steps: []build.Step{tt.step}}))
			check(t, err, tt.kind, tt.message, tt.fix)
		})
	}
}

func TestAnOutputDoesNotLeaveTheCopy(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	step := sh("steal", "ln -s "+secret+" out", "out")
	_, err := stage(t).Run(t.Context(), input(job, build.Plan{Steps: []build.Step{step}}))
	if err == nil || !strings.HasPrefix(err.Error(), "build step steal: read its output out: ") {
		t.Errorf("error %v", err)
	}
}

// A step that is stopped takes its children with it, and leaves no copy behind.
func TestCancelKillsTheWholeGroup(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	stop := errors.New("stopped by hand")
	pids := pidWriter{found: make(chan int, 1)}
	in := input(job, build.Plan{Steps: []build.Step{sh("hang", `trap "" TERM; sleep 600 & echo $!; wait; sleep 600`, "x")}})
	in.Output = pids
	temp := t.TempDir()
	s := build.New(filepath.Join(t.TempDir(), "builds"), temp)
	child := make(chan int, 1)
	go func() {
		pid := <-pids.found
		child <- pid
		cancel(stop)
	}()
	_, err := s.Run(ctx, in)
	if !errors.Is(err, stop) || err.Error() != "build step hang: stopped by hand" {
		t.Errorf("error %v", err)
	}
	pid := <-child
	if err := syscall.Kill(pid, 0); err == nil && !zombie(pid) {
		t.Errorf("process %d lives on", pid)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

type pidWriter struct{ found chan int }

func (w pidWriter) Write(p []byte) (int, error) {
	if pid, err := strconv.Atoi(strings.TrimSpace(string(p))); err == nil {
		w.found <- pid
	}
	return len(p), nil
}

// zombie reports whether a process ended and waits for nobody but init.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func TestACopyThatFails(t *testing.T) {
	full := &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	temp := t.TempDir()
	for _, tt := range []struct {
		err          error
		kind         slipway.Kind
		message, fix string
	}{
		{context.Canceled, slipway.Internal, "copy the repository: context canceled", ""},
		{full, slipway.Unavailable, "the disk is full: there is no room in " + temp + ": write x: no space left on device", "make room and try again; nothing half-written is left"},
	} {
		in := input(job, build.Plan{Steps: []build.Step{sh("a", "true", "job.py")}})
		in.Checkout = func(context.Context, string) error { return tt.err }
		_, err := build.New(filepath.Join(t.TempDir(), "builds"), temp).Run(t.Context(), in)
		check(t, err, tt.kind, tt.message, tt.fix)
	}
	nothingLeft(t, temp)
}
