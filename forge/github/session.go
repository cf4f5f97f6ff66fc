package github

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v84/github"

	"github.com/slipway-cd/slipway/forge"
)

// A session is one identity at GitHub: a token, an app, or an installation of an
// app. GitHub counts the requests of each apart.
type session struct {
	rest  *github.Client
	site  site
	clock func() time.Time

	authorization func(context.Context) (string, error)
	installation  *installation // nil: a token, or the app itself
	next          http.RoundTripper

	mu      sync.Mutex
	budgets map[string]forge.Budget // by resource: core, graphql
	pause   time.Time               // GitHub asked for quiet until then
}

func (f *Forge) newSession(authorization func(context.Context) (string, error)) *session {
	s := &session{
		site: f.site, clock: f.config.Clock, authorization: authorization, next: f.config.Transport,
		budgets: map[string]forge.Budget{},
	}
	s.rest = github.NewClient(&http.Client{Transport: s})
	s.rest.DisableRateLimitCheck = true // the session checks, by the clock that it was given
	s.rest.UserAgent = "slipway"
	s.rest.BaseURL = mustParse(f.site.rest)
	return s
}

func always(header string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return header, nil }
}

// RoundTrip sends a request with the session's authorization, unless GitHub said
// that it answers none before a time that is still to come. It keeps what the
// answer says of the limits.
func (s *session) RoundTrip(req *http.Request) (*http.Response, error) {
	if until, limited := s.limited(resource(req)); limited {
		return nil, &forge.LimitError{Until: until}
	}
	header, err := s.authorization(req.Context())
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", header)
	answer, err := s.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	s.note(answer, resource(req))
	return answer, nil
}

func resource(req *http.Request) string {
	if strings.HasSuffix(req.URL.Path, "/graphql") {
		return "graphql"
	}
	return "core"
}

func (s *session) limited(resource string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	if now.Before(s.pause) {
		return s.pause, true
	}
	b, known := s.budgets[resource]
	whole := time.Unix(b.Reset, 0)
	return whole, known && b.Left == 0 && now.Before(whole)
}

// note reads the headers that say what is left, and those that ask for quiet.
func (s *session) note(answer *http.Response, resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if named := answer.Header.Get("X-RateLimit-Resource"); named != "" {
		resource = named
	}
	limit, err := strconv.Atoi(answer.Header.Get("X-RateLimit-Limit"))
	left, err2 := strconv.Atoi(answer.Header.Get("X-RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(answer.Header.Get("X-RateLimit-Reset"), 10, 64)
	if err == nil && err2 == nil && err3 == nil {
		s.budgets[resource] = forge.Budget{Limit: limit, Left: left, Reset: reset}
	}
	if answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusTooManyRequests {
		return
	}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
		s.pause = s.clock().Add(time.Duration(seconds) * time.Second)
	}
}

// quiet keeps still for a while, as GitHub asks for where it says nothing of how
// long: a minute at least.
func (s *session) quiet() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.clock(); !now.Before(s.pause) {
		s.pause = now.Add(time.Minute)
	}
	return s.pause
}

// spent marks a resource as used up, where an answer says so without the headers.
func (s *session) spent(resource string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.budgets[resource]
	if whole := time.Unix(b.Reset, 0); s.clock().Before(whole) {
		b.Left = 0
		s.budgets[resource] = b
		return whole
	}
	s.pause = s.clock().Add(time.Minute)
	return s.pause
}

// tightest is the budget of which the smallest part is left.
func (s *session) tightest() (forge.Budget, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var least forge.Budget
	found := false
	for _, b := range s.budgets {
		if b.Limit > 0 && s.clock().Before(time.Unix(b.Reset, 0)) && (!found || b.Left*least.Limit < least.Left*b.Limit) {
			least, found = b, true
		}
	}
	return least, found
}

// Budget tells the tightest of all limits that GitHub told of: it counts REST and
// GraphQL apart, and each installation of an app.
func (f *Forge) Budget() (forge.Budget, bool) {
	f.mu.Lock()
	sessions := []*session{f.single}
	for _, s := range f.installed {
		sessions = append(sessions, s)
	}
	f.mu.Unlock()
	var least forge.Budget
	found := false
	for _, s := range sessions {
		if b, ok := s.tightest(); ok && (!found || b.Left*least.Limit < least.Left*b.Limit) {
			least, found = b, true
		}
	}
	return least, found
}
