package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/slipway-cd/slipway"
)

var errTimeLimit = errors.New("it exceeded its time limit")

// A runner runs a plan's steps in one copy of the repository.
type runner struct {
	dir     string // the app's folder in the copy
	environ []string
	output  io.Writer
}

// run runs the steps in order and returns their outputs, by path.
func (r runner) run(ctx context.Context, steps []Step) (map[string][]byte, error) {
	outputs := map[string][]byte{}
	for _, s := range steps {
		if err := r.step(ctx, s); err != nil {
			return nil, err
		}
		made, err := r.collect(s)
		if err != nil {
			return nil, err
		}
		maps.Copy(outputs, made)
	}
	return outputs, nil
}

// grace is how long a step that is told to end may take for it.
const grace = 5 * time.Second

// step runs one command as a process group, so that none of its children outlives
// it.
func (r runner) step(ctx context.Context, s Step) error {
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.Timeout, errTimeLimit)
		defer cancel()
	}
	argv := s.argv()
	last := &tail{}
	env := environ(r.environ, s.Env, r.dir)
	bin, err := program(argv[0], env)
	if err != nil {
		return errStep(ctx, s, err, nil)
	}
	cmd := exec.CommandContext(ctx, bin, argv[1:]...)
	cmd.Dir = r.dir
	cmd.Env = env
	cmd.Stdout = io.MultiWriter(r.output, last)
	cmd.Stderr = cmd.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	err = cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // whoever is left
	}
	if err == nil {
		return nil
	}
	return errStep(ctx, s, err, last)
}

func errStep(ctx context.Context, s Step, err error, last *tail) error {
	var exit *exec.ExitError
	switch {
	case errors.Is(context.Cause(ctx), errTimeLimit):
		return slipway.Errorf(slipway.Failed, "build step %s exceeded its time limit of %s%s", s.Name, s.Timeout, last).
			WithFix("give it more time with timeout, or find out what it waits for")
	case ctx.Err() != nil:
		return fmt.Errorf("build step %s: %w", s.Name, context.Cause(ctx))
	case errors.As(err, &exit):
		return slipway.Errorf(slipway.Failed, "build step %s failed: %s%s", s.Name, exit, last).
			WithFix("it runs in a clean copy of the commit: what is not committed is not there")
	case errors.Is(err, fs.ErrPermission):
		return slipway.Errorf(slipway.Invalid, "build step %s: %s is not executable", s.Name, s.argv()[0]).
			WithFix("git update-index --chmod=+x %s, and commit", s.argv()[0])
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return slipway.Errorf(slipway.Unavailable, "build step %s: there is no program %s", s.Name, s.argv()[0]).
			WithFix("install it, or correct the step's command")
	case errors.Is(err, exec.ErrWaitDelay):
		return slipway.Errorf(slipway.Failed, "build step %s ended but left a process behind that holds its output%s", s.Name, last).
			WithFix("wait for it in the step, or redirect its output")
	}
	return fmt.Errorf("build step %s: %w", s.Name, err)
}

// environ puts a step's own variables behind the others, so that they win, and
// leaves out what would lead git to a repository that is not the copy.
func environ(base []string, own map[string]string, dir string) []string {
	env := slices.DeleteFunc(slices.Clone(base), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "PWD"}, key)
	})
	env = append(env, "PWD="+dir)
	for _, key := range slices.Sorted(maps.Keys(own)) {
		env = append(env, key+"="+own[key])
	}
	return env
}

// program finds a program on the PATH of the step, not on this process's own. A
// path stands as it is, from the app's folder.
func program(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	search := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			search = v
		}
	}
	for _, dir := range filepath.SplitList(search) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && filepath.IsAbs(file) && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// collect reads what a step promised to make. It never follows a link out of the
// copy.
func (r runner) collect(s Step) (map[string][]byte, error) {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	made := map[string][]byte{}
	found := make([]bool, len(s.Outputs))
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for i, pattern := range s.Outputs {
			if !matches(pattern, name) {
				continue
			}
			found[i] = true
			if made[name], err = root.ReadFile(filepath.FromSlash(name)); err != nil {
				return fmt.Errorf("build step %s: read its output %s: %w", s.Name, name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var missing []string
	for i, pattern := range s.Outputs {
		if !found[i] {
			missing = append(missing, pattern)
		}
	}
	if len(missing) > 0 {
		return nil, slipway.Errorf(slipway.Failed, "build step %s ended well but did not make %s", s.Name, strings.Join(missing, ", ")).
			WithFix("correct its outputs: they are relative to the folder of slipway.yaml")
	}
	return made, nil
}

// A tail keeps the last lines of what is written to it.
type tail struct{ text []byte }

// What an error quotes of a command's output.
const (
	tailLines = 10
	tailBytes = 4 << 10
)

// Write keeps the end of p.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if len(t.text) > 2*tailBytes {
		t.text = slices.Clone(t.text[len(t.text)-tailBytes:])
	}
	return len(p), nil
}

// String returns the lines, each behind a line feed.
func (t *tail) String() string {
	text := strings.ToValidUTF8(strings.TrimRight(string(t.text), "\n"), "\uFFFD")
	if text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return ":\n" + strings.Join(lines, "\n")
}
