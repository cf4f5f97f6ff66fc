package awssetup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awssetup/access"
)

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// missing are the codes by which AWS says that something is not there.
//
//nolint:gochecknoglobals // immutable
var missing = []string{
	"NoSuchEntity", "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration",
	"ServerSideEncryptionConfigurationNotFoundError", "NotFound",
}

func isMissing(err error) bool { return slices.Contains(missing, codeOf(err)) }

// explain tells a failure of a call to a person; nil stays nil.
func explain(err error, doing, action, resource string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if denied, ok := access.Denied(err, action, resource); ok {
		denied.Message = "cannot " + doing + ": " + denied.Message
		if line, more, ok := strings.Cut(denied.Fix, "\n"); ok && more != "" {
			denied.Fix = "sign in as somebody who administers the account, or " + line
		}
		return denied
	}
	if told := awsauth.Explain(err); slipway.KindOf(told) != slipway.Internal {
		return fmt.Errorf("cannot %s: %w", doing, told)
	}
	why := err.Error()
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		why = "AWS answers " + api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return &slipway.Error{Kind: slipway.Unavailable, Message: "cannot " + doing + ": " + why, Fix: "call again: what is done stays done", Err: err}
}

// explainPolicy tells besides what IAM has against a policy.
func explainPolicy(err error, doing, action, resource string) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return explain(err, doing, action, resource)
	}
	switch api.ErrorCode() {
	case "LimitExceeded":
		return slipway.Errorf(slipway.Unavailable, "cannot %s: %s", doing, api.ErrorMessage()).
			WithFix("the policies of one role have room for some thirty apps: name another role for this app's environment in platform.yaml, or take out what is no longer there with --exact")
	case "MalformedPolicyDocument":
		return slipway.Errorf(slipway.Invalid, "cannot %s: %s", doing, api.ErrorMessage()).
			WithFix("look whether everybody named by --trust is there: AWS takes no ARN of a user or role that it does not know")
	}
	return explain(err, doing, action, resource)
}
