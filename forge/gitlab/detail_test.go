package gitlab_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/gitlab"
	"github.com/slipway-cd/slipway/forge/gitlab/gitlabtest"
)

// opened is a GitLab with a merge request of bob's, and the forge that looks at it.
func opened(t *testing.T) (s *gitlabtest.Server, f *gitlab.Forge, number int, head string) {
	t.Helper()
	s = gitlabtest.Start(t)
	s.Now = newNoon().now
	head = s.Push(repository, "feature", "bob", "bob", map[string]string{"a.txt": "a\n"})
	return s, open(t, config(s)), s.Open(repository, "feature", "bob", "a feature"), head
}

func read(t *testing.T, f *gitlab.Forge, number int) slipway.PullRequest {
	t.Helper()
	p, err := f.PullRequest(t.Context(), repository, number)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type verdict struct{ By, Verdict, Commit string }

func verdicts(p slipway.PullRequest) []verdict {
	var all []verdict
	for _, r := range p.Reviews {
		all = append(all, verdict{r.By, r.Verdict, r.Commit})
	}
	return all
}

// What GitLab holds of an approval counts, and each approval is for the head that was
// there.
func TestReviews(t *testing.T) {
	for _, tt := range []struct {
		name   string
		silent bool
		do     func(s *gitlabtest.Server, n int, push func() string) []verdict
	}{
		{"an approval stays with its commit", false, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			first := push()
			s.Approve(repository, n, "ada")
			push()
			return []verdict{{"ada", "approve", first}}
		}},
		{"one that is taken back is dismissed", false, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			first := push()
			s.Approve(repository, n, "ada")
			s.Unapprove(repository, n, "ada")
			return []verdict{{"ada", "dismissed", first}}
		}},
		{"one that GitLab takes back with a push is dismissed, of which no note tells", false, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			first := push()
			s.Approve(repository, n, "ada")
			push()
			s.Reset(repository, n)
			return []verdict{{"ada", "dismissed", first}}
		}},
		{"one that is given again counts for both heads", false, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			first := push()
			s.Approve(repository, n, "ada")
			second := push()
			s.Approve(repository, n, "ada")
			return []verdict{{"ada", "approve", first}, {"ada", "approve", second}}
		}},
		{"a request for changes takes the approval back", false, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			first := push()
			s.Approve(repository, n, "ada")
			s.Reject(repository, n, "ada")
			return []verdict{{"ada", "dismissed", first}, {"ada", "reject", first}}
		}},
		{"a request for changes stays while commits are pushed", false, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			first := push()
			s.Reject(repository, n, "ada")
			push()
			return []verdict{{"ada", "reject", first}}
		}},
		{"asked again, it holds no longer", false, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			first := push()
			s.Reject(repository, n, "ada")
			s.Ask(repository, n, "ada")
			return []verdict{{"ada", "dismissed", first}}
		}},
		{"a review without a verdict is a comment", false, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			first := push()
			s.Reviewed(repository, n, "ada")
			return []verdict{{"ada", "comment", first}}
		}},
		{"somebody who writes what GitLab writes has said nothing", false, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			push()
			s.Say(repository, n, "eve", "approved this merge request")
			s.Say(repository, n, "eve", "requested changes")
			return nil
		}},
		{"an approval of which neither note nor time tells is for no commit", true, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			push()
			s.Approve(repository, n, "ada")
			return []verdict{{"ada", "approve", ""}}
		}},
		{"a request for changes of which no note tells is for the head", true, func(s *gitlabtest.Server, n int, push func() string) []verdict {
			push()
			s.Reject(repository, n, "ada")
			return []verdict{{"ada", "reject", push()}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, f, number, _ := opened(t)
			s.Silent = tt.silent
			push := func() string {
				return s.Push(repository, "feature", "bob", "bob", map[string]string{"a.txt": "more\n"})
			}
			want := tt.do(s, number, push)
			if diff := cmp.Diff(want, verdicts(read(t, f, number))); diff != "" {
				t.Errorf("reviews (-want +got):\n%s", diff)
			}
		})
	}
}

