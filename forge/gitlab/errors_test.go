package gitlab_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/gitlab"
	"github.com/slipway-cd/slipway/forge/gitlab/gitlabtest"
)

func TestNewErrors(t *testing.T) {
	clock, log := newNoon().now, slog.New(slog.DiscardHandler)
	for _, tt := range []struct {
		config       gitlab.Config
		message, fix string
	}{
		{gitlab.Config{URL: "gitlab.example.com", Token: "t"}, `"gitlab.example.com" is not the URL of a GitLab`, "write it as in the browser, such as https://gitlab.example.com"},
		{gitlab.Config{URL: "https://me:secret@gitlab.example.com", Token: "t"}, `"https://me:xxxxx@gitlab.example.com" is not the URL of a GitLab`, "write it as in the browser, such as https://gitlab.example.com"},
		{gitlab.Config{}, "gitlab.com is set up without a token", "make one for a user of Slipway's own, with the scope api (docs/forges.md)"},
		{gitlab.Config{Token: "t", Repositories: []string{"x"}}, `"x" is no project of GitLab`, "write GROUP/NAME, or GROUP/* for all of a group's and its subgroups'"},
		{gitlab.Config{Token: "t", Repositories: []string{"*"}}, `"*" is no project of GitLab`, "write GROUP/NAME, or GROUP/* for all of a group's and its subgroups'"},
		{gitlab.Config{Token: "t", Repositories: []string{"a/../b"}}, `"a/../b" is no project of GitLab`, "write GROUP/NAME, or GROUP/* for all of a group's and its subgroups'"},
	} {
		tt.config.Clock, tt.config.Log = clock, log
		_, err := gitlab.New(tt.config)
		if slipway.KindOf(err) != slipway.Invalid || err.Error() != tt.message || slipway.FixOf(err) != tt.fix {
			t.Errorf("got %v (%s), want %s (%s)", err, slipway.FixOf(err), tt.message, tt.fix)
		}
	}
	if _, err := gitlab.New(gitlab.Config{Token: "t"}); err == nil || err.Error() != "gitlab: a clock and a logger are needed" {
		t.Errorf("without a clock: %v", err)
	}
}

// Each of the ways in which GitLab refuses is said in words of the user's.
func TestRefusals(t *testing.T) {
	const role = "give the token's user the role that docs/forges.md names, in the project or its group"
	for _, tt := range []struct {
		status       int
		body         string
		kind         slipway.Kind
		message, fix string
	}{
		{
			401, `{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}`, slipway.Denied,
			"HOST does not know the token: Token was revoked. You have to re-authorize from the user.", "the token has ended or was revoked: make a new one (docs/forges.md)",
		},
		{
			403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api read_api"}`, slipway.Denied,
			"HOST does not let the token read the branches and tags of acme/traffic: it has not the scope api or read_api", "make a token with the scope api (docs/forges.md)",
		},
		{403, `{"message":"403 Forbidden"}`, slipway.Denied, "HOST does not let the token's user read the branches and tags of acme/traffic: 403 Forbidden", role},
		{
			404, `{"message":"404 Project Not Found"}`, slipway.NotFound, "cannot read the branches and tags: HOST has no acme/traffic, or the token may not see it",
			"check the name, and that the token's user is a member of the project or its group",
		},
		{400, `{"message":{"name":["is too long","is taken"],"base":"x"}}`, slipway.Invalid, "HOST refuses to read the branches and tags of acme/traffic: base x; name is too long, is taken", ""},
		{400, `{"error":"sort does not have a valid value"}`, slipway.Invalid, "HOST refuses to read the branches and tags of acme/traffic: sort does not have a valid value", ""},
		{422, `nothing to read`, slipway.Invalid, "HOST refuses to read the branches and tags of acme/traffic: Unprocessable Entity", ""},
		{503, `Service Unavailable`, slipway.Unavailable, "HOST is out of order: it answers 503 when asked to read the branches and tags of acme/traffic", "see GitLab's log, or status.gitlab.com for gitlab.com; it is tried again"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		}))
		defer server.Close()
		f := open(t, gitlab.Config{URL: server.URL, Token: "t", Clock: newNoon().now, Log: slog.New(slog.DiscardHandler)})
		_, err := f.Refs(t.Context(), repository, "")
		message := strings.ReplaceAll(tt.message, "HOST", strings.TrimPrefix(server.URL, "http://"))
		if slipway.KindOf(err) != tt.kind || err.Error() != message || slipway.FixOf(err) != tt.fix {
			t.Errorf("%d %s:\ngot  %v (%s)\nwant %s (%s)", tt.status, tt.body, err, slipway.FixOf(err), message, tt.fix)
		}
	}
}

