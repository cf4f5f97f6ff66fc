package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/slipway-cd/slipway"
)

// tagName is the variable that every process of a step has in its environment. By
// its value those are found that left the step's session.
const tagName = "SLIPWAY_STEP"

// A run is a step under way.
type run struct {
	Step
	sandbox *Sandbox
	file    string // the program
	tag     string
	note    string

	cell   *cell // nil: not isolated
	guard  *guard
	cmd    *exec.Cmd
	output *os.File // what the step prints comes out here
	input  *os.File // and goes in here; nil: it gets none
	sink   *sink

	exited, copied, gone chan struct{}
}

// prepare decides whether the step is isolated, and makes what it needs for it.
func (r *run) prepare(ctx context.Context) error {
	r.tag = r.sandbox.cfg.Owner + "-" + rand.Text() + "."
	r.Env = append(slices.Clone(r.Env), tagName+"="+r.tag)
	if r.sandbox.cfg.Isolation == None {
		return nil
	}
	p := r.sandbox.look(ctx)
	if p.why != "" {
		r.note = "runs without isolation: " + p.why
		r.sandbox.machine.quiet.Do(func() {
			r.sandbox.cfg.Log.WarnContext(ctx, "steps run without isolation", "reason", p.why, "way_out", p.way)
		})
		return nil
	}
	r.Dir = cmp.Or(r.Dir, "/")
	var err error
	r.cell, err = r.sandbox.newCell(p, r.Step)
	return err
}

// start starts the step. The thread is kept until the step has ended: the kernel
// kills a child when the thread that started it ends.
func (r *run) start() error {
	runtime.LockOSThread()
	out, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe for the output: %w", err)
	}
	r.output = out
	r.cmd = &exec.Cmd{Path: r.file, Args: r.Argv, Dir: r.Dir, Env: r.Env, Stdout: in, Stderr: in, SysProcAttr: attributes()}
	fed, err := r.feed()
	if err != nil {
		return errors.Join(err, in.Close())
	}
	if r.cell != nil {
		r.cell.wrap(r.cmd)
	}
	err = r.cmd.Start()
	_ = in.Close() // the child holds its own
	fed()
	if err != nil {
		return explain(r.Argv[0], r.Dir, err)
	}
	if r.cell != nil {
		r.cell.started(r.cmd.Process.Pid)
	} else if r.guard, err = guardGroup(r.cmd.Process.Pid); err != nil {
		r.kill()
		_ = r.cmd.Wait() // it was killed
		return fmt.Errorf("start the guard of the step: %w", err)
	}
	lastToGo(r.cmd.Process.Pid)
	r.exited, r.copied, r.gone = make(chan struct{}), make(chan struct{}), make(chan struct{})
	r.sink = newSink(r.Output, r.Mask, r.Limits.Output)
	go func() { defer close(r.copied); _, _ = io.Copy(r.sink, r.output) }()
	go func() { defer close(r.exited); _ = r.cmd.Wait() }() // its state is read below
	go func() { defer close(r.gone); <-r.exited; <-r.copied }()
	return nil
}

// feed gives the step its input. Whoever reads that may wait for ever, and is not
// waited for. The step has its end of the pipe once the function is called.
func (r *run) feed() (started func(), err error) {
	if r.Stdin == nil {
		return func() {}, nil
	}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the input: %w", err)
	}
	r.cmd.Stdin, r.input = out, in
	return func() {
		_ = out.Close() // the child holds its own
		go func() {
			_, _ = io.Copy(in, r.Stdin) // a step need not read all of it
			_ = in.Close()              // as above
		}()
	}, nil
}

// close gives back what the run holds.
func (r *run) close() {
	if r.output != nil {
		_ = r.output.Close() // it was only read
		runtime.UnlockOSThread()
	}
	if r.input != nil {
		_ = r.input.Close() // nobody reads it any more
	}
	if r.guard != nil {
		r.guard.dismiss()
	}
	if r.cell != nil {
		r.cell.close()
	}
}

