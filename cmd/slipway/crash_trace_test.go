//go:build linux && amd64

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An event is a call into the kernel that changes the disk, starts a process or
// talks over the network, as it is about to happen, or as it has happened.
type event struct {
	call string
	path string // the file it is about, or the request; empty where there is none
	done bool
}

func (e event) String() string {
	when := "before"
	if e.done {
		when = "after"
	}
	return fmt.Sprintf("%s %s %s", when, e.call, e.path)
}

// trace runs cmd to its end and shows watch each event of it, of all its threads
// in turn. While watch looks, that thread stands still; if watch says true, the
// whole process is killed there, as kill -9 does. What cmd starts is not watched
// and not killed. Output must go to files.
func trace(cmd *exec.Cmd, watch func(event) bool) (syscall.WaitStatus, error) {
	return (&tracer{watch: watch}).trace(cmd)
}

// trace is trace for a tracer of which more is known.
func (t *tracer) trace(cmd *exec.Cmd) (syscall.WaitStatus, error) {
	type ending struct {
		status syscall.WaitStatus
		err    error
	}
	t.inside, t.asked, t.sql, t.prepared = map[int]*event{}, map[uint64]string{}, map[uint64]*sqlTalk{}, sqlText{}
	ended := make(chan ending)
	go func() {
		// Only the thread that started a process may trace it, so this one is
		// never given back.
		runtime.LockOSThread()
		status, err := t.run(cmd)
		ended <- ending{status, err}
	}()
	e := <-ended
	return e.status, e.err
}

type tracer struct {
	watch    func(event) bool
	began    func(pid int) // told once it runs; nil: nobody wants to know
	group    bool          // what it started, and did not put elsewhere, is killed with it
	pid      int
	killed   bool
	inside   map[int]*event      // by thread: nil outside of a call worth an event
	asked    map[uint64]string   // by connection: the last request
	sql      map[uint64]*sqlTalk // the connections to PostgreSQL
	prepared sqlText
}

func (t *tracer) run(cmd *exec.Cmd) (syscall.WaitStatus, error) {
	// In a group of its own, so that nobody else's children are waited for.
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	t.pid = cmd.Process.Pid
	_ = cmd.Process.Release() // it is waited for here
	var status syscall.WaitStatus
	if _, err := t.wait(&status); err != nil {
		return status, fmt.Errorf("wait for its start: %w", err)
	}
	const options = syscall.PTRACE_O_TRACESYSGOOD | syscall.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := syscall.PtraceSetOptions(t.pid, options); err != nil {
		return status, fmt.Errorf("set the options of ptrace: %w", err)
	}
	t.inside[t.pid] = nil
	if t.began != nil {
		t.began(t.pid)
	}
	t.goOn(t.pid, 0)
	for {
		tid, err := t.wait(&status)
		if err != nil {
			return status, fmt.Errorf("wait for its next call: %w", err)
		}
		if status.Stopped() {
			t.stopped(tid, status)
		} else if tid == t.pid {
			return status, nil
		}
	}
}

// wait waits for a thread that stops or ends.
func (t *tracer) wait(status *syscall.WaitStatus) (int, error) {
	for {
		tid, err := syscall.Wait4(-t.pid, status, unix.WALL, nil)
		if !errors.Is(err, syscall.EINTR) {
			return tid, err
		}
	}
}

// stopped deals with a thread that stands still, and lets it go on.
func (t *tracer) stopped(tid int, status syscall.WaitStatus) {
	_, known := t.inside[tid]
	signal := status.StopSignal()
	switch {
	case signal == syscall.SIGTRAP|0x80:
		t.call(tid)
		signal = 0
	case signal == syscall.SIGTRAP: // a new thread was made, or the program begins
		signal = 0
	case !known && signal == syscall.SIGSTOP: // the new thread itself
		t.inside[tid] = nil
		signal = 0
	}
	t.goOn(tid, signal)
}

// goOn fails for a thread that was killed meanwhile, which is seen at the wait.
func (t *tracer) goOn(tid int, signal syscall.Signal) {
	_ = syscall.PtraceSyscall(tid, int(signal))
}

// callInfo is what the kernel says of a thread at a call's entry or exit.
type callInfo struct {
	op     uint8
	_      [3]byte
	_      uint32
	_, _   uint64
	number uint64 // at the exit: the result
	args   [6]uint64
}