// Who was asked for a review is told; somebody who has answered is not.
func TestAskedForReview(t *testing.T) {
	s, f, number, _ := opened(t)
	s.Ask(repository, number, "ada", "eve")
	if diff := cmp.Diff([]string{"ada", "eve"}, read(t, f, number).Asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	s.Approve(repository, number, "ada")
	if diff := cmp.Diff([]string{"eve"}, read(t, f, number).Asked); diff != "" {
		t.Errorf("after the answer (-want +got):\n%s", diff)
	}
}

// Everybody who has a part in the commits is told, so that rules can leave them out.
func TestWhoWroteCommits(t *testing.T) {
	s, f, number, _ := opened(t)
	s.Push(repository, "feature", "a-stranger", "ada", map[string]string{"b.txt": "b\n"})
	s.Push(repository, "feature", "bob", "a-stranger", map[string]string{"c.txt": "c\n"})
	type who struct{ Author, Committer string }
	var got []who
	for _, c := range read(t, f, number).Commits {
		got = append(got, who{c.Author, c.Committer})
	}
	if diff := cmp.Diff([]who{{"bob", "bob"}, {"", "ada"}, {"bob", ""}}, got); diff != "" {
		t.Errorf("who (-want +got):\n%s", diff)
	}
}

func TestDraftMergedAndPartial(t *testing.T) {
	s, f, number, head := opened(t)
	s.Draft(repository, number)
	if p := read(t, f, number); !p.Draft || p.State != "open" || p.Partial != "" {
		t.Errorf("a draft is %+v", p)
	}
	s.Count(repository, number, "1000+")
	if got, want := read(t, f, number).Partial, "GitLab lists 1 of its 1000+ changed files"; got != want {
		t.Errorf("partial is %q, want %q", got, want)
	}
	s.Merge(repository, number)
	p := read(t, f, number)
	want := slipway.PullRequest{State: "merged", Head: head, BaseCommit: head, Commits: []slipway.Commit{{ID: head, Author: "", Committer: ""}}}
	got := slipway.PullRequest{State: p.State, Head: p.Head, BaseCommit: p.BaseCommit, Commits: p.Commits}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(slipway.Commit{}, "Message", "Parents")); diff != "" {
		t.Errorf("a merged one (-want +got):\n%s", diff)
	}
}

// The base that moves changes the stamp: whether the change may be merged is another
// question then.
func TestBaseMoves(t *testing.T) {
	s, f, _, _ := opened(t)
	before, err := f.PullRequests(t.Context(), repository, "")
	if err != nil {
		t.Fatal(err)
	}
	s.Push(repository, "main", "bob", "bob", map[string]string{"b.txt": "b\n"})
	after, err := f.PullRequests(t.Context(), repository, before.Mark)
	if err != nil || after.Unchanged || after.Open[0].Stamp == before.Open[0].Stamp {
		t.Errorf("after a push to main the listing is %+v, %v", after, err)
	}
}

// The head of a merge request from a fork is on no branch of the project.
func TestFork(t *testing.T) {
	s, f, _, _ := opened(t)
	number, head := s.OpenFork(repository, "patch", "eve", "from afar", map[string]string{"x.txt": "x\n"})
	if p := read(t, f, number); !p.Fork || p.Head != head || len(p.Files) != 1 || len(p.Commits) != 1 {
		t.Errorf("it is %+v", p)
	}
	statuses := []slipway.Status{{Name: "one", State: "pass", Summary: "good"}, {Name: "two", State: "pending", Summary: "runs"}}
	for range 2 {
		if err := f.Report(t.Context(), repository, head, statuses); err != nil {
			t.Fatal(err)
		}
	}
	all := s.Statuses(repository, head)
	if len(all) != 2 || all[0]["ref"] != fmt.Sprintf("refs/merge-requests/%d/head", number) {
		t.Errorf("statuses are %v", all)
	}
	if got := read(t, f, number).Statuses; len(got) != 2 || got[1].State != "pending" || got[1].App != "user:robot" {
		t.Errorf("they are read as %+v", got)
	}
}

// What waits says for what, which changes; GitLab lets no status stay as it is and say
// something else.
func TestPendingSaysSomethingElse(t *testing.T) {
	s, f, number, head := opened(t)
	for i := range 5 {
		summary := fmt.Sprintf("waits for %d reviews", 5-i)
		if err := f.Report(t.Context(), repository, head, []slipway.Status{{Name: "Merge Requirements Met", State: "pending", Summary: summary}}); err != nil {
			t.Fatal(err)
		}
		got := read(t, f, number).Statuses
		if len(got) != 1 || got[0].State != "pending" || got[0].Summary != summary {
			t.Errorf("it is shown as %+v", got)
		}
	}
	var states []string
	for _, one := range s.Statuses(repository, head) {
		states = append(states, fmt.Sprint(one["status"]))
	}
	if diff := cmp.Diff([]string{"canceled", "canceled", "pending"}, states); diff != "" {
		t.Errorf("all states there ever were (-want +got):\n%s", diff)
	}
}

// Texts that are longer than GitLab takes are cut, and a URL that is has no use cut.
func TestLongStatus(t *testing.T) {
	_, f, number, head := opened(t)
	status := slipway.Status{Name: strings.Repeat("n", 300), State: "pass", Summary: strings.Repeat("s", 300), URL: "https://x.example/" + strings.Repeat("u", 300)}
	for range 2 {
		if err := f.Report(t.Context(), repository, head, []slipway.Status{status}); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, f, number).Statuses
	if len(got) != 1 || len(got[0].Name) != 255 || len(got[0].Summary) != 255 || got[0].URL != "" {
		t.Errorf("it is shown as %+v", got)
	}
}

