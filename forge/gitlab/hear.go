package gitlab

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// mostApart is how far the time of a signature may be from ours.
const mostApart = 5 * time.Minute

// Hear verifies a webhook by its signature, which GitLab makes where a signing token is
// set (webhook-signature), or by its secret token (X-Gitlab-Token), which proves
// nothing of the body.
func (f *Forge) Hear(header http.Header, body []byte) (forge.Delivery, error) {
	if f.config.Secret == "" {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "no webhook of %s is believed: no secret is set for them", f.host).
			WithFix("set the same secret here and at GitLab, as the webhook's signing token")
	}
	if err := f.verify(header, body); err != nil {
		return forge.Delivery{}, err
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return forge.Delivery{}, slipway.Errorf(slipway.Invalid, "a webhook %s cannot be read: %w", header.Get("X-Gitlab-Event"), err)
	}
	d := forge.Delivery{ID: idOf(header, body), Event: cmp.Or(e.ObjectKind, e.EventName)}
	if d.ID == "" || d.Event == "" {
		return forge.Delivery{}, slipway.Errorf(slipway.Invalid, "a webhook does not say what it is: Idempotency-Key or X-Gitlab-Event-UUID, and object_kind or event_name are needed")
	}
	if everywhere(d.Event) {
		d.Hints = []forge.Hint{{}}
	} else if h, ok := e.hint(d.Event); ok && validProject(h.Repository) && f.wanted(h.Repository) {
		d.Hints = []forge.Hint{h}
	}
	return d, nil
}

// idOf is what a delivery keeps when it is sent again. Older servers tell only which
// event it is of, and that is the same for all that one webhook leads to.
func idOf(header http.Header, body []byte) string {
	if id := cmp.Or(header.Get("Webhook-Id"), header.Get("Idempotency-Key")); id != "" {
		return id
	}
	event := header.Get("X-Gitlab-Event-UUID")
	if event == "" {
		return ""
	}
	sum := sha256.Sum256(body)
	return event + "-" + hex.EncodeToString(sum[:8])
}

func (f *Forge) verify(header http.Header, body []byte) error {
	signature, token := header.Get("Webhook-Signature"), header.Get("X-Gitlab-Token")
	switch {
	case signature != "":
		return f.verifySignature(header, signature, body)
	case token == "":
		return slipway.Errorf(slipway.Denied, "a webhook has no signature").
			WithFix("set the secret at GitLab as well, as the webhook's signing token")
	case subtle.ConstantTimeCompare([]byte(token), []byte(f.config.Secret)) != 1:
		return slipway.Errorf(slipway.Denied, "a webhook has a wrong secret token").
			WithFix("if it comes from %s, set the same secret here and in the webhook's settings", f.host)
	}
	return nil
}

// verifySignature does as Standard Webhooks says: HMAC-SHA256 over the ID, the time and
// the body. There may be several signatures, while a token is replaced.
func (f *Forge) verifySignature(header http.Header, signatures string, body []byte) error {
	id, stamp := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	for _, key := range keysOf(f.config.Secret) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for one := range strings.FieldsSeq(signatures) {
			encoded, ok := strings.CutPrefix(one, "v1,")
			got, err := base64.StdEncoding.DecodeString(encoded)
			if ok && err == nil && hmac.Equal(got, want) {
				return f.verifyTime(stamp)
			}
		}
	}
	return slipway.Errorf(slipway.Denied, "a webhook has a wrong signature").
		WithFix("if it comes from %s, set the same secret here and as the webhook's signing token", f.host)
}

// keysOf are the keys that a signing token may stand for. Standard Webhooks writes one
// in base64 behind whsec_.
func keysOf(secret string) [][]byte {
	keys := [][]byte{[]byte(secret)}
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if key, err := base64.StdEncoding.DecodeString(encoded); err == nil && len(key) > 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

func (f *Forge) verifyTime(stamp string) error {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if apart := f.config.Clock().Sub(time.Unix(seconds, 0)); err == nil && apart.Abs() <= mostApart {
		return nil
	}
	return slipway.Errorf(slipway.Denied, "a webhook was signed at another time than now: webhook-timestamp is %q", stamp).
		WithFix("set the clocks of GitLab and of this machine; what it told of is found by itself")
}

// An event is as much of a webhook as says where to look.
type event struct {
	ObjectKind string `json:"object_kind"`
	EventName  string `json:"event_name"`
	Project    struct {
		Path string `json:"path_with_namespace"`
	} `json:"project"`
	SHA        string `json:"sha"` // of a job
	Attributes struct {
		IID    int    `json:"iid"`
		SHA    string `json:"sha"` // of a pipeline
		Target struct {
			Path string `json:"path_with_namespace"`
		} `json:"target"`
	} `json:"object_attributes"`
	MergeRequest struct {
		IID    int `json:"iid"`
		Target struct {
			Path string `json:"path_with_namespace"`
		} `json:"target"`
	} `json:"merge_request"`
}

// UnmarshalJSON reads what is there of the fields; the same name stands for other
// things in other events.
func (e *event) UnmarshalJSON(data []byte) error {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	for name, field := range map[string]any{
		"object_kind": &e.ObjectKind, "event_name": &e.EventName, "project": &e.Project, "sha": &e.SHA,
		"object_attributes": &e.Attributes, "merge_request": &e.MergeRequest,
	} {
		_ = json.Unmarshal(parts[name], field) // what is something else says nothing
	}
	return nil
}

// everywhere says whether an event is one after which to look at everything: who is in
// which group, and which projects there are, may have changed.
func everywhere(event string) bool {
	for _, prefix := range []string{"user_", "group_", "subgroup_", "project_"} {
		if strings.HasPrefix(event, prefix) {
			return true
		}
	}
	return false
}

// hint is where to look.
func (e event) hint(name string) (forge.Hint, bool) {
	repository := e.Project.Path
	switch name {
	case "push", "tag_push", "release", "repository_update":
		return forge.Hint{Repository: repository}, true
	case "merge_request":
		return forge.Hint{Repository: cmp.Or(e.Attributes.Target.Path, repository), Number: e.Attributes.IID}, true
	case "note":
		return forge.Hint{Repository: cmp.Or(e.MergeRequest.Target.Path, repository), Number: e.MergeRequest.IID}, e.MergeRequest.IID != 0
	case "pipeline":
		return forge.Hint{Repository: repository, Commit: e.Attributes.SHA}, e.Attributes.SHA != ""
	case "build":
		return forge.Hint{Repository: repository, Commit: e.SHA}, e.SHA != ""
	}
	return forge.Hint{}, false
}
