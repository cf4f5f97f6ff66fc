package azure

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/slipway-cd/slipway/repository/rest"
)

// refused reads an answer that is none of success.
func (s *store) refused(d rest.Deed, status int, h http.Header, body []byte, account string) *rest.Refusal {
	code, said := read(h, body)
	r := &rest.Refusal{Said: said}
	switch { // what has more than one code
	case strings.HasPrefix(said, "Server failed to authenticate"):
		code = "AuthenticationFailed"
	case strings.Contains(strings.ToLower(said), "md5"):
		code = "Md5Mismatch"
	}
	switch code {
	case "BlobAlreadyExists", "ConditionNotMet", "TargetConditionNotMet", "UnauthorizedBlobOverwrite":
		r.Reason, r.Why = rest.Moved, "the condition is not met"
	case "BlobNotFound":
		r.Reason, r.Why = rest.Missing, "there is no such object"
	case "ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled":
		r.Why, r.Fix = "there is no such container", "make the container "+s.container+" in the account "+account+", or correct the environment's repository"
	case "AuthorizationPermissionMismatch", "InsufficientAccountPermissions", "AuthorizationServiceMismatch", "AuthorizationResourceTypeMismatch":
		r.Why, r.Fix = "access is denied", "give these credentials "+permissions[d]+" on the container "+s.container+", which is in the role Storage Blob Data "+roles[d]
	case "AuthorizationFailure", "AuthorizationSourceIPMismatch":
		r.Why, r.Fix = "access is denied from here", "have whoever keeps the account "+account+" let this network in (its firewall, or a private endpoint)"
	case "AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation", "ResourceNotFound", "PublicAccessNotPermitted":
		r.Why, r.Fix = "the credentials are refused", "sign in to Azure again (`az login`), or correct AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN"
	case "KeyBasedAuthenticationNotPermitted":
		r.Why, r.Fix = "the account takes no key", "take AZURE_STORAGE_KEY away, and sign in to Azure (`az login`)"
	case "RequestBodyTooLarge":
		r.Why, r.Fix = "the object is larger than one request may be", "keep artifacts below 5,000 MiB"
	case "Md5Mismatch", "InvalidMd5":
		r.Why, r.Fix = "other bytes arrived than were sent", "call again"
	case "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold":
		r.Why, r.Fix = "the container lets nothing be replaced", "take lease.json, lease-clock.json, authority.json and ledger-head.json out of its policy of immutability"
	case "ServerBusy", "OperationTimedOut":
		r.Why, r.Fix = "it is asked too often, or too busy", "call again"
	default:
		s.byStatus(r, d, status, cmp.Or(code, http.StatusText(status)))
	}
	return r
}

// byStatus reads an answer whose code says nothing, as those to a HEAD may be.
func (s *store) byStatus(r *rest.Refusal, d rest.Deed, status int, code string) {
	switch {
	case status == http.StatusPreconditionFailed:
		r.Reason, r.Why = rest.Moved, "the condition is not met"
	case status == http.StatusNotFound && d == rest.Reading:
		r.Reason, r.Why = rest.Missing, "there is no such object"
	case status == http.StatusTooManyRequests:
		r.Why, r.Fix = "it is asked too often, or too busy", "call again"
	default:
		r.Why, r.Fix = "the store answers "+code, "call again; if it stays so, ask those who run the store"
	}
}

//nolint:gochecknoglobals // immutable
var (
	permissions = map[rest.Deed]string{
		rest.Reading: "blobs/read", rest.Writing: "blobs/write", rest.Replacing: "blobs/write", rest.Listing: "blobs/read",
	}
	roles = map[rest.Deed]string{
		rest.Reading: "Reader", rest.Writing: "Contributor", rest.Replacing: "Contributor", rest.Listing: "Reader",
	}
)

// read returns the code of an answer, and its first sentence.
func read(h http.Header, body []byte) (code, said string) {
	var answer struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}
	if xml.Unmarshal(body, &answer) != nil {
		text, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
		if !strings.HasPrefix(text, "<") {
			answer.Message = text
		}
	}
	// The lines behind it are the request's number and the time.
	said, _, _ = strings.Cut(answer.Message, "\n")
	return cmp.Or(h.Get("X-Ms-Error-Code"), answer.Code), strings.TrimSpace(said)
}
