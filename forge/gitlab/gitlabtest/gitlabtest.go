// Package gitlabtest is a GitLab for tests. Start at [Start]. It holds projects, merge
// requests and what is said of them in memory, and answers the calls that package
// gitlab makes, by REST and GraphQL.
//
// It is held to what GitLab publishes: every parameter, body and answer of REST to the
// types of GitLab's own client for Go, which reads every answer, too; queries to a part of
// GitLab's GraphQL schema, to how complex GitLab lets them be, and answered by running
// them. How a status goes from state to state is as in GitLab's code.
package gitlabtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Token is that of the user robot, who is a maintainer.
const Token = "glpat-robot"

// A Server is a GitLab.
type Server struct {
	URL     string
	Now     func() time.Time                              // its clock
	Fault   func(http.ResponseWriter, *http.Request) bool // answers in place of the server, if it returns true; nil: never
	Limit   int                                           // requests a minute, for each token
	PerPage int                                           // how many a page has at most
	Silent  bool                                          // it writes no notes of its own, and keeps no times of approvals, as older servers

	t testing.TB

	mu       sync.Mutex
	projects map[string]*project
	people   map[string]bool // logins
	groups   map[string][]string
	tokens   map[string]string // token to login
	used     map[string]int    // by token
	reset    time.Time
	Requests []string // method and path of each call that counted
	ids      int
}

// Start runs a GitLab with the project acme/traffic, in which its default branch main
// has one commit, until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		Now: time.Now, Limit: 2000, PerPage: 100, t: t, //nolint:forbidigo // the clock of a server for tests
		projects: map[string]*project{}, people: map[string]bool{"robot": true, "ada": true, "bob": true, "eve": true},
		groups: map[string][]string{"acme": {"robot"}, "acme/data": {"ada", "bob"}}, tokens: map[string]string{Token: "robot"}, used: map[string]int{},
	}
	s.AddProject("acme/traffic")
	server := httptest.NewServer(s.handler())
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// AddToken makes another token of a user's.
func (s *Server) AddToken(token, login string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = login
}

// handler puts sign-in, limits and faults before the calls.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, answer := range s.rest() {
		if _, ok := calls[pattern]; !ok {
			s.t.Errorf("gitlabtest does not say what GitLab's client says of %s", pattern)
		}
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /api/v4"+path, s.documented(pattern, answer))
	}
	mux.HandleFunc("POST /api/graphql", s.graphql)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.t.Errorf("gitlabtest does not know %s %s", r.Method, r.URL)
		refuse(w, http.StatusNotFound, "404 Not Found")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Fault != nil && s.Fault(w, r) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.admit(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}

// admit checks the token and counts.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.tokens[token] == "" {
		if strings.HasSuffix(r.URL.Path, "/graphql") {
			reply(w, http.StatusUnauthorized, object{"errors": []object{{"message": "Invalid token"}}})
		} else {
			refuse(w, http.StatusUnauthorized, "401 Unauthorized")
		}
		return false
	}
	if now := s.Now(); !now.Before(s.reset) {
		s.used, s.reset = map[string]int{}, now.Add(time.Minute).Truncate(time.Second)
	}
	s.used[token]++
	h := w.Header()
	h.Set("RateLimit-Limit", strconv.Itoa(s.Limit))
	h.Set("RateLimit-Observed", strconv.Itoa(s.used[token]))
	h.Set("RateLimit-Remaining", strconv.Itoa(max(s.Limit-s.used[token], 0)))
	h.Set("RateLimit-Reset", strconv.FormatInt(s.reset.Unix(), 10))
	h.Set("RateLimit-Name", "throttle_authenticated_api")
	if s.used[token] > s.Limit {
		h.Set("Retry-After", strconv.Itoa(int(s.reset.Sub(s.Now()).Seconds())))
		h.Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte("Retry later\n"))
		return false
	}
	s.Requests = append(s.Requests, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v4"))
	return true
}

// who is the user whose token a call has.
func (s *Server) who(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return s.tokens[token]
}

// page cuts a page out of a list, by number or by key, and links to the next.
func (s *Server) page(w http.ResponseWriter, r *http.Request, list []object) []object {
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("per_page"))
	if err != nil {
		size = 20
	}
	size = min(size, s.PerPage)
	next := maps.Clone(q)
	from := 0
	if q.Get("pagination") == "keyset" {
		after, _ := strconv.Atoi(q.Get("id_after"))
		for from < len(list) && list[from]["id"].(int) <= after {
			from++
		}
	} else if page, err := strconv.Atoi(q.Get("page")); err == nil {
		from = min((page-1)*size, len(list))
	}
	until := min(from+size, len(list))
	if until == len(list) {
		return append([]object{}, list[from:until]...)
	}
	if q.Get("pagination") == "keyset" {
		next.Set("id_after", fmt.Sprint(list[until-1]["id"]))
	} else {
		next.Set("page", strconv.Itoa(from/size+2))
	}
	// As GitLab has it behind a proxy: the host may be another than the one that was asked.
	w.Header().Set("Link", fmt.Sprintf(`<https://gitlab.internal%s?%s>; rel="next", <https://gitlab.internal/first>; rel="first"`, r.URL.EscapedPath(), next.Encode()))
	return append([]object{}, list[from:until]...)
}

func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, object{"message": message})
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// id makes a number that nothing else has.
func (s *Server) id() int {
	s.ids++
	return s.ids + 1000
}

// now is the time, each time a later one, as an hour of people.
func (s *Server) now() string {
	return s.Now().UTC().Add(time.Duration(s.id()) * time.Second).Format("2006-01-02T15:04:05.000Z")
}