// A line of our note commands nothing, and code is left as it is.
func TestCommentCommandsNothing(t *testing.T) {
	_, f, number, _ := opened(t)
	body := "<!-- m -->\nsaid:\n/merge\n  /approve\na / b\n```diff\n/close\n```\n~~~~\n~~~\n/close\n~~~~\n/slipway retry"
	want := "<!-- m -->\nsaid:\n\\/merge\n  \\/approve\na / b\n```diff\n/close\n```\n~~~~\n~~~\n/close\n~~~~\n\\/slipway retry"
	for range 2 {
		if err := f.Comment(t.Context(), repository, number, "<!-- m -->", body); err != nil {
			t.Fatal(err)
		}
	}
	comments := read(t, f, number).Comments
	if len(comments) != 1 || comments[0].Body != want {
		t.Errorf("comments are %+v", comments)
	}
}

func TestRepositories(t *testing.T) {
	s := gitlabtest.Start(t)
	s.PerPage = 2
	for _, path := range []string{"acme/one", "acme/sub/two", "acme/old", "globex/three", "robot/own"} {
		s.AddProject(path)
	}
	s.Settle("acme/old", "private", true)
	s.Settle("acme/one", "public", false)
	var log bytes.Buffer
	names := func(patterns ...string) []string {
		t.Helper()
		c := config(s)
		c.Repositories, c.Log = patterns, slog.New(slog.NewTextHandler(&log, nil))
		list, err := open(t, c).Repositories(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range list {
			names = append(names, r.Name)
			if r.Private == (r.Name == "acme/one") {
				t.Errorf("%s is private: %v", r.Name, r.Private)
			}
		}
		return names
	}
	for _, tt := range []struct{ patterns, want []string }{
		{nil, []string{"acme/traffic", "acme/one", "acme/sub/two", "globex/three", "robot/own"}},
		{[]string{"acme/*", "acme/one"}, []string{"acme/traffic", "acme/one", "acme/sub/two"}},
		{[]string{"robot/*"}, []string{"robot/own"}},
		{[]string{"globex/three", "globex/absent"}, []string{"globex/three"}},
	} {
		if diff := cmp.Diff(tt.want, names(tt.patterns...)); diff != "" {
			t.Errorf("projects by %q (-want +got):\n%s", tt.patterns, diff)
		}
	}
	if got := log.String(); strings.Count(got, "a project or group is not there") != 1 || !strings.Contains(got, "globex/absent") {
		t.Errorf("the log says %s", got)
	}
}

func TestPermissionsOfOthers(t *testing.T) {
	s := gitlabtest.Start(t)
	f := open(t, config(s))
	s.Join(repository, "gus", gitlabtest.Guest)
	s.Join(repository, "stranger", 0)
	wants := func(want map[string]forge.Permission) {
		t.Helper()
		for login, permission := range want {
			if got, err := f.Permission(t.Context(), repository, login); got != permission || err != nil {
				t.Errorf("%s may %q, %v, want %q", login, got, err, permission)
			}
		}
	}
	wants(map[string]forge.Permission{"gus": forge.None, "stranger": forge.None, "ad": forge.None, "nobody": forge.None})
	s.Settle(repository, "public", false)
	wants(map[string]forge.Permission{"gus": forge.Read, "stranger": forge.Read, "bob": forge.Write, "nobody": forge.None})
}

// The token goes nowhere else: not into a URL, and not to where an answer leads.
func TestTokenStays(t *testing.T) {
	s := gitlabtest.Start(t)
	var elsewhere []string
	s.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "http://elsewhere.example"+r.URL.Path, http.StatusMovedPermanently)
		return true
	}
	c := config(s)
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "elsewhere.example" {
			elsewhere = append(elsewhere, r.Header.Get("Authorization"))
			return nil, errors.New("no such host")
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	f := open(t, c)
	_, err := f.Refs(t.Context(), repository, "")
	if diff := cmp.Diff([]string{""}, elsewhere); diff != "" || strings.Contains(fmt.Sprint(err), gitlabtest.Token) {
		t.Errorf("elsewhere got %q, and the error is %v", elsewhere, err)
	}
	remote, err := f.Remote(t.Context(), "acme/sub/two")
	if err != nil || remote.URL != s.URL+"/acme/sub/two.git" || remote.Header != "Authorization: Basic b2F1dGgyOmdscGF0LXJvYm90" {
		t.Errorf("Remote is %+v, %v", remote, err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
