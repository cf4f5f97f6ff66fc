package sandbox

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// A guard is a small process that kills a step's session if this process is
// killed: it reads from a pipe, which ends with us. An isolated step needs none.
type guard struct {
	pipe *os.File
	cmd  *exec.Cmd
}

// guardScript ends in peace when it is told so; the end of the pipe alone means
// that nobody is left to.
const guardScript = `read -r word; [ "$word" = done ] || kill -s KILL -- "-$1"`

func guardGroup(group int) (*guard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	g := &guard{pipe: w, cmd: exec.Command("/bin/sh", "-c", guardScript, "sh", strconv.Itoa(group))}
	g.cmd.Stdin = r
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	g.cmd.Env = []string{}
	err = g.cmd.Start()
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return g, nil
}

// dismiss ends the guard and leaves the session alone.
func (g *guard) dismiss() {
	_, _ = io.WriteString(g.pipe, "done\n") // a guard that is gone needs no word
	_ = g.pipe.Close()
	_ = g.cmd.Wait() // whatever it says
}
