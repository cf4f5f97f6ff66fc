package gitea_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/forgetest"
	"github.com/slipway-cd/slipway/forge/gitea"
)

// The conformance kit, against a real Gitea.
func TestGitea(t *testing.T) {
	s := giteaOf(t)
	forgetest.Run(t, func(t *testing.T) forgetest.Setup {
		w, meter := s.repository(t), &forge.Memory{}
		return forgetest.Setup{
			World: w, Repository: w.name, Missing: "acme/absent", HTTP: true,
			Author: "bob", Reviewer: "ada", Reader: "eve", Team: "acme/data",
			Forge: func(t testing.TB, via http.RoundTripper, good bool) forge.Forge {
				t.Helper()
				c := gitea.Config{URL: s.url, Token: s.token, Secret: "secret", Transport: via, Meter: meter, Clock: noon, Log: slog.New(slog.DiscardHandler)}
				if !good {
					c.Token = strings.Repeat("0", 40)
				}
				return open(t, c)
			},
			Webhook: func(t testing.TB, id, secret string) (http.Header, []byte) {
				t.Helper()
				return signed("push", id, secret, []byte(`{"repository": {"full_name": "`+w.name+`"}}`))
			},
		}
	})
}

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func open(t testing.TB, c gitea.Config) *gitea.Forge {
	t.Helper()
	f, err := gitea.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func signed(event, id, secret string, body []byte) (http.Header, []byte) {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	header := http.Header{}
	header.Set("X-Gitea-Event", event)
	header.Set("X-Gitea-Delivery", id)
	header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	return header, body
}

// What a real Gitea sends is believed and leads where it should.
func TestRealWebhooks(t *testing.T) {
	s := giteaOf(t)
	w := s.repository(t)
	f := open(t, gitea.Config{URL: s.url, Token: s.token, Secret: "secret", Clock: noon, Log: slog.New(slog.DiscardHandler)})
	deliveries := make(chan forge.Delivery, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		d, err := f.Hear(r.Header, body)
		if err != nil {
			t.Errorf("%s: %v", r.Header.Get("X-Gitea-Event"), err)
		}
		deliveries <- d
	}))
	defer receiver.Close()
	w.do("ada", "POST", "/repos/"+w.name+"/hooks", map[string]any{
		"type": "gitea", "active": true, "config": map[string]string{"url": receiver.URL, "content_type": "json", "secret": "secret"},
		"events": []string{"push", "create", "delete", "pull_request", "pull_request_review", "pull_request_comment", "pull_request_label", "pull_request_sync", "issue_comment", "status", "release"},
	}, nil)
	next := func(event string) forge.Delivery {
		t.Helper()
		late := time.After(5 * time.Minute)
		for {
			select {
			case d := <-deliveries:
				if d.ID == "" {
					t.Errorf("%s has no ID", d.Event)
				}
				if d.Event == event {
					return d
				}
			case <-late:
				t.Fatalf("no webhook %s came", event)
			}
		}
	}
	expect := func(event string, want forge.Hint) {
		t.Helper()
		if diff := cmp.Diff([]forge.Hint{want}, next(event).Hints); diff != "" {
			t.Errorf("hints of %s (-want +got):\n%s", event, diff)
		}
	}
	head := w.Push(t, "feature", map[string]string{"a.txt": "a\n"})
	expect("push", forge.Hint{Repository: w.name})
	w.Tag(t, "v1", head, true)
	expect("create", forge.Hint{Repository: w.name})
	number := w.Open(t, "feature", "a feature")
	at := forge.Hint{Repository: w.name, Number: number}
	expect("pull_request", at)
	w.Review(t, number, "approve", "good")
	expect("pull_request_approved", at)
	w.Review(t, number, "reject", "bad")
	expect("pull_request_rejected", at)
	w.Say(t, number, "/slipway check")
	expect("issue_comment", at)
	w.Mark(t, number, "urgent")
	expect("pull_request", at)
	w.Judge(t, head, "scan", "pass", "")
	expect("status", forge.Hint{Repository: w.name, Commit: head})
	w.Drop(t, "feature")
	expect("delete", forge.Hint{Repository: w.name})
}

