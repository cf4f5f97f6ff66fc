//go:build linux && amd64

package main_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/store"
)

// A following is what somebody sees who follows a job's log at a server.
type following struct {
	job    int64
	before string // what the job had printed when it began
	seen   chan string
}

// follow follows what a job prints at a server, once it has printed something.
func (f *fleet) follow(t *testing.T, i int, job int64) following {
	t.Helper()
	w := following{job: job, seen: make(chan string, 1)}
	f.ship(t, func(store.Job) bool {
		p, ok, err := f.st.Log(t.Context(), job, math.MinInt64)
		if err != nil {
			t.Fatal(err)
		}
		w.before = string(p.Said)
		return ok
	})
	c, err := f.servers[i].life.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		var seen bytes.Buffer
		if err := c.JobLog(t.Context(), job, true, &seen); err != nil {
			t.Errorf("follow job %d: %v", job, err)
		}
		w.seen <- seen.String()
	}()
	return w
}

// proveLog proves that every server that lives shows what was followed to its end, and
// that what was printed before a server was killed is the begin of it.
func (f *fleet) proveLog(t *testing.T, w following) {
	t.Helper()
	want := <-w.seen
	if !strings.HasPrefix(want, w.before) || len(want) == len(w.before) || !strings.Contains(want, " deploy done ") {
		t.Errorf("job %d had printed %q, and all of it is %q", w.job, w.before, want)
	}
	for i, m := range f.servers {
		if m.cmd == nil {
			continue
		}
		c, err := m.life.client(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := c.JobLog(t.Context(), w.job, false, &got); err != nil || got.String() != want {
			t.Errorf("server %d shows of job %d %q, %v; want %q", i+1, w.job, got.String(), err, want)
		}
	}
}
