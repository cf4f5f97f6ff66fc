package sandbox

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A probe is what was found out about isolation on this machine.
type probe struct {
	bwrap string // the program
	why   string // why there is no isolation; empty: there is
	way   string // out of that
}

// look finds out whether steps can be isolated, once.
func (s *Sandbox) look(ctx context.Context) probe {
	m := s.machine
	m.turn.Lock()
	defer m.turn.Unlock()
	if m.probe == nil {
		p := s.try(ctx)
		if ctx.Err() != nil {
			return p // it says nothing about the machine
		}
		m.probe = &p
	}
	return *m.probe
}

func (s *Sandbox) try(ctx context.Context) probe {
	if runtime.GOOS != "linux" {
		return probe{why: "bubblewrap is for Linux", way: "run the server on Linux, or set isolation: preferred"}
	}
	bwrap, err := program("bwrap", "/", s.cfg.Environ)
	if err != nil {
		return probe{
			why: "bubblewrap is not installed (no bwrap on the PATH)",
			way: "install it (Debian, Ubuntu: apt-get install bubblewrap), or set isolation: preferred",
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, bwrap, append(slices.Clone(walls), "--unshare-net", "--", "/bin/sh", "-c", ":")...)
	cmd.WaitDelay = time.Second
	cmd.Env = []string{}
	if said, err := cmd.CombinedOutput(); err != nil {
		reason := strings.TrimPrefix(firstLine(strings.TrimSpace(string(said))), "bwrap: ")
		if reason == "" {
			reason = err.Error()
		}
		return probe{
			why: "bubblewrap cannot make namespaces here: " + reason,
			way: "allow unprivileged user namespaces (on Ubuntu 24.04: an AppArmor profile for bwrap; in a container: one that may make them), or set isolation: preferred",
		}
	}
	return probe{bwrap: bwrap}
}

// walls are what every isolated step has around it.
//
//nolint:gochecknoglobals // immutable table
var walls = []string{
	"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
	"--die-with-parent", "--new-session", "--cap-drop", "ALL",
	"--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
}

// kernel are the places in /proc by which root can change the machine.
//
//nolint:gochecknoglobals // immutable table
var kernel = []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi"}

// temporary are the folders of which a step has its own.
//
//nolint:gochecknoglobals // immutable table
var temporary = []string{"/tmp", "/var/tmp"}

// A cell is what is around one isolated step.
type cell struct {
	bwrap  string
	args   []string
	env    []string
	temp   *folder  // what the step sees as /tmp
	status *os.File // bubblewrap says here how it goes
	says   *os.File // the end of it that the child holds
	said   bytes.Buffer
	read   chan struct{} // closed when it says no more
	first  handle        // of the first process of the cell: with its end the kernel ends all others
	known  chan struct{} // closed when first is known, or never will be
}

func (s *Sandbox) newCell(p probe, step Step) (*cell, error) {
	temp, err := newFolder(s.cfg.Temp)
	if err != nil {
		return nil, err
	}
	c := &cell{bwrap: p.bwrap, temp: temp, read: make(chan struct{}), known: make(chan struct{})}
	if err := os.Mkdir(filepath.Join(temp.path, "home"), 0o700); err != nil {
		c.close()
		return nil, err
	}
	if c.status, c.says, err = os.Pipe(); err != nil {
		c.close()
		return nil, err
	}
	c.args = append([]string{"bwrap", "--json-status-fd", "3"}, walls...)
	for _, place := range all(kernel) {
		c.args = append(c.args, "--ro-bind", place, place)
	}
	if !step.Network {
		c.args = append(c.args, "--unshare-net")
	}
	hidden := s.hidden()
	for _, dir := range hidden {
		c.args = append(c.args, "--tmpfs", dir)
	}
	for _, dir := range temporary {
		c.args = append(c.args, "--bind", temp.path, dir)
	}
	for _, m := range mounts(step, slices.Concat(hidden, temporary)) {
		c.args = append(c.args, m.option, m.path, m.path)
	}
	for _, dir := range hidden {
		c.args = append(c.args, "--remount-ro", dir)
	}
	c.args = append(c.args, "--chdir", resolved(step.Dir), "--")
	c.env = []string{"HOME=/tmp/home", "TMPDIR=/tmp"}
	return c, nil
}

// hidden are the folders that a step does not see, besides /tmp, the upper ones
// first.
func (s *Sandbox) hidden() []string {
	var dirs []string
	for _, dir := range append([]string{"/home", "/root", "/run", value(s.cfg.Environ, "HOME")}, s.cfg.Hide...) {
		real := resolved(dir)
		if info, err := os.Stat(real); err == nil && info.IsDir() && real != "/" && !within(real, temporary) {
			dirs = append(dirs, real)
		}
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	upper := slices.Clone(dirs)
	return slices.DeleteFunc(dirs, func(dir string) bool { return within(dir, upper) })
}

// wrap has bubblewrap start the command.
func (c *cell) wrap(cmd *exec.Cmd) {
	cmd.Args = append(slices.Clone(c.args), append([]string{cmd.Path}, cmd.Args[1:]...)...)
	cmd.Path, cmd.Env = c.bwrap, append(cmd.Env, c.env...)
	cmd.ExtraFiles = []*os.File{c.says}
}

// started listens to bubblewrap.
func (c *cell) started(outer int) {
	_ = c.says.Close() // the child holds its own
	c.says = nil
	go func() {
		defer close(c.read)
		c.listen(outer)
	}()
}

// listen takes in what bubblewrap says.
func (c *cell) listen(outer int) {
	var tell sync.Once
	known := func() { close(c.known) }
	defer tell.Do(known)
	for buffer := make([]byte, 512); ; {
		n, err := c.status.Read(buffer)
		c.said.Write(buffer[:n])
		if m := childPID.FindSubmatch(c.said.Bytes()); m != nil {
			tell.Do(func() {
				pid, _ := strconv.Atoi(string(m[1])) // digits
				c.first = holdOf(pid, outer)
				known()
			})
		}
		if err != nil {
			return
		}
	}
}

var (
	childPID = regexp.MustCompile(`"child-pid": (\d+),`)
	exitCode = regexp.MustCompile(`"exit-code": \d+`)
)

// ran reports whether the command itself was started. The run has ended.
func (c *cell) ran() bool {
	<-c.read
	return exitCode.Match(c.said.Bytes())
}

// terminate asks the processes in the cell to end, and not bubblewrap's own two.
func (c *cell) terminate(outer int) {
	<-c.known
	for _, p := range tree(outer) {
		if p.pid != outer && p.pid != c.first.pid {
			_ = syscall.Kill(p.pid, syscall.SIGTERM) // it may have ended
		}
	}
}

// kill ends all that is in the cell, and returns when it is gone. Bubblewrap ends
// with it.
func (c *cell) kill(cmd *os.Process) {
	<-c.known
	c.first.kill()
	_ = cmd.Kill() // it may have ended
}

// inMemory is what the step keeps in /dev/shm, which is memory too.
func (c *cell) inMemory() int64 {
	<-c.known
	return c.first.shared()
}

// close gives back what the cell holds.
func (c *cell) close() {
	for _, f := range []*os.File{c.says, c.status} {
		if f != nil {
			_ = f.Close() // it was only read
		}
	}
	c.first.close()
	c.temp.remove()
}
