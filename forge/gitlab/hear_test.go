package gitlab_test

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/gitlab"
	"github.com/slipway-cd/slipway/forge/gitlab/gitlabtest"
)

func listener(t testing.TB, secret string, repositories ...string) *gitlab.Forge {
	t.Helper()
	return open(t, gitlab.Config{URL: "https://gitlab.example.com", Token: "t", Secret: secret, Repositories: repositories, Clock: newNoon().now, Log: slog.New(slog.DiscardHandler)})
}

// Every example that GitLab's own client is tested with is read, and leads where it
// should. One that is not named here leads nowhere.
func TestHearExamples(t *testing.T) {
	all := []forge.Hint{{}}
	want := map[string][]forge.Hint{
		"webhooks/push.json":                  {{Repository: "mike/diaspora"}},
		"webhooks/tag_push.json":              {{Repository: "jsmith/example"}},
		"webhooks/release.json":               {{Repository: "exm-namespace/example-project"}},
		"webhooks/merge_request.json":         {{Repository: "awesome_space/awesome_project", Number: 1}},
		"webhooks/service_merge_request.json": {{Repository: "test/woodpecker", Number: 2}},
		"webhooks/group_merge_request.json":   {{Repository: "exm-namespace/example-project"}}, // an older one, without its number
		"webhooks/note_merge_request.json":    {{Repository: "gitlab-org/gitlab-test", Number: 1}},
		"webhooks/pipeline.json":              {{Repository: "gitlab-org/gitlab-test", Commit: "bcbb5ec396a2c0f828686f14fac9b80b780504f2"}},
		"webhooks/job.json":                   {{Repository: "gitlab-org/gitlab-test", Commit: "95d49d1efbd941908580e79d65e4b5ecaf4a8305"}},
		"webhooks/member.json":                all,
		"webhooks/project.json":               all,
		"webhooks/subgroup.json":              all,
		"systemhooks/push.json":               {{Repository: "mike/diaspora"}},
		"systemhooks/tag_push.json":           {{Repository: "jsmith/example"}},
		"systemhooks/repository_update.json":  {{Repository: "jsmith/example"}},
		"systemhooks/merge_request.json":      {{Repository: "awesome_space/awesome_project", Number: 1}},
	}
	f := listener(t, "secret")
	for file, body := range gitlabtest.Webhooks(t) {
		header := http.Header{}
		header.Set("X-Gitlab-Token", "secret")
		header.Set("X-Gitlab-Event-UUID", "13792a34-cac6-4fda-95a8-c58e00a3954e")
		got, err := f.Hear(header, body)
		if err != nil || got.ID == "" || got.Event == "" {
			t.Errorf("%s: %+v, %v", file, got, err)
		}
		expected := want[file]
		if strings.HasPrefix(file, "systemhooks/group_") || strings.HasPrefix(file, "systemhooks/project_") || strings.HasPrefix(file, "systemhooks/user_") {
			expected = all
		}
		if diff := cmp.Diff(expected, got.Hints); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
		delete(want, file)
	}
	for file := range want {
		t.Errorf("there is no example %s", file)
	}
}

// Projects that this forge was not set up for are not looked at.
func TestHearWanted(t *testing.T) {
	f := listener(t, "secret", "acme/*", "globex/one")
	for path, want := range map[string][]forge.Hint{
		"acme/traffic":     {{Repository: "acme/traffic"}},
		"acme/sub/traffic": {{Repository: "acme/sub/traffic"}},
		"globex/one":       {{Repository: "globex/one"}},
		"globex/two":       nil,
		"acmes/traffic":    nil,
		"../../etc":        nil,
		"":                 nil,
	} {
		header, body := signed("1", "secret", newNoon().at, []byte(`{"object_kind": "push", "project": {"path_with_namespace": "`+path+`"}}`))
		got, err := f.Hear(header, body)
		if diff := cmp.Diff(want, got.Hints); diff != "" || err != nil {
			t.Errorf("%s, %v (-want +got):\n%s", path, err, diff)
		}
	}
}

