package github

import (
	"context"
	"net/http"
	"strconv"
	"strings"
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

	account *forge.Account
}

// newSession makes a session; as is who it is, for all who share what GitHub answers it.
func (f *Forge) newSession(as string, authorization func(context.Context) (string, error)) *session {
	s := &session{
		site: f.site, clock: f.config.Clock, authorization: authorization, next: f.config.Transport,
		account: forge.NewAccount(forge.AccountKey(f.site.rest, as), f.config.Meter, f.config.Clock),
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
	end, err := s.account.Begin(req.Context(), resource(req))
	if err != nil {
		return nil, err
	}
	defer end()
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

// The resources that we use, which GitHub counts apart.
const (
	core    = "core"
	graphQL = "graphql"
)

func resource(req *http.Request) string {
	if strings.HasSuffix(req.URL.Path, "/graphql") {
		return graphQL
	}
	return core
}

// note reads the headers that say what is left, and those that ask for quiet.
func (s *session) note(answer *http.Response, resource string) {
	if named := answer.Header.Get("X-RateLimit-Resource"); named != "" {
		resource = named
	}
	limit, err := strconv.Atoi(answer.Header.Get("X-RateLimit-Limit"))
	left, err2 := strconv.Atoi(answer.Header.Get("X-RateLimit-Remaining"))
	reset, err3 := strconv.ParseInt(answer.Header.Get("X-RateLimit-Reset"), 10, 64)
	if err == nil && err2 == nil && err3 == nil {
		s.account.Note(resource, forge.Budget{Limit: limit, Left: left, Reset: reset})
	}
	if answer.StatusCode != http.StatusForbidden && answer.StatusCode != http.StatusTooManyRequests {
		return
	}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
		s.account.Pause("", time.Duration(seconds)*time.Second)
	}
}

// quiet keeps still for a while, as GitHub asks for where it says nothing of how
// long: a minute at least.
func (s *session) quiet() time.Time {
	if until, closed := s.account.Closed(""); closed {
		return until
	}
	return s.account.Pause("", time.Minute)
}

// spent marks a resource as used up, where an answer says so without the headers.
func (s *session) spent(resource string) time.Time {
	b := s.account.Budget(resource)
	if b.Limit == 0 {
		return s.account.Pause("", time.Minute)
	}
	b.Left = 0
	s.account.Note(resource, b)
	return time.Unix(b.Reset, 0)
}

// Budget tells the tightest of all limits that GitHub told of: it counts REST and
// GraphQL apart, and each installation of an app.
func (f *Forge) Budget() (forge.Budget, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []forge.Budget{f.single.account.Budget(core), f.single.account.Budget(graphQL)}
	for _, s := range f.installed {
		all = append(all, s.account.Budget(core), s.account.Budget(graphQL))
	}
	return forge.Tightest(all...)
}