// git can fetch from the remote with the header, and not without.
func TestRemoteIsReachedByGit(t *testing.T) {
	s := giteaOf(t)
	w := s.repository(t)
	head := w.Push(t, "main", map[string]string{"a.txt": "a\n"})
	f := open(t, gitea.Config{URL: s.url, Token: s.token, Clock: noon, Log: slog.New(slog.DiscardHandler)})
	remote, err := f.Remote(t.Context(), w.name)
	if err != nil {
		t.Fatal(err)
	}
	list := func(header string) (string, error) {
		cmd := exec.Command("git", "ls-remote", remote.URL, "refs/heads/main")
		cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader", "GIT_CONFIG_VALUE_0="+header)
		out, err := cmd.Output()
		return string(out), err
	}
	if out, err := list(remote.Header); err != nil || !strings.HasPrefix(out, head) {
		t.Errorf("git ls-remote says %q, %v", out, err)
	}
	if out, err := list(""); err == nil {
		t.Errorf("without the header git ls-remote says %q", out)
	}
}

// Who was asked for a review is told; somebody who has answered is not.
func TestAskedForReview(t *testing.T) {
	s := giteaOf(t)
	w := s.repository(t)
	w.Push(t, "feature", map[string]string{"a.txt": "a\n"})
	number := w.Open(t, "feature", "a feature")
	f := open(t, gitea.Config{URL: s.url, Token: s.token, Clock: noon, Log: slog.New(slog.DiscardHandler)})
	asked := func() []string {
		t.Helper()
		p, err := f.PullRequest(t.Context(), w.name, number)
		if err != nil {
			t.Fatal(err)
		}
		return p.Asked
	}
	w.Ask(t, number)
	if diff := cmp.Diff([]string{"ada"}, asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	w.Review(t, number, "approve", "good")
	if diff := cmp.Diff([]string(nil), asked()); diff != "" {
		t.Errorf("after the answer (-want +got):\n%s", diff)
	}
}

// A user without the right to publish is told what is lacking.
func TestLackOfPermission(t *testing.T) {
	s := giteaOf(t)
	w := s.repository(t)
	head := w.Push(t, "feature", map[string]string{"a.txt": "a\n"})
	var token struct{ SHA1 string }
	w.do("eve", "POST", "/users/eve/tokens", map[string]any{"name": w.name, "scopes": []string{"read:repository", "read:user"}}, &token)
	f := open(t, gitea.Config{URL: s.url, Token: token.SHA1, Clock: noon, Log: slog.New(slog.DiscardHandler)})
	err := f.Report(t.Context(), w.name, head, []slipway.Status{{Name: "x", State: "pass"}})
	if slipway.KindOf(err) != slipway.Denied || !strings.Contains(err.Error(), "does not let the token write the commit statuses of "+w.name+": ") ||
		slipway.FixOf(err) != "give the token the scopes that docs/forges.md lists, and make its user an administrator of the repository" {
		t.Errorf("got %v (%s)", err, slipway.FixOf(err))
	}
}

// Without a header the quiet is a minute.
func TestRateLimit(t *testing.T) {
	for header, want := range map[string]string{"": "12:01:00", "90": "12:01:30"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		defer server.Close()
		_, err := open(t, gitea.Config{URL: server.URL, Token: "t", Clock: noon, Log: slog.New(slog.DiscardHandler)}).Self(t.Context())
		message := strings.TrimPrefix(server.URL, "http://") + " has answered as many requests as it does for now: try again after 2026-11-23 " + want + " UTC"
		if slipway.KindOf(err) != slipway.Busy || err.Error() != message || slipway.FixOf(err) != "nothing has to be done. If it happens often, raise the limit for the token's user" {
			t.Errorf("got %v (%s)", err, slipway.FixOf(err))
		}
	}
}

func TestNewErrors(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, tt := range []struct {
		config       gitea.Config
		message, fix string
	}{
		{gitea.Config{URL: "codeberg.org", Token: "t", Clock: noon, Log: log}, `"codeberg.org" is not the URL of a Gitea or Forgejo`, "write it as in the browser, such as https://codeberg.org"},
		{gitea.Config{URL: "https://codeberg.org", Clock: noon, Log: log}, "codeberg.org is set up without a token", "make one at Gitea for a user of Slipway's own: Settings, Applications (docs/forges.md)"},
		{gitea.Config{URL: "https://codeberg.org", Token: "t", Repositories: []string{"x"}, Clock: noon, Log: log}, `"x" is no repository of Gitea`, "write OWNER/NAME, or OWNER/* for all of an owner's"},
	} {
		_, err := gitea.New(tt.config)
		if slipway.KindOf(err) != slipway.Invalid || err.Error() != tt.message || slipway.FixOf(err) != tt.fix {
			t.Errorf("got %v (%s), want %s (%s)", err, slipway.FixOf(err), tt.message, tt.fix)
		}
	}
}

// Forgejo signs with a header of its own, and Gitea calls a review by its verdict.
func TestHear(t *testing.T) {
	f := open(t, gitea.Config{URL: "https://codeberg.org", Token: "t", Secret: "secret", Repositories: []string{"acme/*"}, Clock: noon, Log: slog.New(slog.DiscardHandler)})
	for _, tt := range []struct {
		event, body string
		want        []forge.Hint
	}{
		{"push", `{"repository": {"full_name": "acme/traffic"}}`, []forge.Hint{{Repository: "acme/traffic"}}},
		{"push", `{"repository": {"full_name": "globex/traffic"}}`, nil},
		{"pull_request_comment", `{"repository": {"full_name": "acme/traffic"}, "pull_request": {"number": 7}}`, []forge.Hint{{Repository: "acme/traffic", Number: 7}}},
		{"issue_comment", `{"repository": {"full_name": "acme/traffic"}, "issue": {"number": 7}}`, nil},
		{"issue_comment", `{"repository": {"full_name": "acme/traffic"}, "issue": {"number": 7}, "is_pull": true}`, []forge.Hint{{Repository: "acme/traffic", Number: 7}}},
		{"workflow_run", `{"repository": {"full_name": "acme/traffic"}, "workflow_run": {"head_sha": "abc"}}`, []forge.Hint{{Repository: "acme/traffic", Commit: "abc"}}},
		{"repository", `{"action": "created", "repository": {"full_name": "acme/new"}}`, []forge.Hint{{}}},
		{"wiki", `{"repository": {"full_name": "acme/traffic"}}`, nil},
	} {
		header, body := signed(tt.event, "1", "secret", []byte(tt.body))
		forgejo := http.Header{}
		for _, name := range []string{"Event", "Delivery", "Signature"} {
			forgejo.Set("X-Forgejo-"+name, header.Get("X-Gitea-"+name))
		}
		for _, header := range []http.Header{header, forgejo} {
			got, err := f.Hear(header, body)
			if diff := cmp.Diff(forge.Delivery{ID: "1", Event: tt.event, Hints: tt.want}, got); diff != "" || err != nil {
				t.Errorf("%s %s, %v (-want +got):\n%s", tt.event, tt.body, err, diff)
			}
		}
	}
}

func FuzzHear(f *testing.F) {
	g := open(f, gitea.Config{URL: "https://codeberg.org", Token: "t", Secret: "secret", Clock: noon, Log: slog.New(slog.DiscardHandler)})
	f.Add("push", []byte(`{"repository": {"full_name": "acme/traffic"}}`))
	f.Add("pull_request", []byte(`{"repository": {"full_name": "acme/traffic"}, "number": 3}`))
	f.Add("status", []byte(`{"repository": {"full_name": "acme/traffic"}, "sha": "abc"}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		header, body := signed(event, "1", "secret", body)
		got, err := g.Hear(header, body)
		if err != nil && slipway.KindOf(err) != slipway.Invalid || err == nil && !json.Valid(body) {
			t.Errorf("%v (%s)", err, slipway.KindOf(err))
		}
		for _, hint := range got.Hints {
			if hint.Repository != "" && strings.Count(hint.Repository, "/") != 1 {
				t.Errorf("a hint at %q", hint.Repository)
			}
		}
	})
}
