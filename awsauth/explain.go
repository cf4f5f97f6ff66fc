package awsauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"github.com/slipway-cd/slipway"
)

// Explain tells an error of a client if it is about credentials or the way to AWS:
// what is wrong with them, and what to do. Other errors pass as they are.
func Explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if told, ok := errors.AsType[*slipway.Error](err); ok {
		return told
	}
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return explainNetwork(err)
	}
	var why, fix string
	switch answer.ErrorCode() {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		why, fix = "the AWS credentials have expired", "sign in again (`aws sso login`), or get new keys"
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken", "AuthFailure":
		why, fix = "AWS does not know these credentials", "sign in again, or correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which belong together"
	case "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature":
		why, fix = "the AWS secret key does not belong to the access key", "correct AWS_SECRET_ACCESS_KEY"
	case "RequestExpired", "RequestTimeTooSkewed":
		why, fix = "this machine's clock is wrong", "set it, best from a time server, and call again"
	default:
		return err
	}
	return &slipway.Error{Kind: slipway.Unavailable, Message: fmt.Sprintf("%s (%s: %s)", why, answer.ErrorCode(), answer.ErrorMessage()), Fix: fix, Err: err}
}

func explainNetwork(err error) error {
	network, ok := errors.AsType[net.Error](err)
	if !ok {
		return err
	}
	return slipway.Errorf(slipway.Unavailable, "AWS cannot be reached: %w", network).
		WithFix("see that this machine is connected, that the region exists and that the endpoint is right, then call again")
}

// explainSettings tells why AWS's own files cannot be used.
func (o Options) explainSettings(err error) error {
	if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return slipway.Errorf(slipway.Unavailable, "there is no AWS profile %s", missing.Profile).
			WithFix("correct AWS_PROFILE; `aws configure list-profiles` shows those there are, and `aws configure sso --profile %s` makes it", missing.Profile)
	}
	if errors.As(err, &config.AssumeRoleTokenProviderNotSetError{}) {
		return slipway.Errorf(slipway.Unavailable, "the AWS profile %s asks for a code of a second factor, for which Slipway does not ask", o.profile()).
			WithFix("sign in with `aws sso login`, or set the keys that `aws sts get-session-token --serial-number ... --token-code ...` gives")
	}
	return slipway.Errorf(slipway.Unavailable, "the settings for AWS cannot be read: %w", err).
		WithFix("correct the files that `aws configure list` names")
}

func (o Options) profile() string {
	return cmp.Or(o.Profile, variables(o.Environ)["AWS_PROFILE"], "default")
}

// explainMissing tells why there are no credentials.
func (p *provider) explainMissing(err error) error {
	missing := func(message, fix string) error {
		return &slipway.Error{Kind: slipway.Unavailable, Message: message, Fix: fix, Err: err}
	}
	of := p.options.of()
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case isLogin(err):
		return missing("the AWS sign-in of profile "+p.options.profile()+" has expired"+of, p.renew("aws login"))
	case isExpiredSSO(err):
		return missing("the AWS sign-in of profile "+p.options.profile()+" has expired"+of, p.renew("aws sso login"))
	case p.github.runs:
		why, fix := p.github.whyNoToken()
		return missing("there are no AWS credentials"+of+": "+why, fix)
	case errors.As(err, new(*processcreds.ProviderError)):
		return missing("the credential_process of profile "+p.options.profile()+" gives no credentials"+of+": "+err.Error(), "run that command, and correct it")
	case strings.Contains(err.Error(), "EC2 IMDS"): // the last place, so there was nothing before
		return missing("there are no AWS credentials"+of, "sign in (`aws sso login`), name a profile in AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return missing("the AWS credentials cannot be had"+of+": "+err.Error(), "see what `aws sts get-caller-identity` says, and correct it")
}

// renew says how AWS's own tools renew a sign-in, which Slipway only reads.
func (p *provider) renew(signIn string) string {
	profile := " --profile " + p.options.profile()
	return "sign in again: " + signIn + profile + "\nor, while the sign-in itself lasts, let the AWS CLI renew it: aws sts get-caller-identity" + profile
}

// isLogin reports whether the session of `aws login` has expired, for which the SDK
// has no type.
func isLogin(err error) bool {
	return strings.Contains(err.Error(), "login token") || strings.Contains(err.Error(), "create oauth2 token")
}

func isExpiredSSO(err error) bool {
	refused := errors.As(err, new(*ssocreds.InvalidTokenError)) || errors.Is(err, errSignInExpired)
	nobody := errors.Is(err, fs.ErrNotExist) && strings.Contains(err.Error(), "SSO token")
	return refused || nobody || strings.Contains(err.Error(), "cached SSO token is expired")
}

// explainAssume tells why a role was not assumed by a caller.
func (p *provider) explainAssume(err error, caller string) error {
	answer, ok := errors.AsType[smithy.APIError](err)
	if !ok || answer.ErrorCode() != "AccessDenied" || caller == "" {
		return p.explainRole(err)
	}
	role := p.options.Role
	return slipway.Errorf(slipway.Unavailable, "%s may not assume the role %s%s: %w", caller, role, p.options.of(), answer).
		WithFix("let its policy have {\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \"Resource\": %q},\n"+
			"and the role's trust policy {\"Effect\": \"Allow\", \"Principal\": {\"AWS\": %q}, \"Action\": \"sts:AssumeRole\"}", role, roleOf(caller))
}

// explainRole tells why a role was not assumed, where nothing says it better.
func (p *provider) explainRole(err error) error {
	told := Explain(err)
	if slipway.KindOf(told) != slipway.Internal || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return told
	}
	return slipway.Errorf(slipway.Unavailable, "the role %s cannot be assumed%s: %w", p.options.Role, p.options.of(), err).
		WithFix("see that the role exists and what its trust policy says")
}

