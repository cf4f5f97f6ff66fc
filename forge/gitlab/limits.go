package gitlab

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-cd/slipway/forge"
)

// limits is what GitLab told of how much it answers. Its general limit is told with
// every answer. Some calls, such as writing notes, have one of their own, of which it
// tells by a refusal only; then reading goes on.
type limits struct {
	clock func() time.Time

	mu     sync.Mutex
	budget forge.Budget
	known  bool
	pause  [2]time.Time // of calls that read, of calls that write
}

const (
	reads  = 0
	writes = 1
)

func kindOf(req *http.Request) int {
	if req.Method == http.MethodGet || strings.HasSuffix(req.URL.Path, "/api/graphql") {
		return reads
	}
	return writes
}

// closed says until when no call of a kind is answered.
func (l *limits) closed(kind int) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	if now.Before(l.pause[kind]) {
		return l.pause[kind], true
	}
	whole := time.Unix(l.budget.Reset, 0)
	return whole, l.known && l.budget.Left == 0 && now.Before(whole)
}

// note reads the headers that say what is left, and when to come back.
func (l *limits) note(kind int, answer *http.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, err := strconv.Atoi(answer.Header.Get("RateLimit-Limit"))
	left, err2 := strconv.Atoi(answer.Header.Get("RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(answer.Header.Get("RateLimit-Reset"), 10, 64)
	told := err == nil && err2 == nil && err3 == nil
	if told {
		l.budget, l.known = forge.Budget{Limit: limit, Left: left, Reset: reset}, true
	}
	if answer.StatusCode != http.StatusTooManyRequests {
		return
	}
	until := l.clock().Add(time.Minute)
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		until = l.clock().Add(time.Duration(seconds) * time.Second)
	}
	l.pause[kind] = until
	if told {
		l.pause = [2]time.Time{until, until}
	}
}

// Budget tells what the last answer said of the general limit.
func (f *Forge) Budget() (forge.Budget, bool) {
	l := &f.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.budget, l.known && l.clock().Before(time.Unix(l.budget.Reset, 0))
}
