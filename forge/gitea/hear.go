package gitea

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// Hear verifies X-Gitea-Signature or X-Forgejo-Signature. A delivery has an ID of its
// own, which it keeps when it is sent again.
func (f *Forge) Hear(header http.Header, body []byte) (forge.Delivery, error) {
	if f.config.Secret == "" {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "no webhook of %s is believed: no secret is set for them", f.host).
			WithFix("set the same secret here and at Gitea, in the webhook's settings")
	}
	signature, err := hex.DecodeString(either(header, "Signature"))
	if err != nil || len(signature) == 0 {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "a webhook has no signature").
			WithFix("set the secret at Gitea as well, in the webhook's settings")
	}
	mac := hmac.New(sha256.New, []byte(f.config.Secret))
	mac.Write(body)
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "a webhook has a wrong signature").
			WithFix("if it comes from %s, set the same secret here and in the webhook's settings", f.host)
	}
	d := forge.Delivery{ID: either(header, "Delivery"), Event: either(header, "Event")}
	if d.ID == "" || d.Event == "" {
		return forge.Delivery{}, slipway.Errorf(slipway.Invalid, "a webhook does not say what it is: X-Gitea-Delivery and X-Gitea-Event are needed")
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
	if h, ok := e.hint(d.Event); ok && (h.Repository == "" || f.wanted(h.Repository)) {
		d.Hints = []forge.Hint{h}
	}
	return d, nil
}

// either is the header of Gitea or of Forgejo, which sends both.
func either(header http.Header, name string) string {
	if value := header.Get("X-Forgejo-" + name); value != "" {
		return value
	}
	return header.Get("X-Gitea-" + name)
}

// An event is as much of a webhook as says where to look.
type event struct {
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
	Number      int  `json:"number"`
	IsPull      bool `json:"is_pull"`
	PullRequest struct {
		Number int `json:"number"`
	} `json:"pull_request"`
	Issue struct {
		Number int `json:"number"`
	} `json:"issue"`
	SHA         string `json:"sha"`
	WorkflowRun struct {
		HeadSHA string `json:"head_sha"`
	} `json:"workflow_run"`
}

func (e event) hint(name string) (forge.Hint, bool) {
	repository := e.Repository.FullName
	known := repositoryName.MatchString(repository)
	switch {
	case name == "repository":
		return forge.Hint{}, true
	case name == "push" || name == "create" || name == "delete" || name == "release":
		return forge.Hint{Repository: repository}, known
	case name == "pull_request" || strings.HasPrefix(name, "pull_request_"):
		number := e.Number
		if number == 0 {
			number = e.PullRequest.Number
		}
		return forge.Hint{Repository: repository, Number: number}, known
	case name == "issue_comment":
		return forge.Hint{Repository: repository, Number: e.Issue.Number}, known && e.IsPull
	case name == "status":
		return forge.Hint{Repository: repository, Commit: e.SHA}, known && e.SHA != ""
	case name == "workflow_run":
		return forge.Hint{Repository: repository, Commit: e.WorkflowRun.HeadSHA}, known && e.WorkflowRun.HeadSHA != ""
	}
	return forge.Hint{}, false
}