// explainToken tells why AWS refused what GitHub attested, and what it was.
func (p *provider) explainToken(err error, token string) error {
	answer, isAnswer := errors.AsType[smithy.APIError](err)
	claims, claimsErr := ClaimsOf(token)
	if !isAnswer || claimsErr != nil {
		return p.explainRole(err)
	}
	why, fix := p.whyRefused(answer, claims)
	return &slipway.Error{
		Kind: slipway.Unavailable, Fix: fix, Err: err,
		Message: fmt.Sprintf("the role %s is refused to this GitHub Actions run%s: %s (%s: %s)\nthe run presented: %s",
			p.options.Role, p.options.of(), why, answer.ErrorCode(), answer.ErrorMessage(), claims),
	}
}

func (p *provider) whyRefused(answer smithy.APIError, c Claims) (why, fix string) {
	account := roleARN().FindStringSubmatch(p.options.Role)[1]
	said := answer.ErrorMessage()
	switch answer.ErrorCode() {
	case "AccessDenied":
		return "it does not exist, or its trust policy does not accept the run", p.acceptFix(c)
	case "ExpiredTokenException", "ExpiredToken":
		return "the token had expired at " + p.expiry(c), "run it again; if it stays so, the clock of the machine that runs it is wrong"
	case "InvalidIdentityToken":
		switch {
		case strings.Contains(said, "audience"):
			return "the token is for another audience", "let the account's OIDC provider for " + Issuer + " have the audience " + Audience + ", which `slipway aws bootstrap` does"
		case strings.Contains(said, "No OpenIDConnect provider"):
			return "account " + account + " does not know GitHub", "make an OIDC provider for https://" + Issuer + " with the audience " + Audience + ", which `slipway aws bootstrap` does"
		}
		return "the token is not one of GitHub's", "see who answers at ACTIONS_ID_TOKEN_REQUEST_URL, and that the account's OIDC provider is for https://" + Issuer
	case "IDPCommunicationError":
		return "AWS could not ask GitHub for its keys", "run it again"
	}
	return "AWS refuses the call", "see that the role exists and what its trust policy says"
}

// acceptFix says how the role would accept the run, and warns where that would be
// too much.
func (p *provider) acceptFix(c Claims) string {
	fix := "if this run is to have the role, its trust policy needs exactly\n" + c.trustLine()
	switch {
	case strings.HasSuffix(c.Subject, ":pull_request"):
		fix = "deploy from a branch or in a GitHub environment that the role accepts; this line would accept every pull request of the repository:\n" + c.trustLine()
	case c.Environment == "":
		fix += "\nor run the job in the GitHub environment that the role accepts (`environment:` in the workflow)"
	}
	return fix + "\n`slipway aws policy` prints the whole trust policy; upper and lower case matter"
}

func (p *provider) expiry(c Claims) string {
	at := time.Unix(c.Expires, 0).UTC()
	text := at.Format(time.RFC3339)
	if p.options.Clock != nil {
		text += ", and here it is " + p.options.Clock().UTC().Format(time.RFC3339)
	}
	return text
}
