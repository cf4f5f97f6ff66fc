//go:build unix && !linux

package local

import "syscall"

// ownGroup puts a child into a process group of its own. Only Linux can tie a
// child's life to its parent's.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
