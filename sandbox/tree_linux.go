package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// attributes put a child into a session of its own, and kill it when the thread
// that started it ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// lastToGo has the kernel take a step before us when the machine's memory is used
// up. Whether it could be said makes no difference to the step.
func lastToGo(pid int) {
	_ = os.WriteFile(filepath.Join("/proc", strconv.Itoa(pid), "oom_score_adj"), []byte("500"), 0o644)
}

// used is what processes use together.
type used struct {
	memory int64
	tasks  int
}

// A process is a line of the kernel's about one.
type process struct {
	pid, parent, session, threads int
	memory                        int64
}

// usage sums up a process, what descends from it, and what is in its session.
func usage(root int) used {
	var u used
	for _, p := range tree(root) {
		u.memory += p.memory
		u.tasks += p.threads
	}
	return u
}

// tree returns a process, its descendants and its session.
func tree(root int) []process {
	all := processes()
	in := map[int]bool{root: true}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if !in[p.pid] && (in[p.parent] || p.session == root) {
				in[p.pid], grown = true, true
			}
		}
	}
	var found []process
	for _, p := range all {
		if in[p.pid] {
			found = append(found, p)
		}
	}
	return found
}

// processes lists all that the kernel lets us see.
func processes() []process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // what could be read
	var all []process
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		data, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it has ended
		}
		if p, ok := parseStat(string(data)); ok {
			all = append(all, p)
		}
	}
	return all
}

// parseStat reads a line of /proc/PID/stat. The name, in brackets, may hold
// anything.
func parseStat(line string) (process, bool) {
	pid, _, _ := strings.Cut(line, " ")
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return process{}, false
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) < 22 || fields[0] == "Z" || fields[0] == "X" {
		return process{}, false
	}
	var p process
	var pages int
	var err error
	for to, text := range map[*int]string{&p.pid: pid, &p.parent: fields[1], &p.session: fields[3], &p.threads: fields[17], &pages: fields[21]} {
		if *to, err = strconv.Atoi(text); err != nil {
			return process{}, false
		}
	}
	p.memory = int64(pages) * int64(os.Getpagesize())
	return p, true
}

// killTagged kills every process with an entry in its environment that begins so,
// until there is none: one may have started another meanwhile.
func killTagged(entry string) {
	const rounds = 20 // a process that cannot be killed is not waited for
	for range rounds {
		found := false
		for _, p := range processes() {
			if p.pid != os.Getpid() && tagged(p.pid, entry) {
				found = syscall.Kill(p.pid, syscall.SIGKILL) == nil || found
			}
		}
		if !found {
			return
		}
	}
}

func tagged(pid int, entry string) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	return err == nil && bytes.Contains(append([]byte{0}, data...), []byte("\x00"+entry))
}
