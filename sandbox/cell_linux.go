package sandbox

import (
	"errors"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// A handle holds a process that may end at any time, so that its number cannot come
// to mean another one. The zero value holds none.
type handle struct {
	pid int
	fd  int
}

// holdOf takes hold of a child of parent's.
func holdOf(pid, parent int) handle {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return handle{} // it is gone
	}
	ours := slices.ContainsFunc(tree(parent), func(p process) bool { return p.pid == pid && p.parent == parent })
	if !ours {
		_ = unix.Close(fd) // the number stands for another by now
		return handle{}
	}
	return handle{pid: pid, fd: fd}
}

func (h handle) known() bool { return h.pid != 0 }

// shared is what is in the /dev/shm that the process sees.
func (h handle) shared() int64 {
	if !h.known() {
		return 0
	}
	var fs unix.Statfs_t
	if err := unix.Statfs("/proc/"+strconv.Itoa(h.pid)+"/root/dev/shm", &fs); err != nil {
		return 0 // it has ended
	}
	return int64(fs.Blocks-fs.Bfree) * fs.Bsize
}

// kill kills the process and waits until the kernel has ended it; if it is the
// first of its namespace, that is after all others in there.
func (h handle) kill() {
	if !h.known() {
		return
	}
	_ = unix.PidfdSendSignal(h.fd, unix.SIGKILL, nil, 0) // it may be gone
	const seconds = 10                                   // one that the kernel cannot end is not waited for
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}}, seconds*1000)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (h handle) close() {
	if h.known() {
		_ = unix.Close(h.fd) // nothing is written through it
	}
}
