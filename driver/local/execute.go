package local

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// linger is how long what a script left running may go on printing, such as a
// JVM that puts its things in order.
const linger = 2 * time.Second

// An ending is how a script ended.
type ending struct {
	status syscall.WaitStatus
	cut    bool // it was told to end
}

// execute runs the script to its end. When ctx is done the script is asked to
// end, and killed if it has not after the grace time. Everything that the script
// started ends with it.
func execute(ctx context.Context, l launch, grace time.Duration, log io.Writer, started func() error) (ending, error) {
	runtime.LockOSThread() // see ownGroup
	defer runtime.UnlockOSThread()
	r, w, err := os.Pipe()
	if err != nil {
		return ending{}, err
	}
	defer r.Close()
	var cut atomic.Bool
	cmd := exec.CommandContext(ctx, l.python, l.args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = l.dir, l.env, ownGroup()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(l.input), w, w
	cmd.Cancel = func() error {
		cut.Store(true)
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	cmd.WaitDelay = grace
	err = cmd.Start()
	if err := errors.Join(err, w.Close()); err != nil {
		return ending{}, err
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(log, r) // to the end of the pipe, or its deadline
	}()
	err = started()
	waitErr := cmd.Wait()
	endGroup(cmd.Process.Pid, r, copied)
	if cmd.ProcessState == nil {
		return ending{}, errors.Join(err, waitErr)
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ending{status, cut.Load()}, err
}

// endGroup ends what the script left running, and waits until all that was
// printed is in the log.
func endGroup(group int, r *os.File, copied <-chan struct{}) {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-copied:
	case <-timer.C:
	}
	_ = syscall.Kill(-group, syscall.SIGKILL) // nobody left is what we want
	_ = r.SetReadDeadline(time.Unix(1, 0))    // whoever left the group keeps no one waiting
	<-copied
}
