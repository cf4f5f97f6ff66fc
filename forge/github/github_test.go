package github_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/forgetest"
	"github.com/slipway-cd/slipway/forge/github"
	"github.com/slipway-cd/slipway/forge/github/githubtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

const repository = "acme/traffic"

func TestGitHubWithToken(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.Setup {
		return setup(t, func(c *github.Config, _ *githubtest.Server, good bool) {
			c.Token = githubtest.Token
			if !good {
				c.Token = "ghp_nobody"
			}
		})
	})
}

func TestGitHubAsApp(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.Setup {
		return setup(t, func(c *github.Config, s *githubtest.Server, good bool) {
			c.App = &github.App{ID: githubtest.AppID, Key: s.Key}
			if !good {
				c.App.ID = "1"
			}
		})
	})
}

// An app that may not write check runs shows commit statuses.
func TestGitHubAsAppWithoutChecks(t *testing.T) {
	forgetest.Run(t, func(t *testing.T) forgetest.Setup {
		return setup(t, func(c *github.Config, s *githubtest.Server, good bool) {
			s.NoChecks = true
			c.App = &github.App{ID: githubtest.AppID, Key: s.Key}
			if !good {
				c.App.ID = "1"
			}
		})
	})
}

func setup(t *testing.T, sign func(*github.Config, *githubtest.Server, bool)) forgetest.Setup {
	server, meter := githubtest.Start(t), &forge.Memory{}
	return forgetest.Setup{
		World: world{server}, Repository: repository, Missing: "acme/absent", HTTP: true,
		Author: "bob", Reviewer: "ada", Team: "acme/data",
		Forge: func(t testing.TB, via http.RoundTripper, good bool) forge.Forge {
			t.Helper()
			c := config(server, func(c *github.Config, s *githubtest.Server) { sign(c, s, good) })
			c.Meter = meter
			if via != nil {
				c.Transport = via
			}
			return open(t, c)
		},
		Webhook: func(t testing.TB, id, secret string) (http.Header, []byte) {
			t.Helper()
			return signed("push", id, secret, []byte(`{"ref": "refs/heads/main", "repository": {"full_name": "acme/traffic"}}`))
		},
	}
}

// config is one for a GitHub for tests, signed in.
func config(s *githubtest.Server, sign func(*github.Config, *githubtest.Server)) github.Config {
	c := github.Config{URL: s.URL, Secret: "secret", Clock: s.Now, Log: slog.New(slog.DiscardHandler)}
	sign(&c, s)
	return c
}

func withToken(c *github.Config, _ *githubtest.Server) { c.Token = githubtest.Token }

func withApp(c *github.Config, s *githubtest.Server) {
	c.App = &github.App{ID: githubtest.AppID, Key: s.Key}
}

func open(t testing.TB, config github.Config) *github.Forge {
	t.Helper()
	f, err := github.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// signed is a webhook as GitHub sends it.
func signed(event, id, secret string, body []byte) (http.Header, []byte) {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set("X-GitHub-Event", event)
	header.Set("X-GitHub-Delivery", id)
	header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return header, body
}

// A world is what people do at a GitHub for tests.
type world struct{ s *githubtest.Server }

var _ forgetest.Debate = world{}

func (w world) Push(_ testing.TB, branch string, files map[string]string) string {
	return w.s.Push(repository, branch, "bob", files)
}

func (w world) Drop(_ testing.TB, branch string) { w.s.Drop(repository, branch) }

func (w world) Tag(_ testing.TB, name, commit string, annotated bool) {
	if annotated {
		w.s.Tag(repository, name, commit)
	} else {
		w.s.LightTag(repository, name, commit)
	}
}

func (w world) Open(_ testing.TB, branch, title string) int {
	return w.s.Open(repository, branch, "bob", title)
}

func (w world) Close(_ testing.TB, number int) { w.s.Close(repository, number) }

func (w world) Merge(_ testing.TB, number int) string { return w.s.Merge(repository, number) }

func (w world) Review(_ testing.TB, number int, verdict, body string) {
	state := map[string]string{"approve": "APPROVED", "reject": "CHANGES_REQUESTED", "comment": "COMMENTED"}[verdict]
	w.s.Review(repository, number, "ada", state, body)
}

func (w world) Say(_ testing.TB, number int, body string)   { w.s.Say(repository, number, "ada", body) }
func (w world) Mark(_ testing.TB, number int, label string) { w.s.Mark(repository, number, label) }
func (w world) Ask(_ testing.TB, number int)                { w.s.Ask(repository, number, "ada") }

func (w world) Judge(_ testing.TB, commit, name, state, summary string) {
	word := map[string]string{"pass": "success", "fail": "failure", "error": "error", "pending": "pending"}[state]
	w.s.Post(repository, commit, "scanner[bot]", name, word, summary)
}

// noon is a clock that stands still until it is moved.
type noon struct{ at time.Time }

func newNoon() *noon { return &noon{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (n *noon) now() time.Time { return n.at }
