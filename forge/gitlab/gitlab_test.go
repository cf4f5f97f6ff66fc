package gitlab_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/forgetest"
	"github.com/slipway-cd/slipway/forge/gitlab"
	"github.com/slipway-cd/slipway/forge/gitlab/gitlabtest"
)

const repository = "acme/traffic"

// The conformance kit, with lists of one page and with lists of many; what is listed
// has at most three a page then.
func TestGitLab(t *testing.T) {
	for name, perPage := range map[string]int{"one page": 100, "pages": 3} {
		t.Run(name, func(t *testing.T) {
			forgetest.Run(t, func(t *testing.T) forgetest.Setup {
				s := gitlabtest.Start(t)
				s.PerPage, s.Limit = perPage, 20_000
				return setupOf(s)
			})
		})
	}
}

func setupOf(s *gitlabtest.Server) forgetest.Setup {
	clock, meter := newNoon(), &forge.Memory{}
	s.Now = clock.now
	return forgetest.Setup{
		World: world{s}, Repository: repository, Missing: "acme/absent", HTTP: true, Wordless: true,
		Author: "bob", Reviewer: "ada", Reader: "eve", Team: "acme/data",
		Forge: func(t testing.TB, via http.RoundTripper, good bool) forge.Forge {
			t.Helper()
			c := config(s)
			c.Transport, c.Meter = via, meter
			if !good {
				c.Token = "glpat-nobody"
			}
			return open(t, c)
		},
		Webhook: func(t testing.TB, id, secret string) (http.Header, []byte) {
			t.Helper()
			return signed(id, secret, clock.now(), []byte(`{"object_kind": "push", "project": {"path_with_namespace": "acme/traffic"}}`))
		},
	}
}

func config(s *gitlabtest.Server) gitlab.Config {
	return gitlab.Config{URL: s.URL, Token: gitlabtest.Token, Secret: "secret", Clock: s.Now, Log: slog.New(slog.DiscardHandler)}
}

func open(t testing.TB, c gitlab.Config) *gitlab.Forge {
	t.Helper()
	f, err := gitlab.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// signed is a webhook as GitLab sends it where a signing token is set.
func signed(id, key string, at time.Time, body []byte) (http.Header, []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(id + "." + stamp + "." + string(body)))
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set("X-Gitlab-Event", "Push Hook")
	header.Set("Idempotency-Key", id)
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", stamp)
	header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return header, body
}

// A world is what people do at a GitLab for tests.
type world struct{ s *gitlabtest.Server }

var _ forgetest.Debate = world{}

func (w world) Push(_ testing.TB, branch string, files map[string]string) string {
	return w.s.Push(repository, branch, "bob", "bob", files)
}

func (w world) Drop(_ testing.TB, branch string) { w.s.Drop(repository, branch) }

func (w world) Tag(_ testing.TB, name, commit string, annotated bool) {
	w.s.Tag(repository, name, commit, annotated)
}

func (w world) Open(_ testing.TB, branch, title string) int {
	return w.s.Open(repository, branch, "bob", title)
}

func (w world) Close(_ testing.TB, number int) { w.s.Close(repository, number) }

func (w world) Merge(_ testing.TB, number int) string { return w.s.Merge(repository, number) }

// Review has no words of its own: what is said with it is a note.
func (w world) Review(_ testing.TB, number int, verdict, _ string) {
	switch verdict {
	case "approve":
		w.s.Approve(repository, number, "ada")
	case "reject":
		w.s.Reject(repository, number, "ada")
	default:
		w.s.Reviewed(repository, number, "ada")
	}
}

func (w world) Say(_ testing.TB, number int, body string)   { w.s.Say(repository, number, "ada", body) }
func (w world) Mark(_ testing.TB, number int, label string) { w.s.Mark(repository, number, label) }
func (w world) Ask(_ testing.TB, number int)                { w.s.Ask(repository, number, "ada") }

func (w world) Judge(_ testing.TB, commit, name, state, summary string) {
	word := map[string]string{"pass": "success", "fail": "failed", "error": "failed", "pending": "pending"}[state]
	w.s.Post(repository, commit, "ada", name, word, summary)
}

// noon is a clock that stands still until it is moved.
type noon struct{ at time.Time }

func newNoon() *noon { return &noon{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (n *noon) now() time.Time { return n.at }
