package github_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge/forgetest"
	"github.com/slipway-cd/slipway/forge/github"
	"github.com/slipway-cd/slipway/forge/github/githubtest"
)

// Apps cannot be taken for people, nor people for apps.
func TestAppsAndPeopleAreToldApart(t *testing.T) {
	server := githubtest.Start(t)
	head := server.Push(repository, "feature", "stranger", map[string]string{"a.txt": "a\n"})
	number := server.Open(repository, "feature", "renovate[bot]", "an update")
	server.Say(repository, number, "codecov[bot]", "89 %")
	server.Say(repository, number, "codecov", "100 %")
	server.Post(repository, head, "codecov[bot]", "coverage", "failure", "")
	server.Post(repository, head, "codecov", "coverage/patch", "success", "")
	server.Run(repository, head, "codeql", "scan", "completed", "skipped")
	server.Ask(repository, number, "ada", "acme/data", "copilot[bot]")
	server.Review(repository, number, "ada", "PENDING", "not sent yet")
	server.Review(repository, number, "review-bot[bot]", "DISMISSED", "")
	p, err := open(t, config(server, withToken)).PullRequest(t.Context(), repository, number)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{"author": p.Author, "committer": p.Commits[0].Author, "asked": strings.Join(p.Asked, " ")}
	for _, c := range p.Comments {
		got["comment "+c.Body] = c.By
	}
	for _, s := range p.Statuses {
		got["status "+s.Name] = s.App + " " + s.State
	}
	for _, r := range p.Reviews {
		got["review"] += r.By + " " + r.Verdict
	}
	want := map[string]string{
		"author": "renovate[bot]", "committer": "", "asked": "ada acme/data copilot[bot]", "comment 89 %": "codecov[bot]", "comment 100 %": "codecov",
		"status coverage": "codecov fail", "status coverage/patch": "user:codecov pass", "status scan": "codeql neutral",
		"review": "review-bot[bot] dismissed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("who (-want +got):\n%s", diff)
	}
}

// Whoever may write to a repository can change what others wrote there.
func TestCommentsThatWereChanged(t *testing.T) {
	server := githubtest.Start(t)
	server.Push(repository, "feature", "bob", map[string]string{"a.txt": "a\n"})
	number := server.Open(repository, "feature", "bob", "an update")
	server.Say(repository, number, "ada", "as it was written")
	f := open(t, config(server, withToken))
	for _, body := range []string{"<!-- m -->", "<!-- m --> and more"} {
		if err := f.Comment(t.Context(), repository, number, "<!-- m -->", body); err != nil {
			t.Fatal(err)
		}
	}
	p, err := f.PullRequest(t.Context(), repository, number)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Comments) != 2 || p.Comments[0].Edited || !p.Comments[1].Edited {
		t.Errorf("the comments are %+v, want the second one to be changed", p.Comments)
	}
}

