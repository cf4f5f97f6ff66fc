//go:build unix && !linux

package sandbox

import "syscall"

// attributes put a child into a session of its own. Only Linux can tie a child's
// life to its parent's; the guard does it elsewhere.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// lastToGo does nothing: only Linux can be told whom to take first.
func lastToGo(int) {}

type used struct {
	memory int64
	tasks  int
}

type process struct{ pid, parent int }

// usage is not known: only Linux shows what a tree of processes uses.
func usage(int) used { return used{} }

func tree(int) []process { return nil }

// killTagged does nothing: only Linux shows what environment a process has.
func killTagged(string) {}
