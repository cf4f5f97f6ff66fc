package gitlab

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway/forge"
)

// What GitLab tells of how much it answers: its general limit with every answer. Some
// calls, such as writing notes, have one of their own, of which it tells by a refusal
// only; then reading goes on. So calls that read and calls that write are counted apart.
const (
	reads  = "reads"
	writes = "writes"
)

func kindOf(req *http.Request) string {
	if req.Method == http.MethodGet || strings.HasSuffix(req.URL.Path, "/api/graphql") {
		return reads
	}
	return writes
}

// note reads the headers that say what is left, and when to come back.
func (f *Forge) note(kind string, answer *http.Response) {
	limit, err := strconv.Atoi(answer.Header.Get("RateLimit-Limit"))
	left, err2 := strconv.Atoi(answer.Header.Get("RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(answer.Header.Get("RateLimit-Reset"), 10, 64)
	told := err == nil && err2 == nil && err3 == nil
	if told {
		f.account.Note("", forge.Budget{Limit: limit, Left: left, Reset: reset})
	}
	if answer.StatusCode != http.StatusTooManyRequests {
		return
	}
	wait := time.Minute
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		wait = time.Duration(seconds) * time.Second
	}
	if told {
		kind = ""
	}
	f.account.Pause(kind, wait)
}

// Budget tells what the last answer said of the general limit.
func (f *Forge) Budget() (forge.Budget, bool) { return forge.Tightest(f.account.Budget("")) }
