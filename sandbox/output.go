package sandbox

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/slipway-cd/slipway/sandbox/mask"
)

// A sink takes what a step prints. It never fails: a disk that is full under a log
// is no reason to end a step.
type sink struct {
	mu     sync.Mutex
	to     io.Writer
	mask   *mask.Writer
	left   int64 // bytes that may still be printed, if limited
	limit  int64
	over   chan struct{} // closed when the limit is exceeded
	failed bool
	head   []byte // the first bytes, for what bubblewrap says when it cannot begin
}

const headBytes = 2 << 10

func newSink(to io.Writer, secrets []string, limit int64) *sink {
	if to == nil {
		to = io.Discard
	}
	s := &sink{to: to, left: limit, limit: limit, over: make(chan struct{})}
	s.mask = mask.New(secrets).Writer(to)
	return s
}

// Write takes all of p.
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(p)
	s.head = append(s.head, p[:min(n, headBytes-len(s.head))]...)
	if s.failed {
		return n, nil
	}
	full := s.limit > 0 && int64(n) > s.left
	if full {
		p = p[:s.left]
	}
	s.left -= int64(len(p))
	if _, err := s.mask.Write(p); err != nil {
		s.failed = true
	}
	if full {
		s.failed = true
		_ = s.mask.Flush() // it was told that it is full
		fmt.Fprintf(s.to, "\nslipway: more than %s were printed; the rest is left out, and the step is ended\n", size(s.limit))
		close(s.over)
	}
	return n, nil
}

// end passes on what was kept back.
func (s *sink) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.failed {
		_ = s.mask.Flush() // as Write
	}
	s.failed = true
}

// firstWords are the first lines of what was printed.
func (s *sink) firstWords() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(s.head), "\uFFFD"))
}

// size writes a number of bytes as people do.
func size(n int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if n >= unit.bytes {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/float64(unit.bytes)), ".0") + " " + unit.name
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
