// Package awsauth gives credentials for AWS: those that AWS's own tools find, a role
// assumed with them, or a role that a GitHub Actions run may assume by the identity
// that GitHub attests, with no stored key at all. Start at Open.
//
// Nothing is written to disk: sign-ins of AWS's own tools are read, and not renewed.
// No secret shows in an error, not in those of the SDK either.
package awsauth

import (
	"cmp"
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/signin"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"github.com/slipway-cd/slipway"
)

// Limits of what is asked of AWS.
const (
	attempts  = 5                // of one call, with pauses that grow
	maxPause  = 10 * time.Second // between two of them
	renewable = 5 * time.Minute  // before they expire, credentials are renewed
)

// Options say whose credentials are wanted.
type Options struct {
	// Environment is the environment's name, for messages.
	Environment string
	// Region is where calls go; empty: where AWS's own settings say.
	Region string
	// Profile is one of the shared AWS configuration; empty: AWS_PROFILE or the default.
	Profile string
	// Account is the account that the credentials have to be for. Until that is
	// known, nothing is signed with them. Empty: any.
	Account string
	// Role is the ARN of a role to assume; empty: the credentials are used as they
	// are found. In GitHub Actions, where the run may ask for a token, it is assumed
	// with that, and otherwise with the credentials that are found.
	Role string
	// Session names the session of an assumed role, as CloudTrail shows it.
	Session string

	// Environ holds the variables that GitHub Actions sets (ACTIONS_..., GITHUB_...).
	// The SDK reads its own variables (AWS_...) and files from the process, as every
	// tool of AWS does, so that all of them agree on whose credentials these are.
	Environ []string
	// HTTPClient sends the requests; nil: the SDK's own.
	HTTPClient aws.HTTPClient
	// Clock tells when a token has expired, for messages.
	Clock func() time.Time
	// Kept holds what was opened before with the same options; nil: nothing does.
	Kept *Kept
}

// Open returns the settings with which clients of AWS are made. It asks nobody:
// credentials are fetched at the first use, checked, kept in memory, and renewed
// before they expire. What goes wrong then is an error of package slipway inside
// the client's own, which says what to do.
func Open(ctx context.Context, o Options) (aws.Config, error) {
	if err := o.check(); err != nil {
		return aws.Config{}, err
	}
	return o.Kept.settings(o, func() (aws.Config, error) { return o.open(ctx) })
}

func (o Options) open(ctx context.Context) (aws.Config, error) {
	secrets := &secrets{}
	settings, err := config.LoadDefaultConfig(ctx, o.load(secrets)...)
	if err != nil {
		return aws.Config{}, o.explainSettings(secrets.mask(err))
	}
	if settings.Region == "" {
		return aws.Config{}, slipway.Errorf(slipway.Unavailable, "no AWS region is known%s", o.of()).
			WithFix("write `region:` into the environment in platform.yaml, or set AWS_REGION")
	}
	found := &provider{options: o, chain: settings.Credentials, settings: settings, secrets: secrets, github: githubOf(o)}
	settings.Credentials = aws.NewCredentialsCache(found, renewEarly)
	return settings, nil
}

// OpenFor opens for something that names its own region or profile, such as a bucket;
// an empty one is that of the options.
func (o Options) OpenFor(ctx context.Context, region, profile string) (aws.Config, error) {
	o.Region, o.Profile = cmp.Or(region, o.Region), cmp.Or(profile, o.Profile)
	return Open(ctx, o)
}

// load makes the SDK's options of ours.
func (o Options) load(s *secrets) []func(*config.LoadOptions) error {
	options := []func(*config.LoadOptions) error{
		config.WithRegion(o.Region),
		config.WithLogger(logging.Nop{}), // what matters is in the errors
		config.WithAPIOptions([]func(*middleware.Stack) error{s.maskErrors, readOnly}),
		config.WithCredentialsCacheOptions(renewEarly),
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attempts, maxPause })
		}),
	}
	if o.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(o.Profile))
	}
	if o.HTTPClient != nil {
		options = append(options, config.WithHTTPClient(o.HTTPClient))
	}
	return options
}

func renewEarly(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = renewable }

// readOnly keeps the SDK from renewing a sign-in of AWS's own tools, which it would
// write to their files.
func readOnly(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("SlipwayReadOnly",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (out middleware.InitializeOutput, md middleware.Metadata, err error) {
			switch awsmiddleware.GetServiceID(ctx) {
			case ssooidc.ServiceID, signin.ServiceID:
				return out, md, errSignInExpired
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
}

//nolint:gochecknoglobals // immutable
var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	roleARN   = sync.OnceValue(func() *regexp.Regexp { // long, and so made when it is needed
		return regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/([\w+=,.@/-]*/)?([\w+=,.@-]{1,64})$`)
	})
	notInAName  = regexp.MustCompile(`[^\w+=,.@-]+`)
	sessionSize = 64
)

// check finds what cannot be right before anybody is asked.
func (o Options) check() error {
	if o.Account != "" && !accountID.MatchString(o.Account) {
		return slipway.Errorf(slipway.Invalid, "%q cannot be an AWS account%s", o.Account, o.of()).
			WithFix("write its twelve digits, as text: account: \"123456789012\"")
	}
	if o.Role == "" {
		return nil
	}
	parts := roleARN().FindStringSubmatch(o.Role)
	if parts == nil {
		return slipway.Errorf(slipway.Invalid, "%q cannot be the ARN of a role%s", o.Role, o.of()).
			WithFix("write it as arn:aws:iam::123456789012:role/slipway-deploy")
	}
	if o.Account != "" && parts[1] != o.Account {
		return slipway.Errorf(slipway.Invalid, "the role %s is in account %s, and %s is account %s", o.Role, parts[1], o.name(), o.Account).
			WithFix("correct `role:`, `plan_role:` or `account:` of the environment in platform.yaml")
	}
	return nil
}

// name is the environment's, for a sentence.
func (o Options) name() string {
	if o.Environment == "" {
		return "the environment"
	}
	return "environment " + o.Environment
}

// of ends a sentence with the environment's name, if it has one.
func (o Options) of() string {
	if o.Environment == "" {
		return ""
	}
	return " for environment " + o.Environment
}

// session is the session's name, in the letters that AWS allows.
func (o Options) session() string {
	name := cmp.Or(o.Session, "slipway")
	if run := variables(o.Environ)["GITHUB_RUN_ID"]; o.Session == "" && run != "" {
		name += "-github-" + run
	}
	name = strings.Trim(notInAName.ReplaceAllString(name, "-"), "-")
	return cmp.Or(name[:min(len(name), sessionSize)], "slipway")
}

// An Identity is who AWS takes the caller for.
type Identity struct {
	Account string `json:"account"`
	ARN     string `json:"arn"`
}

// Check asks AWS whose credentials these are. It is how a command tells early what
// would otherwise show at the first call.
func Check(ctx context.Context, settings aws.Config) (Identity, error) {
	who, err := sts.NewFromConfig(settings).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, Explain(err)
	}
	return Identity{Account: aws.ToString(who.Account), ARN: aws.ToString(who.Arn)}, nil
}
