//go:build unix

package check

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup makes cmd the leader of a new process group.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// termGroup asks every process of the group to end. That none is left is no
// error.
func termGroup(leader int) { _ = syscall.Kill(-leader, syscall.SIGTERM) }

// killGroup ends every process of the group.
func killGroup(leader int) { _ = syscall.Kill(-leader, syscall.SIGKILL) }

// state returns the exit code of an ended process, or the signal that ended it.
func state(s *os.ProcessState) (int, syscall.Signal) {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return -1, status.Signal()
	}
	return s.ExitCode(), 0
}

// signalName returns a signal's name, such as SIGKILL.
func signalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(int(s))
}
