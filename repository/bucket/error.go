package bucket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/slipway-cd/slipway"
)

// A deed is what one wants to do to a bucket.
type deed struct{ verb, permission string }

//nolint:gochecknoglobals // immutable
var (
	reading = deed{"read", "s3:GetObject"}
	writing = deed{"write", "s3:PutObject"}
	listing = deed{"list", "s3:ListBucket"}

	keyAction = regexp.MustCompile(`\bkms:[A-Za-z]+`)
)

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func isPrecondition(err error) bool { return codeOf(err) == "PreconditionFailed" }
func isCollision(err error) bool    { return codeOf(err) == "ConditionalRequestConflict" }
func isNoSuchKey(err error) bool    { return codeOf(err) == "NoSuchKey" }

// explain tells a failure of the store to a person: what could not be done
// where, why, and the way out. Other errors pass as they are.
func (r *Repository) explain(err error, d deed, key string) error {
	if told, ok := errors.AsType[*slipway.Error](err); ok { // no credentials, and why
		return &slipway.Error{Kind: told.Kind, Message: fmt.Sprintf("cannot %s %s: %s", d.verb, r.at(key), told.Message), Err: told}
	}
	var why, fix string
	switch code := codeOf(err); code {
	case "":
		return r.explainTransport(err, d, key)
	case "NoSuchKey", "NotFound":
		return slipway.Errorf(slipway.NotFound, "there is no %s", r.at(key))
	case "NoSuchBucket":
		why, fix = "there is no such bucket", "make the bucket "+r.name+", or correct the environment's repository"
	case "AccessDenied", "Forbidden":
		why, fix = "access is denied", "give these credentials "+r.permission(d)
		if action := keyAction.FindString(err.Error()); action != "" {
			fix = "give these credentials " + action + " on the key that encrypts the bucket"
		}
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "ExpiredTokenException":
		why, fix = "the credentials are refused ("+code+")", "sign in to AWS again, or correct the credentials; `aws sts get-caller-identity` shows whether they are good"
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "MovedPermanently":
		why, fix = "the bucket is in another region", "write its region into the address, as in s3://"+r.name+"?region=eu-central-1"
	case "EntityTooLarge":
		why, fix = "the object is larger than one request may be", "keep artifacts below 5 GB"
	case "ConditionalRequestConflict":
		why, fix = "others write the same object all the time", "call again"
	case "NotImplemented":
		why, fix = "the store does not know conditional writes", "use a store that does, such as S3 or a newer version of this one"
	default:
		why, fix = "the store answers "+code, "call again; if it stays so, ask those who run the store"
	}
	return r.unavailable(err, d, key, why, fix)
}

// explainTransport tells an error that is no answer of the store.
func (r *Repository) explainTransport(err error, d deed, key string) error {
	var response *awshttp.ResponseError
	var network net.Error
	why, fix := "something failed on the way", "call again"
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound:
		return slipway.Errorf(slipway.NotFound, "there is no %s", r.at(key))
	case errors.As(err, &network):
		why, fix = "the store cannot be reached", "see that this machine is connected and that the endpoint is right, then call again"
	}
	return r.unavailable(err, d, key, why, fix)
}

// brokenOff tells an error in the middle of an object.
func (r *Repository) brokenOff(err error, key string) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return slipway.Errorf(slipway.Unavailable, "cannot read %s: the connection broke off: %w", r.at(key), err).WithFix("call again")
}

// unavailable makes the message, without the SDK's own words around the cause.
func (r *Repository) unavailable(err error, d deed, key, why, fix string) error {
	message := fmt.Sprintf("cannot %s %s: %s", d.verb, r.at(key), why)
	var api smithy.APIError
	var request *url.Error
	switch {
	case errors.As(err, &api) && api.ErrorMessage() != "":
		message += ": " + api.ErrorMessage()
	case errors.As(err, &request):
		message += ": " + request.Err.Error()
	}
	return &slipway.Error{Kind: slipway.Unavailable, Message: message, Fix: fix, Err: err}
}

// permission names what a deed needs, as a policy has it.
func (r *Repository) permission(d deed) string {
	bucket := "arn:aws:s3:::" + r.name
	objects := fmt.Sprintf("%s/%s*", bucket, r.prefix)
	switch d {
	case listing:
		return d.permission + " on " + bucket
	case reading:
		return d.permission + " on " + objects + ", and s3:ListBucket on " + bucket + ", without which S3 does not say what is missing"
	}
	if r.tagging {
		return d.permission + " and s3:PutObjectTagging on " + objects + ", or take tagging=true out of the repository's address"
	}
	return d.permission + " on " + objects
}

func (r *Repository) at(key string) string {
	if key == "" {
		return r.URL()
	}
	return r.URL() + "/" + key
}