func (t *tracer) call(tid int) {
	const entry = 1
	var info callInfo
	_, _, errno := syscall.Syscall6(syscall.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || t.killed {
		return
	}
	e := t.inside[tid]
	t.inside[tid] = nil
	if info.op == entry {
		e = t.describe(info)
		t.inside[tid] = e
	} else if e != nil {
		e.done = true
	}
	if e != nil && (e.call == receive || e.call == executed) && (!e.done || int64(info.number) <= 0) { //nolint:gosec // at the exit it is the result
		return // nothing came
	}
	if e != nil && t.watch(*e) {
		t.killed = true
		whom := t.pid
		if t.group {
			whom = -t.pid
		}
		_ = syscall.Kill(whom, syscall.SIGKILL) // its end is waited for
	}
}

// describe gives the event that a call is; nil for calls that change nothing.
func (t *tracer) describe(info callInfo) *event {
	a := info.args
	at := func(dir, name uint64) string { return t.path(int32(uint32(dir)), name) } //nolint:gosec // a descriptor is 32 bits
	switch number := info.number; number {
	case unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_PWRITE64, unix.SYS_PWRITEV, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE,
		unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_FLOCK:
		if t.isConnection(a[0]) {
			if talk := t.sql[a[0]]; talk != nil {
				return t.saidToPostgres(talk, a[1])
			}
			return t.onConnection(a[0], a[1])
		}
		return t.onFile(fileCalls[number], a[0])
	case unix.SYS_READ:
		if talk := t.sql[a[0]]; talk != nil {
			return talk.heardFromPostgres()
		}
		if t.isConnection(a[0]) {
			return &event{call: receive, path: t.asked[a[0]]}
		}
	case unix.SYS_CONNECT:
		t.connected(a[0], a[1], a[2])
		return &event{call: "connect"}
	case unix.SYS_OPENAT:
		if a[2]&unix.O_CREAT != 0 {
			return &event{call: "create", path: at(a[0], a[1])}
		}
	case unix.SYS_OPEN:
		if a[1]&unix.O_CREAT != 0 {
			return &event{call: "create", path: at(here, a[0])}
		}
	case unix.SYS_MKDIR:
		return &event{call: "mkdir", path: at(here, a[0])}
	case unix.SYS_MKDIRAT:
		return &event{call: "mkdir", path: at(a[0], a[1])}
	case unix.SYS_RENAME:
		return &event{call: "rename", path: at(here, a[1])}
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		return &event{call: "rename", path: at(a[2], a[3])}
	case unix.SYS_LINK:
		return &event{call: "link", path: at(here, a[1])}
	case unix.SYS_LINKAT:
		return &event{call: "link", path: at(a[2], a[3])}
	case unix.SYS_SYMLINKAT:
		return &event{call: "symlink", path: at(a[1], a[2])}
	case unix.SYS_UNLINK, unix.SYS_RMDIR:
		return &event{call: "unlink", path: at(here, a[0])}
	case unix.SYS_UNLINKAT:
		return &event{call: "unlink", path: at(a[0], a[1])}
	case unix.SYS_CLONE:
		return process(a[0])
	case unix.SYS_CLONE3:
		return process(t.number(a[0]))
	case unix.SYS_FORK, unix.SYS_VFORK:
		return process(0)
	}
	return nil
}

var fileCalls = map[uint64]string{
	unix.SYS_WRITE: "write", unix.SYS_WRITEV: "write", unix.SYS_PWRITE64: "write", unix.SYS_PWRITEV: "write",
	unix.SYS_FTRUNCATE: "truncate", unix.SYS_FALLOCATE: "allocate",
	unix.SYS_FSYNC: "sync", unix.SYS_FDATASYNC: "sync", unix.SYS_FLOCK: "lock",
}

// here is the descriptor that stands for the working folder.
const here = uint64(1<<64 + unix.AT_FDCWD)

// onFile is a call on a file that is open; what goes to the command's own output,
// or to no file, is no event.
func (t *tracer) onFile(call string, fd uint64) *event {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", t.pid, fd))
	if err != nil || fd <= 2 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/dev/") {
		return nil
	}
	return &event{call: call, path: path}
}

// The calls on a connection.
const (
	send    = "send"
	receive = "receive"
)

func (t *tracer) isConnection(fd uint64) bool {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", t.pid, fd))
	return err == nil && strings.HasPrefix(path, "socket:")
}

// onConnection is something that is sent: a request over HTTP, or more of it. Its
// path is the call of AWS, or the method and path of HTTP.
func (t *tracer) onConnection(fd, address uint64) *event {
	text := make([]byte, 2048)
	text = text[:t.read(address, text)]
	if m := request.FindSubmatch(text); m != nil {
		t.asked[fd] = string(m[1])
	}
	if m := awsCall.FindSubmatch(text); m != nil {
		t.asked[fd] = string(m[1])
	}
	return &event{call: send, path: t.asked[fd]}
}

var (
	request = regexp.MustCompile(`^([A-Z]+ [^ ?]*)[^ ]* HTTP/1\.1\r\n`)
	awsCall = regexp.MustCompile(`(?i)\r\nX-Amz-Target: *([A-Za-z0-9_.]+)`)
)

// process is the start of a process; a new thread is no event.
func process(flags uint64) *event {
	if flags&unix.CLONE_THREAD != 0 {
		return nil
	}
	return &event{call: "start a process"}
}

// path is a name in the process's memory, below the folder that is open as dir.
func (t *tracer) path(dir int32, address uint64) string {
	var text []byte
	chunk := make([]byte, 256)
	for !slices.Contains(text, 0) && len(text) < unix.PathMax {
		n := t.read(address+uint64(len(text)), chunk)
		if n == 0 {
			break
		}
		text = append(text, chunk[:n]...)
	}
	text, _, _ = bytes.Cut(text, []byte{0})
	if filepath.IsAbs(string(text)) {
		return string(text)
	}
	link := fmt.Sprintf("/proc/%d/fd/%d", t.pid, dir)
	if dir == unix.AT_FDCWD {
		link = fmt.Sprintf("/proc/%d/cwd", t.pid)
	}
	folder, err := os.Readlink(link)
	if err != nil {
		return string(text)
	}
	return filepath.Join(folder, string(text))
}

func (t *tracer) number(address uint64) uint64 {
	word := make([]byte, 8)
	if t.read(address, word) < len(word) {
		return 0
	}
	return *(*uint64)(unsafe.Pointer(&word[0]))
}

// read reads the process's memory, up to the first page that is not there.
func (t *tracer) read(address uint64, to []byte) int {
	local := []unix.Iovec{{Base: &to[0], Len: uint64(len(to))}}
	remote := []unix.RemoteIovec{{Base: uintptr(address), Len: len(to)}}
	n, err := unix.ProcessVMReadv(t.pid, local, remote, 0)
	if err != nil {
		// The rest of this page, where the next one is not there.
		remote[0].Len = int(4096 - address%4096)
		if remote[0].Len >= len(to) {
			return 0
		}
		n, _ = unix.ProcessVMReadv(t.pid, local, remote, 0)
	}
	return max(n, 0)
}
