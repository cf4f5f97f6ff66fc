package local

import "syscall"

// ownGroup puts a child into a process group of its own. The kernel kills it
// when the thread that started it ends, so that thread must be kept.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
