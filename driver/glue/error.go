package glue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awssetup/access"
)

// codeOf is the code of an error that AWS answered; empty if it is none.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// statusOf is the HTTP status of an answer; zero if there was none.
func statusOf(err error) int {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// explain tells an error of AWS to a person: the action that failed, as a policy
// names it ("glue:UpdateJob"), on what ("job/traffic"), why, and the way out.
// Errors that speak for themselves already pass as they are.
func (d *Driver) explain(err error, action, resource string) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*slipway.Error](err); ok {
		return err
	}
	if denied, ok := access.Denied(err, action, d.arn(action, resource)); ok {
		return denied
	}
	kind, why, fix := d.diagnose(err)
	return &slipway.Error{
		Kind: kind, Err: err, Fix: fix,
		Message: fmt.Sprintf("%s on %s: %s%s", action, resource, why, words(err)),
	}
}

// byAnother reports whether a refusal is none of AWS's, which has a code: a proxy or a
// firewall answers in its place, and will again.
func byAnother(err error) bool {
	if code := codeOf(err); code != "" && code != "UnknownError" {
		return false
	}
	switch statusOf(err) {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusUnavailableForLegalReasons:
		return true
	}
	return false
}

func (d *Driver) diagnose(err error) (kind slipway.Kind, why, fix string) {
	if byAnother(err) {
		return slipway.Unavailable, fmt.Sprintf("something before AWS refuses it, with status %d and without a reason", statusOf(err)),
			"a proxy or a firewall stands between this machine and AWS; have it let requests to " + d.cfg.AWS.Region + " through (HTTPS_PROXY and NO_PROXY say which one is asked)"
	}
	switch code := codeOf(err); code {
	case "":
		return d.diagnoseTransport(err)
	case "EntityNotFoundException", "ResourceNotFoundException":
		return slipway.NotFound, "it is not there", ""
	case "InvalidInputException", "ValidationException", "InvalidParameterException":
		return slipway.Invalid, "AWS refuses the request", ""
	case "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidSignatureException",
		"IncompleteSignature", "InvalidClientTokenId", "MissingAuthenticationToken":
		return slipway.Unavailable, "the credentials are refused (" + code + ")",
			"sign in to AWS again, or correct the credentials; `aws sts get-caller-identity` shows whether they are good"
	case "ConcurrentRunsExceededException":
		return slipway.Busy, "as many runs as the job allows are under way",
			"wait for one to end, or raise run.max_concurrent_runs, or let runs queue"
	case "ResourceNumberLimitExceededException":
		return slipway.Unavailable, "a limit of the AWS account is reached",
			"ask for more in the console, Service Quotas, AWS Glue; or wait until less is under way"
	case "ConcurrentModificationException", "AlreadyExistsException", "IdempotentParameterMismatchException":
		return slipway.Conflict, "somebody else changed it at the same time", "plan again"
	case "ThrottlingException", "Throttling", "TooManyRequestsException":
		return slipway.Unavailable, "AWS wants fewer calls for a while", "call again in a minute"
	default:
		return slipway.Unavailable, "AWS answers " + code, "call again; if it stays so, see the AWS Health Dashboard"
	}
}

// diagnoseTransport tells an error that is no answer of AWS.
func (d *Driver) diagnoseTransport(err error) (kind slipway.Kind, why, fix string) {
	var network net.Error
	switch {
	case statusOf(err) >= http.StatusInternalServerError:
		return slipway.Unavailable, fmt.Sprintf("AWS answers with status %d", statusOf(err)), "call again; if it stays so, see the AWS Health Dashboard"
	case errors.As(err, &network):
		return slipway.Unavailable, "AWS cannot be reached", "see that this machine is connected and that the region " + d.cfg.AWS.Region + " is right, then call again"
	case statusOf(err) > 0:
		return slipway.Unavailable, "the answer cannot be read", "call again; a proxy may stand between this machine and AWS"
	default:
		return slipway.Unavailable, "something failed on the way", "call again"
	}
}

// words are what AWS or the network said itself, without the SDK's wrapping.
func words(err error) string {
	var api smithy.APIError
	var request *url.Error
	switch {
	case errors.As(err, &api) && api.ErrorMessage() != "":
		return ": " + strings.TrimSuffix(api.ErrorMessage(), ".")
	case errors.As(err, &request):
		return ": " + request.Err.Error()
	case errors.As(err, &api), statusOf(err) > 0:
		return ""
	}
	return ": " + err.Error()
}

// arn names a resource as a policy does.
func (d *Driver) arn(action, resource string) string {
	service, _, _ := strings.Cut(action, ":")
	region, account := d.cfg.AWS.Region, cmp.Or(d.cfg.Environment.Account, "*")
	switch service {
	case "sts":
		return "*"
	case "iam":
		region = ""
	case "s3":
		region, account = "", ""
	}
	return strings.Join([]string{"arn", partition(d.cfg.AWS.Region), service, region, account, resource}, ":")
}
