package github_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/forge/github/githubtest"
)

// hinting says, for each event of GitHub, where its deliveries lead.
var hinting = map[string]string{
	"push": "refs", "create": "refs", "delete": "refs", "release": "refs", "merge_group": "refs", "label": "refs",
	"pull_request": "pull request", "pull_request_review": "pull request", "pull_request_review_comment": "pull request",
	"pull_request_review_thread": "pull request",
	"issue_comment":              "pull request, if it is one",
	"status":                     "commit", "check_run": "commit", "check_suite": "commit", "workflow_run": "commit",
	"repository": "all", "public": "all", "installation": "all", "installation_repositories": "all", "member": "all",
	"membership": "all", "team": "all", "team_add": "all", "organization": "all", "meta": "all",
}

// Each example payload that GitHub's users collected leads where it should, and
// nothing of it is lost: what is looked for is read from the payload in another way.
func TestEveryExampleWebhook(t *testing.T) {
	f := open(t, config(githubtest.Start(t), withToken))
	seen := 0
	for event, examples := range githubtest.Webhooks(t) {
		for i, body := range examples {
			seen++
			header, body := signed(event, "d-1", "secret", body)
			got, err := f.Hear(header, body)
			if err != nil {
				t.Errorf("%s %d: %v", event, i, err)
				continue
			}
			want := forge.Delivery{ID: "d-1", Event: event, Hints: wanted(t, event, body)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %d (-want +got):\n%s", event, i, diff)
			}
		}
	}
	if seen != 329 {
		t.Errorf("there are %d examples, want 329", seen)
	}
}

func wanted(t *testing.T, event string, body []byte) []forge.Hint {
	t.Helper()
	var payload map[string]any
	if err := json.Unmarshal(body, &payload); err != nil {
		t.Fatal(err)
	}
	repository, _ := dig(payload, "repository", "full_name").(string)
	switch hinting[event] {
	case "refs":
		return []forge.Hint{{Repository: repository}}
	case "pull request":
		return []forge.Hint{{Repository: repository, Number: int(dig(payload, "pull_request", "number").(float64))}}
	case "pull request, if it is one":
		if dig(payload, "issue", "pull_request") == nil {
			return nil
		}
		return []forge.Hint{{Repository: repository, Number: int(dig(payload, "issue", "number").(float64))}}
	case "commit":
		commit, ok := payload["sha"].(string)
		if !ok {
			commit = dig(payload, event, "head_sha").(string)
		}
		return []forge.Hint{{Repository: repository, Commit: commit}}
	case "all":
		return []forge.Hint{{}}
	}
	return nil
}

func dig(value any, keys ...string) any {
	for _, key := range keys {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

func TestHearIsAboutOurRepositoriesOnly(t *testing.T) {
	c := config(githubtest.Start(t), withToken)
	c.Repositories = []string{"acme/*", "other/One"}
	f := open(t, c)
	for name, ours := range map[string]bool{"acme/traffic": true, "ACME/traffic": true, "other/one": true, "other/two": false, "acme2/traffic": false, "../x": false} {
		header, body := signed("push", "1", "secret", []byte(`{"repository": {"full_name": "`+name+`"}}`))
		got, err := f.Hear(header, body)
		if err != nil || (len(got.Hints) == 1) != ours {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestHearReadsForms(t *testing.T) {
	f := open(t, config(githubtest.Start(t), withToken))
	form := url.Values{"payload": {`{"repository": {"full_name": "acme/traffic"}, "pull_request": {"number": 7}}`}}.Encode()
	header, body := signed("pull_request", "1", "secret", []byte(form))
	header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	got, err := f.Hear(header, body)
	if diff := cmp.Diff([]forge.Hint{{Repository: "acme/traffic", Number: 7}}, got.Hints); diff != "" || err != nil {
		t.Errorf("hints, %v (-want +got):\n%s", err, diff)
	}
}

func TestHearErrors(t *testing.T) {
	server := githubtest.Start(t)
	f := open(t, config(server, withToken))
	header, body := signed("push", "1", "secret", []byte(`{"repository": 1`))
	_, err := f.Hear(header, body)
	wantError(t, err, slipway.Invalid, "a webhook push cannot be read: unexpected end of JSON input", "")
	header.Del("X-GitHub-Delivery")
	_, err = f.Hear(header, body)
	wantError(t, err, slipway.Invalid, "a webhook does not say what it is: X-GitHub-Delivery and X-GitHub-Event are needed", "")
	c := config(server, withToken)
	c.Secret = ""
	_, err = open(t, c).Hear(header, body)
	host := strings.TrimPrefix(server.URL, "http://")
	wantError(t, err, slipway.Denied, "no webhook of "+host+" is believed: no secret is set for them", "set the same secret here and at GitHub, in the webhook's settings")
}

// wantError wants an error of a kind with this message and way out.
func wantError(t *testing.T, err error, kind slipway.Kind, message, fix string) {
	t.Helper()
	if err == nil || slipway.KindOf(err) != kind || err.Error() != message || slipway.FixOf(err) != fix {
		t.Errorf("got %v (%s; %s)\nwant %s (%s; %s)", err, slipway.KindOf(err), slipway.FixOf(err), message, kind, fix)
	}
}

func FuzzHear(f *testing.F) {
	for event, examples := range githubtest.Webhooks(f) {
		if _, ok := hinting[event]; ok {
			f.Add(event, []byte(examples[0]))
		}
	}
	g := open(f, config(githubtest.Start(f), withToken))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		header, body := signed(event, "1", "secret", body)
		got, err := g.Hear(header, body)
		if err != nil && slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("%v (%s)", err, slipway.KindOf(err))
		}
		for _, hint := range got.Hints {
			if hint.Repository != "" && strings.Count(hint.Repository, "/") != 1 {
				t.Errorf("a hint at %q", hint.Repository)
			}
		}
		if _, err := g.Hear(http.Header{}, body); slipway.KindOf(err) != slipway.Denied {
			t.Errorf("without a signature: %v", err)
		}
	})
}