func TestHearRefuses(t *testing.T) {
	body := []byte(`{"object_kind": "push", "project": {"path_with_namespace": "acme/traffic"}}`)
	at := newNoon().at
	for _, tt := range []struct {
		name, secret string
		header       func(http.Header)
		message, fix string
	}{
		{"no secret", "", func(http.Header) {}, "no webhook of gitlab.example.com is believed: no secret is set for them", "set the same secret here and at GitLab, as the webhook's signing token"},
		{"a wrong token", "secret", func(h http.Header) { h.Del("webhook-signature"); h.Set("X-Gitlab-Token", "other") }, "a webhook has a wrong secret token", "if it comes from gitlab.example.com, set the same secret here and in the webhook's settings"},
		{"a right token with a wrong signature", "secret", func(h http.Header) { h.Set("webhook-signature", "v1,AAAA"); h.Set("X-Gitlab-Token", "secret") }, "a webhook has a wrong signature", "if it comes from gitlab.example.com, set the same secret here and as the webhook's signing token"},
		{"another ID", "secret", func(h http.Header) { h.Set("webhook-id", "2") }, "a webhook has a wrong signature", "if it comes from gitlab.example.com, set the same secret here and as the webhook's signing token"},
	} {
		header, body := signed("1", "secret", at, body)
		tt.header(header)
		_, err := listener(t, tt.secret).Hear(header, body)
		if slipway.KindOf(err) != slipway.Denied || err.Error() != tt.message || slipway.FixOf(err) != tt.fix {
			t.Errorf("%s: got %v (%s)", tt.name, err, slipway.FixOf(err))
		}
	}
	for _, apart := range []time.Duration{-6 * time.Minute, 6 * time.Minute} {
		header, body := signed("1", "secret", at.Add(apart), body)
		_, err := listener(t, "secret").Hear(header, body)
		want := `a webhook was signed at another time than now: webhook-timestamp is "` + header.Get("webhook-timestamp") + `"`
		if slipway.KindOf(err) != slipway.Denied || err.Error() != want || slipway.FixOf(err) != "set the clocks of GitLab and of this machine; what it told of is found by itself" {
			t.Errorf("got %v (%s)", err, slipway.FixOf(err))
		}
	}
}

// What is believed and is nothing that GitLab sends is refused.
func TestHearInvalid(t *testing.T) {
	header, _ := signed("1", "secret", newNoon().at, nil)
	header.Del("webhook-signature")
	header.Set("X-Gitlab-Token", "secret")
	_, err := listener(t, "secret").Hear(header, []byte("<html>"))
	if slipway.KindOf(err) != slipway.Invalid || !strings.HasPrefix(err.Error(), "a webhook Push Hook cannot be read: ") {
		t.Errorf("got %v", err)
	}
	_, err = listener(t, "secret").Hear(header, []byte("{}"))
	if want := "a webhook does not say what it is: Idempotency-Key or X-Gitlab-Event-UUID, and object_kind or event_name are needed"; slipway.KindOf(err) != slipway.Invalid || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A signing token may be written as Standard Webhooks has it, and while it is replaced
// there are two signatures.
func TestHearSigningToken(t *testing.T) {
	key := "a key of thirty-two bytes, or so."
	token := "whsec_" + base64.StdEncoding.EncodeToString([]byte(key))
	header, body := signed("1", key, newNoon().at, []byte(`{"object_kind": "push", "project": {"path_with_namespace": "acme/traffic"}}`))
	header.Set("webhook-signature", "v1a,xyz v1,AAAA "+header.Get("webhook-signature"))
	got, err := listener(t, token).Hear(header, body)
	if diff := cmp.Diff(forge.Delivery{ID: "1", Event: "push", Hints: []forge.Hint{{Repository: "acme/traffic"}}}, got); diff != "" || err != nil {
		t.Errorf("Hear, %v (-want +got):\n%s", err, diff)
	}
}

// One webhook leads to another, and GitLab calls both events the same: they are no
// replays of each other, where older servers send no Idempotency-Key.
func TestHearOlderServers(t *testing.T) {
	f := listener(t, "secret")
	id := func(body string) string {
		t.Helper()
		header := http.Header{}
		header.Set("X-Gitlab-Token", "secret")
		header.Set("X-Gitlab-Event-UUID", "13792a34")
		d, err := f.Hear(header, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	first, again, other := id(`{"object_kind": "push"}`), id(`{"object_kind": "push"}`), id(`{"object_kind": "note"}`)
	if first != again || first == other {
		t.Errorf("the IDs are %q, %q again, and %q of another", first, again, other)
	}
}

func FuzzHear(f *testing.F) {
	g := listener(f, "secret")
	for _, body := range gitlabtest.Webhooks(f) {
		f.Add(body)
	}
	f.Add([]byte(`{"object_kind": "merge_request", "project": 3, "object_attributes": []}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		header, body := signed("1", "secret", newNoon().at, body)
		got, err := g.Hear(header, body)
		if err != nil && slipway.KindOf(err) != slipway.Invalid || err == nil && !json.Valid(body) {
			t.Errorf("%v (%s)", err, slipway.KindOf(err))
		}
		for _, hint := range got.Hints {
			if hint != (forge.Hint{}) && (!strings.Contains(hint.Repository, "/") || strings.Contains(hint.Repository, "..")) {
				t.Errorf("a hint at %+v", hint)
			}
		}
	})
}