// Of runs of one name and app the newest counts; what was given up is no failure.
func TestCheckRunsOfOthers(t *testing.T) {
	server := githubtest.Start(t)
	head := server.Push(repository, "feature", "bob", map[string]string{"a.txt": "a\n"})
	number := server.Open(repository, "feature", "bob", "a feature")
	want := map[string]string{
		"success": "pass", "failure": "fail", "neutral": "neutral", "skipped": "neutral", "cancelled": "error",
		"timed_out": "error", "action_required": "fail", "stale": "error",
	}
	for conclusion := range want {
		server.Run(repository, head, "ci", conclusion, "completed", conclusion)
	}
	server.Run(repository, head, "ci", "again", "completed", "success")
	server.Run(repository, head, "ci", "again", "in_progress", "")
	server.Run(repository, head, "other", "again", "completed", "success")
	server.Run(repository, head, "ci", "waits", "queued", "")
	want = maps.Clone(want)
	want["again"], want["waits"] = "pending", "pending"
	p, err := open(t, config(server, withToken)).PullRequest(t.Context(), repository, number)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range p.Statuses {
		if s.App == "ci" {
			got[s.Name] = s.State
		} else if s.Name != "again" || s.State != "pass" {
			t.Errorf("another app's is %+v", s)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

// An app shows everything in check runs: title, summary, and each annotation once,
// fifty in a call.
func TestCheckRunsOfOurs(t *testing.T) {
	server := githubtest.Start(t)
	head := server.Push(repository, "feature", "bob", map[string]string{"a.txt": "a\n"})
	f := open(t, config(server, withApp))
	status := slipway.Status{Name: "unit", State: "fail", Summary: "2 of 10 failed\n\nthe rest", URL: "https://slipway.example/1"}
	for i := range 120 {
		status.Annotations = append(status.Annotations, slipway.Annotation{Path: "a.txt", Line: i + 1, Level: "error", Message: "wrong"})
	}
	show := func() {
		t.Helper()
		if err := f.Report(t.Context(), repository, head, []slipway.Status{status}); err != nil {
			t.Fatal(err)
		}
	}
	show()
	show()
	runs := server.CheckRuns(repository, head)
	output := runs[0]["output"].(map[string]any)
	if len(runs) != 1 || output["annotations_count"] != 120 || output["title"] != "2 of 10 failed" || output["summary"] != status.Summary ||
		runs[0]["conclusion"] != "failure" || runs[0]["details_url"] != status.URL {
		t.Errorf("%d check runs, the first %v", len(runs), runs[0])
	}
	// Annotations cannot be taken away: a new run takes the place of the old one.
	status.State, status.Summary, status.Annotations = "pass", "all passed", nil
	show()
	runs = server.CheckRuns(repository, head)
	if len(runs) != 2 || runs[1]["conclusion"] != "success" || runs[1]["output"].(map[string]any)["annotations_count"] != 0 {
		t.Errorf("after a fix there are %d check runs, the last %v", len(runs), runs[len(runs)-1])
	}
	// One without annotations is changed in place.
	status.State = "pending"
	show()
	if runs = server.CheckRuns(repository, head); len(runs) != 2 {
		t.Errorf("there are %d check runs", len(runs))
	}
}

// Commit statuses have 140 characters, and no neutral.
func TestCommitStatusesOfOurs(t *testing.T) {
	server := githubtest.Start(t)
	head := server.Push(repository, "feature", "bob", map[string]string{"a.txt": "a\n"})
	f := open(t, config(server, withToken))
	err := f.Report(t.Context(), repository, head, []slipway.Status{{Name: "cost", State: "neutral", Summary: strings.Repeat("€", 200) + "\nmore"}, {Name: "plan", State: "error"}})
	if err != nil {
		t.Fatal(err)
	}
	got := server.Statuses(repository, head)
	text := got[1]["description"].(string)
	if got[1]["state"] != "success" || !strings.HasSuffix(text, "€ …") || len(text) > 140 || got[0]["state"] != "error" {
		t.Errorf("the statuses are %v", got)
	}
}

func TestRepositoriesAreThoseOfTheConfiguration(t *testing.T) {
	server := githubtest.Start(t)
	for _, name := range []string{"acme/weather", "globex/plant"} {
		server.AddRepository(name)
	}
	for _, tt := range []struct {
		patterns []string
		want     string
	}{
		{nil, "acme/traffic acme/weather globex/plant"},
		{[]string{"acme/*"}, "acme/traffic acme/weather"},
		{[]string{"Acme/Weather", "globex/gone"}, "acme/weather"},
	} {
		for name, sign := range map[string]func(*github.Config, *githubtest.Server){"token": withToken, "app": withApp} {
			c := config(server, sign)
			c.Repositories = tt.patterns
			list, err := open(t, c).Repositories(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			names := map[string]bool{}
			for _, r := range list {
				names[r.Name] = true
			}
			if got := strings.Join(slices.Sorted(maps.Keys(names)), " "); got != tt.want {
				t.Errorf("%v by %s: %s, want %s", tt.patterns, name, got, tt.want)
			}
		}
	}
}

// What a token lacks is said as GitHub says it.
func TestLackOfPermission(t *testing.T) {
	for _, tt := range []struct {
		name, header, value, fix string
		sign                     func(*github.Config, *githubtest.Server)
	}{
		{"fine-grained token", "X-Accepted-GitHub-Permissions", "issues=write; pull_requests=write", "give the token the permission issues: write or pull requests: write", withToken},
		{"app", "X-Accepted-GitHub-Permissions", "pull_requests=write", "give the app the permission pull requests: write, and accept it where it is installed", withApp},
		{"classic token", "X-Accepted-OAuth-Scopes", "repo", "give the token the scope repo; it has: ", withToken},
		{"no word of it", "X-Nothing", "", "give the token the permissions that docs/forges.md lists", withToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := githubtest.Start(t)
			server.Push(repository, "feature", "bob", map[string]string{"a.txt": "a\n"})
			number := server.Open(repository, "feature", "bob", "a feature")
			server.Fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/comments") {
					return false
				}
				w.Header().Set(tt.header, tt.value)
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, `{"message": "Resource not accessible"}`)
				return true
			}
			err := open(t, config(server, tt.sign)).Comment(t.Context(), repository, number, "<!-- x -->", "<!-- x -->")
			who := "token"
			if tt.name == "app" {
				who = "app"
			}
			wantError(t, err, slipway.Denied, fmt.Sprintf("%s does not let the %s write the comment on pull request 1 of acme/traffic: Resource not accessible",
				strings.TrimPrefix(server.URL, "http://"), who), tt.fix)
		})
	}
}

