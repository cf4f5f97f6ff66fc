package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/slipway-cd/slipway/notebook"
)

//go:embed oracle.py
var oracleProgram string

// A request is one notebook to convert, with nbconvert's own options.
type request struct {
	Path    string                    `json:"path"`
	To      string                    `json:"to"`
	Options map[string]map[string]any `json:"options"`
}

// An answer is what the real nbconvert said.
type answer struct {
	Text      string `json:"text"`
	Extension string `json:"extension"`
	Error     string `json:"error"`
	// Cell is the number of the cell that Error is about, 0 where it is unknown.
	Cell    int     `json:"cell"`
	Seconds float64 `json:"seconds"`
}

// An oracle is a running nbconvert. It answers one request after the other.
type oracle struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startOracle starts the nbconvert that a Python has.
func startOracle(python string, p notebook.Profile, more ...string) (*oracle, error) {
	args := append([]string{"-c", oracleProgram}, more...)
	if p == notebook.NoIPython {
		args = append(args, "--without-ipython")
	}
	cmd := exec.Command(python, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start nbconvert: %w", err)
	}
	return &oracle{cmd, in, bufio.NewReaderSize(out, 1<<20)}, nil
}

func (o *oracle) ask(r request) (answer, error) {
	var a answer
	if err := json.NewEncoder(o.in).Encode(r); err != nil {
		return a, fmt.Errorf("ask nbconvert about %s: %w", r.Path, err)
	}
	patience := time.AfterFunc(time.Minute, func() { _ = o.cmd.Process.Kill() })
	line, err := o.out.ReadBytes('\n')
	patience.Stop()
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		return a, fmt.Errorf("nbconvert ended while it had %s: %w", r.Path, err)
	}
	return a, nil
}

func (o *oracle) close() error {
	return errors.Join(o.in.Close(), o.cmd.Wait())
}
