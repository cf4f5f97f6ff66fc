package forgetest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// A Transport carries calls to a forge, counts those that write, and fails on
// request: before a call takes effect, or after, when its answer is lost.
type Transport struct {
	Before func(*http.Request) (*http.Response, error) // nil, nil: go on
	After  func(*http.Request) error

	mu     sync.Mutex
	writes []string
}

// RoundTrip carries one call.
func (tr *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if tr.Before != nil {
		if answer, err := tr.Before(req); answer != nil || err != nil {
			return answer, err
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if writes(req) && answer.StatusCode < http.StatusBadRequest {
		tr.mu.Lock()
		tr.writes = append(tr.writes, req.Method+" "+req.URL.Path)
		tr.mu.Unlock()
	}
	if tr.After != nil {
		if lost := tr.After(req); lost != nil {
			_ = answer.Body.Close()
			return nil, lost
		}
	}
	return answer, nil
}

// writes says whether a call changes something. Tokens are no change.
func writes(req *http.Request) bool {
	return req.Method != http.MethodGet && !strings.HasSuffix(req.URL.Path, "/graphql") && !strings.HasSuffix(req.URL.Path, "/access_tokens")
}

// Writes are the calls that changed something.
func (tr *Transport) Writes() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return append([]string(nil), tr.writes...)
}

// errLost is a network that fails.
var errLost = errors.New("connection reset by peer")

// loseEach loses the answer to each call that writes, once.
func loseEach() func(*http.Request) error {
	var mu sync.Mutex
	lost := map[string]bool{}
	return func(req *http.Request) error {
		mu.Lock()
		defer mu.Unlock()
		key := req.Method + " " + req.URL.Path
		if !writes(req) || lost[key] {
			return nil
		}
		lost[key] = true
		return errLost
	}
}

func answerOf(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewBufferString(body)),
	}
}

func userOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil || u.Scheme == "ssh" {
		return ""
	}
	return u.User.String()
}

func faultTests() []test {
	return []test{
		{"a token that nobody knows is denied", badToken},
		{"a network that fails is unavailable, not something of the user's", noNetwork},
		{"a forge out of order is unavailable", outOfOrder},
		{"an answer that is none is unavailable", nonsense},
		{"a forge that wants quiet says until when, and all who have the token leave it alone", limited},
		{"it may be asked by many at once", atOnce},
	}
}

func badToken(t *testing.T, s Setup) {
	if !s.HTTP {
		t.Skip("it has no tokens")
	}
	f := s.Forge(t, nil, false)
	_, err := f.Refs(t.Context(), s.Repository, "")
	wantKind(t, "Refs", err, slipway.Denied, "does not know")
	_, err = f.Repositories(t.Context())
	wantKind(t, "Repositories", err, slipway.Denied, "does not know")
}

// failing calls everything that reads through a transport.
func failing(t *testing.T, s Setup, before func(*http.Request) (*http.Response, error), words ...string) {
	if !s.HTTP {
		t.Skip("it does not speak HTTP")
	}
	f := s.Forge(t, &Transport{Before: before}, true)
	_, err := f.Refs(t.Context(), s.Repository, "")
	wantKind(t, "Refs", err, slipway.Unavailable, words...)
	if r, ok := f.(forge.Requests); ok {
		_, err = r.PullRequests(t.Context(), s.Repository, "")
		wantKind(t, "PullRequests", err, slipway.Unavailable, words...)
		_, err = r.PullRequest(t.Context(), s.Repository, 1)
		wantKind(t, "PullRequest", err, slipway.Unavailable, words...)
		_, err = r.RequestsOf(t.Context(), s.Repository, strings.Repeat("a", 40))
		wantKind(t, "RequestsOf", err, slipway.Unavailable, words...)
	}
	if p, ok := f.(forge.Publisher); ok {
		err = p.Comment(t.Context(), s.Repository, 1, "<!-- m -->", "<!-- m -->")
		wantKind(t, "Comment", err, slipway.Unavailable, words...)
		err = p.Label(t.Context(), s.Repository, 1, "x", true)
		wantKind(t, "Label", err, slipway.Unavailable, words...)
		err = p.Report(t.Context(), s.Repository, strings.Repeat("a", 40), []slipway.Status{{Name: "x", State: "pass"}})
		wantKind(t, "Report", err, slipway.Unavailable, words...)
	}
	if d, ok := f.(forge.Directory); ok {
		_, err = d.Permission(t.Context(), s.Repository, s.Author)
		wantKind(t, "Permission", err, slipway.Unavailable, words...)
		_, err = d.Members(t.Context(), s.Team)
		wantKind(t, "Members", err, slipway.Unavailable, words...)
	}
}

func noNetwork(t *testing.T, s Setup) {
	failing(t, s, func(*http.Request) (*http.Response, error) { return nil, errLost }, "connection reset by peer")
}

func outOfOrder(t *testing.T, s Setup) {
	failing(t, s, func(req *http.Request) (*http.Response, error) {
		return answerOf(req, 502, `<html>bad gateway</html>`), nil
	}, "502")
}

func nonsense(t *testing.T, s Setup) {
	failing(t, s, func(req *http.Request) (*http.Response, error) {
		return answerOf(req, 200, `<html>welcome to the hotel</html>`), nil
	})
}

func limited(t *testing.T, s Setup) {
	if !s.HTTP {
		t.Skip("it does not speak HTTP")
	}
	f := s.Forge(t, &Transport{Before: func(req *http.Request) (*http.Response, error) {
		answer := answerOf(req, http.StatusTooManyRequests, `{"message": "slow down"}`)
		answer.Header.Set("Retry-After", "30")
		return answer, nil
	}}, true)
	_, err := f.Refs(t.Context(), s.Repository, "")
	wantKind(t, "Refs", err, slipway.Busy, "try again after")
	until, ok := forge.LimitedUntil(err)
	if !ok || until.IsZero() {
		t.Errorf("the error %v says no time", err)
	}
	other := s.Forge(t, &Transport{Before: func(req *http.Request) (*http.Response, error) {
		t.Errorf("another one that has the token asks all the same: %s %s", req.Method, req.URL)
		return nil, errLost
	}}, true)
	_, err = other.Refs(t.Context(), s.Repository, "")
	wantKind(t, "Refs of another one", err, slipway.Busy, "try again after")
	if same, _ := forge.LimitedUntil(err); !same.Equal(until) {
		t.Errorf("one may ask after %s, and another one that has the token after %s", until, same)
	}
}

func atOnce(t *testing.T, s Setup) {
	f := s.open(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := f.Refs(t.Context(), s.Repository, ""); err != nil {
				t.Error(err)
			}
			if r, ok := f.(forge.Requests); ok {
				if _, err := r.PullRequests(t.Context(), s.Repository, ""); err != nil {
					t.Error(err)
				}
			}
			if b, ok := f.(forge.Budgeted); ok {
				b.Budget()
			}
		})
	}
	wg.Wait()
}