func TestGraphQLErrors(t *testing.T) {
	server := githubtest.Start(t)
	for _, tt := range []struct {
		answer  string
		kind    slipway.Kind
		message string
	}{
		{
			`{"data": {"repository": null}, "errors": [{"type": "FORBIDDEN", "message": "Resource not accessible by personal access token", "path": ["repository"]}]}`,
			slipway.Denied, "does not let the token read pull request 1 of acme/traffic: Resource not accessible by personal access token",
		},
		{`{"errors": [{"message": "Something went wrong while executing your query."}]}`, slipway.Unavailable, "cannot read pull request 1 of acme/traffic now: Something went wrong"},
		{`{"data": {"repository": {"pullRequest": {"number": "one"}}}}`, slipway.Unavailable, "answers with something else than documented when asked to read pull request 1 of acme/traffic"},
	} {
		c := config(server, withToken)
		c.Transport = &forgetest.Transport{Before: func(req *http.Request) (*http.Response, error) { return jsonAnswer(req, tt.answer), nil }}
		_, err := open(t, c).PullRequest(t.Context(), repository, 1)
		if slipway.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.message) {
			t.Errorf("%s: %v (%s)", tt.answer, err, slipway.KindOf(err))
		}
	}
}

// A pull request that moves while it is read is read from the start; the answer is of
// one head.
func TestPullRequestThatMovesWhileItIsRead(t *testing.T) {
	server := githubtest.Start(t)
	server.Push(repository, "feature", "bob", map[string]string{"a.txt": "a\n"})
	number := server.Open(repository, "feature", "bob", "a feature")
	for i := range 150 {
		server.Say(repository, number, "ada", fmt.Sprint("comment ", i))
	}
	pushes, head := 0, ""
	after := func(limit int) *forgetest.Transport {
		return &forgetest.Transport{After: func(req *http.Request) error {
			if strings.HasSuffix(req.URL.Path, "/graphql") && pushes < limit {
				pushes++
				head = server.Push(repository, "feature", "bob", map[string]string{"a.txt": strconv.Itoa(pushes)})
			}
			return nil
		}}
	}
	c := config(server, withToken)
	c.Transport = after(1)
	p, err := open(t, c).PullRequest(t.Context(), repository, number)
	if err != nil || p.Head != head || len(p.Comments) != 150 {
		t.Errorf("head %s with %d comments, %v; want %s", p.Head, len(p.Comments), err, head)
	}
	pushes = 0
	c.Transport = after(100)
	_, err = open(t, c).PullRequest(t.Context(), repository, number)
	wantError(t, err, slipway.Busy, "pull request 1 of acme/traffic changes while it is read", "nothing has to be done: it is read again")
}

// Where not all files are listed it is said, so that nobody takes them for all.
func TestPullRequestWithTooManyFiles(t *testing.T) {
	server := githubtest.Start(t)
	files := map[string]string{}
	for i := range 3000 {
		files[fmt.Sprintf("f%d", i)] = fmt.Sprint(i, "\n")
	}
	server.Push(repository, "feature", "bob", files)
	number := server.Open(repository, "feature", "bob", "a feature")
	p, err := open(t, config(server, withToken)).PullRequest(t.Context(), repository, number)
	if err != nil || p.Partial != "GitHub lists no more than 3000 changed files" {
		t.Errorf("partial is %q, %v", p.Partial, err)
	}
}
