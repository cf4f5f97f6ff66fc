package local

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// linger is how long what a script left running may go on printing, such as a
// JVM that puts its things in order.
const linger = 2 * time.Second

// execute runs the script to its end and returns how it ended. When ctx is done
// the script is asked to end, and killed if it has not after the grace time.
// Everything that the script started ends with it.
func execute(ctx context.Context, l launch, grace time.Duration, log *runLog, started func() error) (syscall.WaitStatus, error) {
	runtime.LockOSThread() // see ownGroup
	defer runtime.UnlockOSThread()
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, l.python, l.args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = l.dir, l.env, ownGroup()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(l.input), w, w
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	err = cmd.Start()
	if err := errors.Join(err, w.Close()); err != nil {
		return 0, err
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		_, _ = io.Copy(log, r) // the end of the pipe, or its deadline
	}()
	recordErr := started()
	waitErr := cmd.Wait()
	endGroup(cmd.Process.Pid, r, copied)
	return outcome(cmd, errors.Join(recordErr), waitErr)
}

// outcome tells a script's end from a failure to run it.
func outcome(cmd *exec.Cmd, recordErr, waitErr error) (syscall.WaitStatus, error) {
	var exit *exec.ExitError
	if recordErr != nil {
		return 0, recordErr
	}
	if waitErr != nil && !errors.As(waitErr, &exit) && cmd.ProcessState == nil {
		return 0, waitErr
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status, nil
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
	_ = syscall.Kill(-group, syscall.SIGKILL)     // nobody left is what we want
	_ = r.SetReadDeadline(time.Unix(1, 0).Add(0)) // whoever left the group keeps no one waiting
	<-copied
}
