package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

var errMissing = errors.New("no such object")

// An object is what the repository holds under a name.
type object struct {
	id   string
	kind string // commit, tree, blob, tag
	data []byte
}

// objects is a running "git cat-file --batch": one process for any number of
// objects.
type objects struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startObjects starts the process. It outlives the call that needed it first, so
// it does not end with that call's context.
func startObjects(ctx context.Context, git command) (*objects, error) {
	cmd := git.cmd(context.WithoutCancel(ctx), nil, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start git cat-file: %w", err)
	}
	return &objects{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10)}, nil
}

func (o *objects) close() error {
	_ = o.in.Close()
	_, _ = io.Copy(io.Discard, o.out)
	return o.cmd.Wait()
}

// read asks for one object. The answer is "<id> <kind> <size>", the bytes and a
// line feed, or "<name> missing".
func (o *objects) read(name string) (object, error) {
	if strings.ContainsAny(name, "\n\x00") {
		return object{}, fmt.Errorf("read object %q: %w", name, errMissing)
	}
	if _, err := io.WriteString(o.in, name+"\n"); err != nil {
		return object{}, fmt.Errorf("ask git for %s: %w", name, err)
	}
	head, err := o.out.ReadString('\n')
	if err != nil {
		return object{}, fmt.Errorf("read object %s: %w", name, err)
	}
	head = strings.TrimSuffix(head, "\n")
	if strings.HasSuffix(head, " missing") || strings.HasSuffix(head, " ambiguous") {
		return object{}, fmt.Errorf("read object %s: %w", name, errMissing)
	}
	f := strings.Fields(head)
	if len(f) != 3 {
		return object{}, fmt.Errorf("read object %s: git says %q", name, head)
	}
	size, err := strconv.Atoi(f[2])
	if err != nil || size < 0 {
		return object{}, fmt.Errorf("read object %s: git says %q", name, head)
	}
	var data bytes.Buffer
	data.Grow(min(size, 1<<20) + 1) // a size is only believed as far as bytes follow
	if _, err := io.CopyN(&data, o.out, int64(size)+1); err != nil {
		return object{}, fmt.Errorf("read object %s: %w", name, err)
	}
	return object{id: f[0], kind: f[1], data: data.Bytes()[:size]}, nil // without the line feed
}
