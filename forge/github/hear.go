package github

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v84/github"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// Hear verifies X-Hub-Signature-256. A delivery has its ID in X-GitHub-Delivery,
// which GitHub keeps when it is sent again.
func (f *Forge) Hear(header http.Header, body []byte) (forge.Delivery, error) {
	if f.config.Secret == "" {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "no webhook of %s is believed: no secret is set for them", f.site.host).
			WithFix("set the same secret here and at GitHub, in the webhook's settings")
	}
	signature := header.Get("X-Hub-Signature-256")
	if !strings.HasPrefix(signature, "sha256=") {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "a webhook has no signature").
			WithFix("set the secret at GitHub as well, in the webhook's settings")
	}
	if github.ValidateSignature(signature, body, []byte(f.config.Secret)) != nil {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "a webhook has a wrong signature").
			WithFix("if it comes from %s, set the same secret here and in the webhook's settings", f.site.host)
	}
	d := forge.Delivery{ID: header.Get("X-GitHub-Delivery"), Event: header.Get("X-GitHub-Event")}
	if d.ID == "" || d.Event == "" {
		return forge.Delivery{}, slipway.Errorf(slipway.Invalid, "a webhook does not say what it is: X-GitHub-Delivery and X-GitHub-Event are needed")
	}
	if strings.HasPrefix(header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return forge.Delivery{}, slipway.Errorf(slipway.Invalid, "a webhook cannot be read: %w", err)
		}
		body = []byte(form.Get("payload"))
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return forge.Delivery{}, slipway.Errorf(slipway.Invalid, "a webhook %s cannot be read: %w", d.Event, err)
	}
	d.Hints = f.wantedOnly(e.hints(d.Event))
	return d, nil
}

// wantedOnly drops the hints at repositories that are not ours.
func (f *Forge) wantedOnly(hints []forge.Hint) []forge.Hint {
	var kept []forge.Hint
	for _, h := range hints {
		if h.Repository == "" || f.wanted(h.Repository) {
			kept = append(kept, h)
		}
	}
	return kept
}

// An event is as much of a webhook as says where to look.
type event struct {
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
	PullRequest numbered `json:"pull_request"`
	Issue       struct {
		numbered
		PullRequest *struct{} `json:"pull_request"`
	} `json:"issue"`
	SHA         string `json:"sha"`
	CheckRun    headed `json:"check_run"`
	CheckSuite  headed `json:"check_suite"`
	WorkflowRun headed `json:"workflow_run"`
}

type numbered struct {
	Number int `json:"number"`
}

type headed struct {
	HeadSHA string `json:"head_sha"`
}

func (e event) hints(name string) []forge.Hint {
	repository := e.Repository.FullName
	switch name {
	case "push", "create", "delete", "release", "merge_group", "label":
		return hint(repository, 0, "")
	case "pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_review_thread":
		return hint(repository, e.PullRequest.Number, "")
	case "issue_comment":
		if e.Issue.PullRequest == nil {
			return nil
		}
		return hint(repository, e.Issue.Number, "")
	case "status", "check_run", "check_suite", "workflow_run":
		return hint(repository, 0, cmp.Or(e.SHA, e.CheckRun.HeadSHA, e.CheckSuite.HeadSHA, e.WorkflowRun.HeadSHA))
	case "repository", "public", "installation", "installation_repositories", "installation_target",
		"member", "membership", "team", "team_add", "organization", "meta":
		return []forge.Hint{{}}
	}
	return nil
}

// hint is nothing where the webhook does not say which repository it is about.
func hint(repository string, number int, commit string) []forge.Hint {
	if !repositoryName.MatchString(repository) {
		return nil
	}
	return []forge.Hint{{Repository: repository, Number: number, Commit: commit}}
}