// GraphQL says what is wrong in an answer that has the status 200.
func TestGraphQLRefuses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"data": null, "errors": [{"message": "Timeout on validation of query"}]}`))
	}))
	defer server.Close()
	f := open(t, gitlab.Config{URL: server.URL, Token: "t", Clock: newNoon().now, Log: slog.New(slog.DiscardHandler)})
	_, err := f.PullRequests(t.Context(), repository, "")
	want := strings.TrimPrefix(server.URL, "http://") + " cannot list the merge requests of acme/traffic now: Timeout on validation of query"
	if slipway.KindOf(err) != slipway.Unavailable || err.Error() != want || slipway.FixOf(err) != "it is tried again; GitLab 16.0 or newer is needed" {
		t.Errorf("got %v (%s)", err, slipway.FixOf(err))
	}
}

func TestNamesThatCannotBe(t *testing.T) {
	f := open(t, config(gitlabtest.Start(t)))
	_, err := f.Permission(t.Context(), repository, "a/b")
	if slipway.KindOf(err) != slipway.Invalid || err.Error() != `"a/b" is no login of GitLab` {
		t.Errorf("got %v", err)
	}
	_, err = f.Members(t.Context(), "acme/../x")
	if slipway.KindOf(err) != slipway.Invalid || err.Error() != `"acme/../x" is no group of GitLab` || slipway.FixOf(err) != "write GROUP/SUBGROUP" {
		t.Errorf("got %v (%s)", err, slipway.FixOf(err))
	}
	err = f.Label(t.Context(), repository, 1, "a,b", true)
	if slipway.KindOf(err) != slipway.Invalid || err.Error() != `"a,b" is no label of GitLab` || slipway.FixOf(err) != "leave out the comma, which separates labels there" {
		t.Errorf("got %v (%s)", err, slipway.FixOf(err))
	}
	_, err = f.Refs(t.Context(), "acme", "")
	if slipway.KindOf(err) != slipway.Invalid || err.Error() != `"acme" is no project of GitLab` || slipway.FixOf(err) != "write GROUP/NAME" {
		t.Errorf("got %v (%s)", err, slipway.FixOf(err))
	}
}

// 500 open merge requests are looked at in a handful of requests, and read again only
// where one has changed.
func TestFiveHundredOpen(t *testing.T) {
	s := gitlabtest.Start(t)
	s.Now = newNoon().now
	for range 500 {
		s.Push(repository, "feature", "bob", "bob", map[string]string{"a.txt": "a\n"})
		s.Open(repository, "feature", "bob", "a feature")
		s.Drop(repository, "feature")
	}
	f := open(t, config(s))
	before, err := f.PullRequests(t.Context(), repository, "")
	if err != nil || len(before.Open) != 500 {
		t.Fatalf("there are %d, %v", len(before.Open), err)
	}
	s.Say(repository, 300, "ada", "/slipway check")
	after, err := f.PullRequests(t.Context(), repository, before.Mark)
	if err != nil {
		t.Fatal(err)
	}
	var changed []int
	for i, p := range after.Open {
		if p.Stamp != before.Open[i].Stamp {
			changed = append(changed, p.Number)
		}
	}
	if len(changed) != 1 || changed[0] != 300 {
		t.Errorf("%v have changed, want 300", changed)
	}
	if n := len(s.Requests); n != 12 {
		t.Errorf("two looks are %d requests, want 5 pages and the base each", n)
	}
	if b, ok := f.Budget(); !ok || b.Limit != 2000 || b.Left != 1988 {
		t.Errorf("the budget is %+v, %v", b, ok)
	}
}

// Nothing is asked once GitLab has said that it answers no more, until it does again.
func TestLimitIsKept(t *testing.T) {
	s := gitlabtest.Start(t)
	clock := newNoon()
	s.Now, s.Limit = clock.now, 3
	f := open(t, config(s))
	var err error
	for range 5 {
		_, err = f.Refs(t.Context(), repository, "")
	}
	host := strings.TrimPrefix(s.URL, "http://")
	want := host + " has answered as many requests as it does for now: try again after 2026-11-23 12:01:00 UTC"
	fix := "nothing has to be done. If it happens often, raise the limit for the token's user, or give each server a token of another user"
	if slipway.KindOf(err) != slipway.Busy || err.Error() != want || slipway.FixOf(err) != fix {
		t.Errorf("got %v (%s)", err, slipway.FixOf(err))
	}
	if len(s.Requests) != 3 {
		t.Errorf("it was asked %q", s.Requests)
	}
	clock.at = clock.at.Add(time.Minute)
	if _, err := f.Refs(t.Context(), repository, ""); err != nil {
		t.Error(err)
	}
}

// A limit of notes alone, of which only the refusal tells, lets reading go on.
func TestLimitOfWriting(t *testing.T) {
	s, f, number, _ := opened(t)
	asked := 0
	s.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/notes") {
			return false
		}
		asked++
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`))
		return true
	}
	for range 3 {
		err := f.Comment(t.Context(), repository, number, "<!-- m -->", "<!-- m -->")
		if until, ok := forge.LimitedUntil(err); !ok || !until.Equal(newNoon().at.Add(time.Minute)) {
			t.Errorf("got %v", err)
		}
	}
	if asked != 1 {
		t.Errorf("it was asked %d times", asked)
	}
	read(t, f, number)
}
