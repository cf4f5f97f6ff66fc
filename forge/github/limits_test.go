package github_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/forgetest"
	"github.com/slipway-cd/slipway/forge/github/githubtest"
)

func TestRateLimitSaysUntilWhen(t *testing.T) {
	server, clock := githubtest.Start(t), newNoon()
	server.Now = clock.now
	f := open(t, config(server, withToken))
	first, err := f.Refs(t.Context(), repository, "")
	if err != nil {
		t.Fatal(err)
	}
	server.Limit = server.Used("core") + 1
	if _, err := f.Refs(t.Context(), repository, ""); slipway.KindOf(err) != slipway.Busy {
		t.Fatalf("beyond the limit: %v", err)
	}
	asked := len(server.Requests)
	_, err = f.Refs(t.Context(), repository, first.Mark)
	host := strings.TrimPrefix(server.URL, "http://")
	wantError(t, err, slipway.Busy, host+" has answered as many requests as it does for now: try again after 2026-11-23 13:00:00 UTC",
		"nothing has to be done. A GitHub App has a higher limit than a token, and it grows with the repositories and people it serves")
	if until, ok := forge.LimitedUntil(err); !ok || !until.Equal(clock.at.Add(time.Hour)) {
		t.Errorf("limited until %v, %v", until, ok)
	}
	if len(server.Requests) != asked {
		t.Errorf("it asked all the same: %q", server.Requests[asked:])
	}
	if b, ok := f.Budget(); !ok || b.Left != 0 || b.Reset != clock.at.Add(time.Hour).Unix() {
		t.Errorf("the budget is %+v, %v", b, ok)
	}
	// GraphQL has a limit of its own.
	if _, err := f.PullRequest(t.Context(), repository, 1); slipway.KindOf(err) != slipway.NotFound {
		t.Errorf("by GraphQL: %v", err)
	}
	clock.at = clock.at.Add(time.Hour)
	if got, err := f.Refs(t.Context(), repository, first.Mark); err != nil || !got.Unchanged {
		t.Errorf("an hour later: %+v, %v", got, err)
	}
}

// GitHub asks for quiet where many calls come at once; everything keeps still then.
func TestSecondaryRateLimits(t *testing.T) {
	for _, tt := range []struct {
		name, retryAfter, until string
		status                  int
	}{
		{"with a time", "17", "12:00:17", http.StatusForbidden},
		{"without one", "", "12:01:00", http.StatusForbidden},
		{"too many requests", "30", "12:00:30", http.StatusTooManyRequests},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, clock := githubtest.Start(t), newNoon()
			server.Now = clock.now
			calls := 0
			server.Fault = func(w http.ResponseWriter, _ *http.Request) bool {
				if calls++; calls > 1 {
					return false
				}
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
				fmt.Fprint(w, `{"message": "You have exceeded a secondary rate limit.", "documentation_url": "https://docs.github.com/rest/overview/resources-in-the-rest-api#secondary-rate-limits"}`)
				return true
			}
			f := open(t, config(server, withToken))
			for range 2 {
				_, err := f.Refs(t.Context(), repository, "")
				if slipway.KindOf(err) != slipway.Busy || !strings.HasSuffix(err.Error(), "after 2026-11-23 "+tt.until+" UTC") {
					t.Errorf("got %v", err)
				}
			}
			if calls != 1 {
				t.Errorf("it asked %d times", calls)
			}
			clock.at = clock.at.Add(time.Minute)
			if _, err := f.Refs(t.Context(), repository, ""); err != nil {
				t.Errorf("a minute later: %v", err)
			}
		})
	}
}

// GraphQL says with the status 200 that its limit is used up.
func TestGraphQLRateLimit(t *testing.T) {
	server, clock := githubtest.Start(t), newNoon()
	server.Now = clock.now
	via := &forgetest.Transport{Before: func(req *http.Request) (*http.Response, error) {
		return jsonAnswer(req, `{"data": null, "errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}`), nil
	}}
	c := config(server, withToken)
	c.Transport = via
	_, err := open(t, c).PullRequest(t.Context(), repository, 1)
	if until, ok := forge.LimitedUntil(err); !ok || slipway.KindOf(err) != slipway.Busy || !until.Equal(clock.at.Add(time.Minute)) {
		t.Errorf("got %v until %v", err, until)
	}
}

// 500 open pull requests in 20 repositories, and 80 repositories without any, are
// looked at every minute for an hour without a webhook: what happens is seen at the
// next look, and GitHub's limits are kept.
func TestSweepWithinTheLimits(t *testing.T) {
	server, clock := githubtest.Start(t), newNoon()
	server.Now = clock.now
	var names []string
	for i := range 100 {
		name := fmt.Sprintf("acme/r%d", i)
		server.AddRepository(name)
		names = append(names, name)
		for j := 0; i < 20 && j < 25; j++ {
			server.Push(name, fmt.Sprint("b", j), "bob", map[string]string{"a.txt": "a\n"})
			server.Open(name, fmt.Sprint("b", j), "bob", "a title")
		}
	}
	f := open(t, config(server, withToken))
	refs, open := map[string]string{}, map[string]string{}
	sweep := func() (changed []string) {
		for _, name := range names {
			r, err := f.Refs(t.Context(), name, refs[name])
			if err != nil {
				t.Fatal(err)
			}
			l, err := f.PullRequests(t.Context(), name, open[name])
			if err != nil {
				t.Fatal(err)
			}
			if !r.Unchanged || !l.Unchanged {
				changed = append(changed, name)
			}
			refs[name], open[name] = r.Mark, l.Mark
		}
		return changed
	}
	if changed := sweep(); len(changed) != 100 {
		t.Errorf("at first %d repositories are new", len(changed))
	}
	rest, points := server.Used("core"), server.Used("graphql")
	sweep()
	rest, points = server.Used("core")-rest, server.Used("graphql")-points
	server.Say("acme/r3", 7, "ada", "/slipway build")
	server.Push("acme/r90", "main", "bob", map[string]string{"b.txt": "b\n"})
	if changed := strings.Join(sweep(), " "); changed != "acme/r3 acme/r90" {
		t.Errorf("after a comment and a push what changed is %q", changed)
	}
	if rest != 0 || points*60 > 5000 {
		t.Errorf("a look costs %d requests and %d points; 5,000 an hour are given", rest, points)
	}
	t.Logf("a look at 500 open pull requests and 100 repositories: %d requests of REST that count, %d points of GraphQL", rest, points)
}

// A page has a hundred; 230 open pull requests of one repository are all listed.
func TestManyPullRequestsInOneRepository(t *testing.T) {
	server := githubtest.Start(t)
	for i := range 230 {
		server.Push(repository, fmt.Sprint("b", i), "bob", map[string]string{"a.txt": "a\n"})
		server.Open(repository, fmt.Sprint("b", i), "bob", "a title")
	}
	f := open(t, config(server, withToken))
	for range 2 {
		l, err := f.PullRequests(t.Context(), repository, "")
		numbers := map[int]bool{}
		for _, p := range l.Open {
			numbers[p.Number] = true
		}
		if err != nil || len(numbers) != 230 {
			t.Errorf("%d are listed, %v", len(numbers), err)
		}
	}
}
