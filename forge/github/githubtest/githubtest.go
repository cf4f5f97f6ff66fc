// Package githubtest is a GitHub for tests. Start at [Start]. It holds repositories,
// pull requests and what is said of them in memory, and answers the calls that package
// github makes, by REST and GraphQL.
//
// It is held to what GitHub publishes: requests and answers are checked against GitHub's
// OpenAPI description, and every answer begins as the example given there; queries are
// checked against GitHub's GraphQL schema, and answered by running them.
package githubtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The names that a Server begins with.
const (
	Token = "ghp_robot" // of the user robot, who may write
	Slug  = "slipway-test"
	AppID = "4711"
)

// A Server is a GitHub.
type Server struct {
	URL   string
	Key   []byte                                        // private key of the app, in PEM
	Now   func() time.Time                              // its clock
	Fault func(http.ResponseWriter, *http.Request) bool // answers in place of the server, if it returns true; nil: never
	Limit int                                           // requests an hour, for each token and each of REST and GraphQL

	NoChecks bool // the app may not write check runs

	t    testing.TB
	key  *rsa.PrivateKey
	docs *documents

	mu       sync.Mutex
	repos    map[string]*repository
	people   map[string]bool // logins
	teams    map[string][]string
	tokens   map[string]session
	used     map[string]int // by token and resource
	reset    time.Time
	Requests []string // method and path of each call that counted
	ids      int
}

// A session is what a token stands for.
type session struct {
	login   string
	app     bool
	expires time.Time
}

// Start runs a GitHub with the repository acme/traffic, in which its default branch
// main has one commit, until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := read()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		Now: time.Now, Limit: 5000, t: t, key: key, docs: docs, //nolint:forbidigo // the clock of a server for tests
		Key:   pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		repos: map[string]*repository{}, people: map[string]bool{"robot": true, "ada": true, "bob": true, "eve": true},
		teams: map[string][]string{"acme/data": {"ada", "bob"}}, tokens: map[string]session{Token: {login: "robot"}},
		used: map[string]int{},
	}
	s.AddRepository("acme/traffic")
	server := httptest.NewServer(s.handler())
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// handler puts sign-in, limits and faults before the calls.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, call := range s.rest() {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /api/v3"+muxPath(path), s.documented(pattern, call))
	}
	mux.HandleFunc("POST /api/graphql", s.graphql)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.t.Errorf("githubtest does not know %s %s", r.Method, r.URL)
		refuse(w, http.StatusNotFound, "Not Found")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Fault != nil && s.Fault(w, r) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.admit(w, r) {
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// muxPath is an OpenAPI path as net/http has it: the last part of a ref may have
// slashes.
func muxPath(path string) string {
	return strings.Replace(path, "matching-refs/{ref}", "matching-refs/{ref...}", 1)
}

// admit checks the token and counts.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	who, ok := s.tokens[token]
	switch {
	case strings.Count(token, ".") == 2 && s.signedByApp(token):
		who, token = session{login: Slug, app: true}, "app"
	case !ok || !who.expires.IsZero() && !s.Now().Before(who.expires):
		refuse(w, http.StatusUnauthorized, "Bad credentials")
		return false
	}
	resource := "core"
	if strings.HasSuffix(r.URL.Path, "/graphql") {
		resource = "graphql"
	}
	if now := s.Now(); !now.Before(s.reset) {
		s.used, s.reset = map[string]int{}, now.Add(time.Hour).Truncate(time.Second)
	}
	s.limits(w, token+" "+resource, resource)
	if s.used[token+" "+resource] >= s.Limit {
		w.Header().Set("X-RateLimit-Remaining", "0")
		refuse(w, http.StatusForbidden, "API rate limit exceeded for user ID 1.")
		return false
	}
	*r = *r.WithContext(withCaller(r.Context(), caller{who, token + " " + resource, resource, w.Header()}))
	return true
}

func (s *Server) limits(w http.ResponseWriter, key, resource string) {
	h := w.Header()
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.Limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(s.Limit-s.used[key], 0)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(s.reset.Unix(), 10))
	h.Set("X-RateLimit-Resource", resource)
}

// count charges a call.
func (s *Server) count(w http.ResponseWriter, r *http.Request, cost int) {
	c := callerOf(r.Context())
	s.used[c.key] += cost
	s.limits(w, c.key, c.resource)
	s.Requests = append(s.Requests, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/v3"))
}

// Used is how much of a resource, core or graphql, the busiest token has used.
func (s *Server) Used(resource string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := 0
	for key, used := range s.used {
		if strings.HasSuffix(key, " "+resource) {
			most = max(most, used)
		}
	}
	return most
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message, "documentation_url": "https://docs.github.com/rest"})
}

// id makes a number that nothing else has.
func (s *Server) id() int {
	s.ids++
	return s.ids + 1000
}

// now is the time to the second, each time a later one, as an hour of people.
func (s *Server) now() string {
	return s.Now().UTC().Add(time.Duration(s.id()) * time.Second).Format("2006-01-02T15:04:05Z")
}
