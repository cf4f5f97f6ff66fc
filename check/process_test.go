package check_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/check"
	"github.com/slipway-cd/slipway/sandbox"
)

const (
	timeLimit = 10 * time.Minute
	grace     = 7 * time.Second
)

func fifo(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A ready writer closes said once "ready" was written to it.
type ready struct {
	mu   sync.Mutex
	data bytes.Buffer
	once sync.Once
	said chan struct{}
}

func (r *ready) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.data.Write(p)
	if bytes.Contains(r.data.Bytes(), []byte("ready\n")) {
		r.once.Do(func() { close(r.said) })
	}
	return len(p), nil
}

// A tree is a check whose processes hold a pipe, so that its end tells that all
// of them are gone.
type tree struct {
	in    check.Input
	ready *ready
	held  chan error
}

// newTree makes a check that runs text. Its time limit passes, if it may, when
// it said "ready", and grace periods are over as soon as they begin.
func newTree(t *testing.T, text string, mayPass, graceful bool) *tree {
	t.Helper()
	tr := &tree{ready: &ready{said: make(chan struct{})}, held: make(chan error, 1)}
	tr.in = input(t, check.Spec{Name: "unit", Run: sh(`exec 3> made/held; ` + text), Timeout: timeLimit})
	tr.in.Log = func(string) io.Writer { return tr.ready }
	timer := func(d time.Duration) (<-chan time.Time, func()) {
		fired := make(chan time.Time, 1)
		switch {
		case d == timeLimit && mayPass:
			go func() { <-tr.ready.said; fired <- time.Time{} }()
		case d == grace:
			if !graceful {
				fired <- time.Time{}
			}
		}
		return fired, func() {}
	}
	tr.in.Sandbox = sandbox.New(sandbox.Config{Grace: grace, Timer: timer})
	held := filepath.Join(tr.in.Dir, "made/held")
	fifo(t, held)
	go func() {
		f, err := os.Open(held) // waits for the first writer
		if err == nil {
			_, err = io.Copy(io.Discard, f) // waits until no writer is left
		}
		tr.held <- err
	}()
	return tr
}

// gone waits until no process of the tree is left.
func (tr *tree) gone(t *testing.T) {
	t.Helper()
	if err := <-tr.held; err != nil {
		t.Error(err)
	}
}

const stubborn = `sh -c 'trap "" TERM; sh -c "echo ready; sleep 1000000; :" & wait' & wait`

func TestATimeLimitEndsTheWholeTree(t *testing.T) {
	tr := newTree(t, stubborn, true, false)
	got := run(t, tr.in)[0]
	tr.gone(t)
	want := []string{"exceeded its time limit of 10m; make it faster, or raise its timeout"}
	if got.Verdict != slipway.Fail || !cmp.Equal(got.Reasons, want) || got.Output != "ready\n" {
		t.Errorf("got %s %q %q, want fail %q", got.Verdict, got.Reasons, got.Output, want)
	}
}

func TestATimeLimitLeavesTimeToCleanUp(t *testing.T) {
	// The sleep holds no output: a signal that meets it between fork and exec is lost.
	tr := newTree(t, `trap 'echo bye; exit 3' TERM; sleep 1000000 >/dev/null 2>&1 3>&- & echo ready; wait`, true, true)
	got := run(t, tr.in)[0]
	tr.gone(t)
	if got.Verdict != slipway.Fail || got.Output != "ready\nbye\n" {
		t.Errorf("got %s %q %q", got.Verdict, got.Reasons, got.Output)
	}
}

func TestATimeLimitKeepsTheFailuresReportedSoFar(t *testing.T) {
	tr := newTree(t, `cp made/node.xml $REPORTS/unit.xml; echo ready; sleep 1000000`, true, true)
	tr.in.Specs[0].JUnit, tr.in.Specs[0].Coverage = "unit.xml", "missing.xml"
	got := run(t, tr.in)[0]
	tr.gone(t)
	want := []string{"exceeded its time limit of 10m; make it faster, or raise its timeout", "1 of 2 tests failed"}
	if !cmp.Equal(got.Reasons, want) || len(got.Failures) != 1 {
		t.Errorf("got %q %v, want %q", got.Reasons, got.Failures, want)
	}
}

func TestTheEndOfTheContextEndsTheWholeTree(t *testing.T) {
	tr := newTree(t, stubborn, false, false)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-tr.ready.said; cancel() }()
	_, err := check.Run(ctx, tr.in)
	tr.gone(t)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context canceled", err)
	}
}

func TestNothingIsLeftInTheBackground(t *testing.T) {
	tr := newTree(t, `sh -c 'trap "" TERM; sleep 1000000' & echo ready`, false, true)
	got := run(t, tr.in)[0]
	tr.gone(t)
	if got.Verdict != slipway.Pass || got.Output != "ready\n" {
		t.Errorf("got %s %q %q", got.Verdict, got.Reasons, got.Output)
	}
}