// lookEvery is how often memory and processes are looked at.
const lookEvery = 100 * time.Millisecond

// follow waits until the step ends by itself, at a limit or with ctx, and until
// nothing of it is left.
func (r *run) follow(ctx context.Context) (Result, error) {
	res := r.wait(ctx)
	r.kill()
	<-r.exited
	r.drain()
	<-r.gone
	r.sink.end()
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	res.Code, res.Signal = state(r.cmd.ProcessState)
	res.Isolated, res.Note = r.cell != nil, r.note
	if r.cell != nil && !r.cell.ran() && res.Limit == "" {
		return Result{}, slipway.Errorf(slipway.Unavailable, "the step could not be isolated: %s", firstLine(r.sink.firstWords())).
			WithFix("see that the folders that it needs are there, and that bubblewrap works: bwrap --unshare-all --ro-bind / / true")
	}
	return res, nil
}

// wait returns when the step is over or has been told to end.
func (r *run) wait(ctx context.Context) Result {
	var expired, look <-chan time.Time
	if r.Limits.Time > 0 {
		fires, stop := r.sandbox.cfg.Timer(r.Limits.Time)
		defer stop()
		expired = fires
	}
	watched := r.Limits.Memory > 0 || r.Limits.Processes > 0
	for {
		stop := func() {}
		if watched {
			look, stop = r.sandbox.cfg.Timer(lookEvery)
		}
		select {
		case <-r.exited:
			stop()
			return Result{}
		case <-ctx.Done():
			stop()
			r.terminate()
			return Result{}
		case <-expired:
			stop()
			r.terminate()
			return Result{Limit: Time, Reason: "exceeded its time limit of " + slipway.DurationText(r.Limits.Time)}
		case <-r.sink.over:
			stop()
			r.kill()
			return Result{Limit: Output, Reason: "printed more than " + size(r.Limits.Output)}
		case <-look:
			if limit, reason := r.measure(); limit != "" {
				r.kill()
				return Result{Limit: limit, Reason: reason}
			}
		}
	}
}

// measure says which limit the step exceeds.
func (r *run) measure() (Limit, string) {
	u := usage(r.cmd.Process.Pid)
	if r.cell != nil {
		u.memory += r.cell.inMemory()
	}
	switch {
	case r.Limits.Processes > 0 && u.tasks > r.Limits.Processes:
		return Processes, fmt.Sprintf("had %d processes and threads, of %d allowed", u.tasks, r.Limits.Processes)
	case r.Limits.Memory > 0 && u.memory > r.Limits.Memory:
		return Memory, fmt.Sprintf("used %s of memory, of %s allowed", size(u.memory), size(r.Limits.Memory))
	}
	return "", ""
}

// terminate asks the step to end, and waits until nothing of it holds the output
// any more, or until the grace time is over.
func (r *run) terminate() {
	if r.cell != nil {
		r.cell.terminate(r.cmd.Process.Pid)
	} else {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM) // none left is what we want
	}
	over, stop := r.sandbox.cfg.Timer(r.sandbox.cfg.Grace)
	defer stop()
	select {
	case <-r.gone:
	case <-over:
	}
}

// kill ends everything that the step started.
func (r *run) kill() {
	if r.cell != nil {
		r.cell.kill(r.cmd.Process)
		return
	}
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // none left is what we want
	killTagged(tagName + "=" + r.tag)
}

// drain waits for the rest of the output. Who still holds the pipe after the grace
// time is beyond reach.
func (r *run) drain() {
	over, stop := r.sandbox.cfg.Timer(r.sandbox.cfg.Grace)
	defer stop()
	select {
	case <-r.copied:
	case <-over:
		_ = r.output.Close() // wakes the copy
	}
}

// state returns the exit code of an ended process, or the signal that ended it.
func state(s *os.ProcessState) (int, syscall.Signal) {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return -1, status.Signal()
	}
	return s.ExitCode(), 0
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
