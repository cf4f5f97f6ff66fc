// Package awssetup makes what an environment on AWS needs: the bucket of its
// artifacts, the provider through which GitHub Actions signs in, the role that
// deploys and the role of the job. What they may do stands in package access.
//
// Start at Open; Plan compares and changes nothing, Apply does what a plan says.
// Both may be called again at any time: what is there and right is left alone.
package awssetup

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awssetup/access"
)

// A Setup is what there is to be.
type Setup struct {
	access.Wanted
	// Data gives the role of the job what its arguments suggest besides.
	Data bool
	// Exact takes away what Slipway has granted to other apps, and what others have
	// written into its documents.
	Exact bool
}

// An Account is an AWS account that is set up.
type Account struct {
	iam   *iam.Client
	s3    *s3.Client
	pause func(ctx context.Context, d time.Duration) error
	clear bool // it is an emulator, which is reached without TLS
}

// Open returns the account that o names, with the credentials of who is signed in:
// the role that deploys is among what is made, so it is not assumed. It calls
// nobody. Pause waits, or returns why it did not.
func Open(ctx context.Context, o awsauth.Options, pause func(context.Context, time.Duration) error) (*Account, error) {
	if o.Account == "" || o.Region == "" {
		return nil, slipway.Errorf(slipway.Invalid, "environment %s has no AWS account or no region", o.Environment).
			WithFix("write account and region below environments.%s in platform.yaml", o.Environment)
	}
	o.Role = ""
	settings, err := awsauth.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Account{
		iam: iam.NewFromConfig(settings), s3: s3.NewFromConfig(settings), pause: pause,
		clear: strings.HasPrefix(aws.ToString(settings.BaseEndpoint), "http://"),
	}, nil
}

// A Plan is what leads from what is there to a Setup. It is plain data.
type Plan struct {
	Environment string `json:"environment"`
	Account     string `json:"account"`
	Region      string `json:"region"`
	Steps       []Step `json:"steps"`
}

// A Step is one thing to make, change or leave alone.
type Step struct {
	ID     string         `json:"id"`     // bucket, bucket-policy, deployer, ...
	Thing  string         `json:"thing"`  // as people call it
	Action slipway.Action `json:"action"` // empty: it is there, and right
	Have   string         `json:"have,omitempty"`
	Want   string         `json:"want"`
}

// Changes returns the steps that change something.
func (p Plan) Changes() []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Action == "" })
}

// Plan says what there is to do. It reads, and changes nothing.
func (a *Account) Plan(ctx context.Context, s Setup) (Plan, error) {
	p, _, err := a.plan(ctx, s)
	return p, err
}

// plan gives besides the parts that the steps are of.
func (a *Account) plan(ctx context.Context, s Setup) (Plan, []part, error) {
	p := Plan{Environment: s.Place.Environment, Account: s.Place.Account, Region: s.Place.Region}
	s, err := a.find(ctx, s)
	if err != nil {
		return p, nil, err
	}
	parts, err := a.parts(s)
	if err != nil {
		return p, nil, err
	}
	for _, part := range parts {
		step, err := part.step(ctx)
		if err != nil {
			return p, nil, err
		}
		p.Steps = append(p.Steps, step)
	}
	return p, parts, nil
}

// find gives the role of the job its real ARN: one that the console has made lies
// below a path, such as service-role/, which its name does not tell.
func (a *Account) find(ctx context.Context, s Setup) (Setup, error) {
	if err := s.Job.Check(s.Place); err != nil {
		return s, err
	}
	name := access.RoleName(s.Job.Role)
	out, err := a.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if isMissing(err) {
		return s, nil
	}
	if err != nil {
		return s, explain(err, "look at the role "+name, "iam:GetRole", s.Place.Role(s.Job.Role))
	}
	s.Job.Role = aws.ToString(out.Role.Arn)
	return s, nil
}

// Apply does what a plan says, in its order, and tells each step when it is done.
// If something has moved since the plan was made, nothing is changed and the error
// is of kind slipway.Conflict.
//
// Apply may be cut short anywhere: the plan that is made next has what is left.
func (a *Account) Apply(ctx context.Context, s Setup, p Plan, done func(Step)) error {
	now, parts, err := a.plan(ctx, s)
	if err != nil {
		return err
	}
	if !slices.Equal(now.Steps, p.Steps) || now.Account != p.Account || now.Region != p.Region {
		return slipway.Errorf(slipway.Conflict, "something changed in the account %s since the plan was made", p.Account).
			WithFix("nothing was changed; look at the plan again")
	}
	for i, step := range p.Steps {
		if step.Action == "" {
			continue
		}
		if err := parts[i].make(ctx, step); err != nil {
			return err
		}
		done(step)
	}
	return a.settle(ctx, s)
}

// AWS shows some changes only after seconds.
const (
	patience = 20
	interval = time.Second
)

// settle waits until AWS shows what was made.
func (a *Account) settle(ctx context.Context, s Setup) error {
	for try := 1; ; try++ {
		p, err := a.Plan(ctx, s)
		if err != nil {
			return err
		}
		left := p.Changes()
		if len(left) == 0 {
			return nil
		}
		if try == patience {
			return slipway.Errorf(slipway.Conflict, "all was done, and AWS still shows another %s", left[0].Thing).
				WithFix("somebody else may be changing it: look at the plan again")
		}
		if err := a.pause(ctx, interval); err != nil {
			return err
		}
	}
}
