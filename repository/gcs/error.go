package gcs

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/slipway-cd/slipway/repository/rest"
)

//nolint:gochecknoglobals // immutable
var (
	permission = regexp.MustCompile(`\b(storage|cloudkms)\.[A-Za-z]+\.[A-Za-z]+`)

	// roles are those that have what a deed needs, and little more.
	roles = map[rest.Deed][2]string{
		rest.Reading:   {"storage.objects.get", "roles/storage.objectViewer"},
		rest.Writing:   {"storage.objects.create", "roles/storage.objectCreator"},
		rest.Replacing: {"storage.objects.delete", "roles/storage.objectUser"},
		rest.Listing:   {"storage.objects.list", "roles/storage.objectViewer"},
	}
)

// refused reads an answer that is none of success.
func (s *store) refused(d rest.Deed, status int, _ http.Header, body []byte) *rest.Refusal {
	r := &rest.Refusal{Said: said(body)}
	switch {
	case status == http.StatusPreconditionFailed:
		r.Reason, r.Why = rest.Moved, "the condition is not met"
	case status == http.StatusNotFound && s.isObject(d, r.Said):
		r.Reason, r.Why = rest.Missing, "there is no such object"
		if d == rest.Replacing {
			r.Reason = rest.Moved
		}
	case status == http.StatusNotFound:
		r.Why, r.Fix = "there is no such bucket", "make the bucket "+s.bucket+", or correct the environment's repository"
	case status == http.StatusForbidden:
		r.Why, r.Fix = "access is denied", s.permit(d, r.Said)
	case status == http.StatusUnauthorized:
		r.Why = "the credentials are refused"
		r.Fix = "sign in to Google Cloud again (`gcloud auth application-default login`), or correct the credentials"
	case status == http.StatusTooManyRequests:
		r.Why, r.Fix = "it is asked too often, or the same object is written more than once a second", "call again"
	case status == http.StatusRequestEntityTooLarge:
		r.Why, r.Fix = "the object is larger than one request may be", "keep artifacts below 5 TB"
	case status == http.StatusBadRequest && isDamaged(r.Said):
		r.Why, r.Fix = "other bytes arrived than were sent", "call again"
	default:
		r.Why, r.Fix = "the store answers "+http.StatusText(status), "call again; if it stays so, ask those who run the store"
	}
	return r
}

// isObject tells an object that is not there from a bucket that is not.
func (s *store) isObject(d rest.Deed, said string) bool {
	switch {
	case strings.Contains(said, "bucket does not exist"):
		return false
	case strings.HasPrefix(said, "No such object"):
		return true
	}
	return d == rest.Reading
}

func isDamaged(said string) bool {
	said = strings.ToLower(said)
	return strings.Contains(said, "md5") || strings.Contains(said, "crc32c")
}

// permit says which permission is missing: the one that the answer names, or the one
// that the deed needs.
func (s *store) permit(d rest.Deed, said string) string {
	need, role := roles[d][0], roles[d][1]
	named := permission.FindString(said)
	if strings.HasPrefix(named, "cloudkms.") {
		return "let the store's own service account use the key that encrypts the bucket: " + named
	}
	for _, r := range roles {
		if r[0] == named {
			need, role = r[0], r[1]
		}
	}
	return "give these credentials " + need + " on the bucket " + s.bucket + ", which is in " + role
}

// said are the store's words: JSON, and plain text where bytes were asked for.
func said(body []byte) string {
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error.Message != "" {
		return answer.Error.Message
	}
	text, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if strings.HasPrefix(text, "<") {
		return ""
	}
	return text
}
