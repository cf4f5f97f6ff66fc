package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// An ending says how a command ended.
type ending struct {
	err    error          // it could not be started, and this is why
	code   int            // exit code; -1 where a signal ended it
	signal syscall.Signal // what killed it; 0: nothing
	late   bool           // it exceeded its time limit
}

// ran reports whether there was a process at all.
func (e ending) ran() bool { return e.err == nil }

// execute runs the command of a check to its end in a process group of its own
// and leaves no process of the group behind. A process that starts a session of
// its own (setsid) leaves the group and is beyond reach.
func (in Input) execute(ctx context.Context, spec Spec, reports string, kept *tail) ending {
	cmd, err := newCommand(spec.Run, in.Dir, in.environment(spec, reports))
	if err != nil {
		return ending{err: err}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return ending{err: fmt.Errorf("cannot make a pipe for its output: %w", err)}
	}
	defer r.Close() // nothing is left to read
	cmd.Stdout, cmd.Stderr = w, w
	ownGroup(cmd)
	err = cmd.Start()
	_ = w.Close() // the child holds its own
	if err != nil {
		return ending{err: explainStart(cmd, err)}
	}
	return in.follow(ctx, spec, cmd, r, io.MultiWriter(kept, in.stream(spec.Name)))
}

// follow copies what a started command prints until it ends by itself, its time
// is over or ctx is done.
func (in Input) follow(ctx context.Context, spec Spec, cmd *exec.Cmd, r *os.File, out io.Writer) ending {
	copied, exited, gone := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() { defer close(copied); _, _ = io.Copy(out, r) }()
	go func() { defer close(exited); _ = cmd.Wait() }() // its state is read below
	go func() { defer close(gone); <-exited; <-copied }()

	expired, stop := in.Timer(spec.Timeout)
	defer stop()
	var end ending
	select {
	case <-exited:
	case <-expired:
		end.late = true
		in.terminate(cmd.Process.Pid, gone)
	case <-ctx.Done():
		in.terminate(cmd.Process.Pid, gone)
	}
	killGroup(cmd.Process.Pid)
	<-exited
	in.drain(r, copied)
	<-gone
	end.code, end.signal = state(cmd.ProcessState)
	return end
}

// terminate asks the process group to end, and waits until nothing of it holds
// the output any more, or until the grace time is over.
func (in Input) terminate(pid int, gone <-chan struct{}) {
	termGroup(pid)
	over, stop := in.Timer(in.Grace)
	defer stop()
	select {
	case <-gone:
	case <-over:
	}
}

// drain waits for the rest of the output. A process that left the group may hold
// the pipe for ever; after the grace time its output is given up.
func (in Input) drain(r *os.File, copied <-chan struct{}) {
	over, stop := in.Timer(in.Grace)
	defer stop()
	select {
	case <-copied:
	case <-over:
		_ = r.Close() // wakes the copy
	}
}

// newCommand resolves a command against the environment it will have, and not
// against that of this process.
func newCommand(c Command, dir string, env []string) (*exec.Cmd, error) {
	argv := c.Args
	if c.Shell != "" {
		argv = []string{"sh", "-c", c.Shell}
	}
	file, err := lookUp(argv[0], dir, env)
	if err != nil && c.Shell != "" {
		file, err = "/bin/sh", nil
	}
	if err != nil {
		return nil, err
	}
	return &exec.Cmd{Path: file, Args: argv, Dir: dir, Env: env}, nil
}

// lookUp finds the file that name stands for: a path as it is, anything else in
// the folders of PATH.
func lookUp(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		file := name
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		return file, executable(file, name)
	}
	search := value(env, "PATH")
	for _, folder := range filepath.SplitList(search) {
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(dir, folder)
		}
		if file := filepath.Join(folder, name); executable(file, name) == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("the command %s was not found in PATH (%s); install it, or correct what the check runs", name, search)
}

// executable says why file cannot be executed.
func executable(file, name string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the command %s was not found; add it to the repository, or correct what the check runs", name)
	case err != nil:
		return fmt.Errorf("the command %s cannot be looked at: %w", name, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("the command %s is not a file; correct what the check runs", name)
	case info.Mode()&0o111 == 0:
		return fmt.Errorf("the command %s is not executable; run chmod +x on it and commit that", name)
	}
	return nil
}

// explainStart says in plain words why an existing file could not be started.
func explainStart(cmd *exec.Cmd, err error) error {
	name := cmd.Args[0]
	if _, statErr := os.Stat(cmd.Dir); statErr != nil {
		return fmt.Errorf("the working copy %s is gone: %w", cmd.Dir, statErr)
	}
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("the command %s is no program for this machine; a script needs a first line such as #!/bin/sh", name)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the command %s names an interpreter in its first line that was not found", name)
	case errors.Is(err, syscall.E2BIG):
		return fmt.Errorf("the command %s has too many or too long arguments", name)
	}
	return fmt.Errorf("the command %s could not be started: %w", name, err)
}

// value returns the last value of a variable in an environment.
func value(env []string, key string) string {
	found := ""
	for _, entry := range env {
		if v, ok := strings.CutPrefix(entry, key+"="); ok {
			found = v
		}
	}
	return found
}
