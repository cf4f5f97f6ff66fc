package awsauth

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/slipway-cd/slipway"
)

// A provider fetches credentials, and lets go of none that are for another account.
type provider struct {
	options  Options
	chain    aws.CredentialsProvider // what AWS's own tools would use
	settings aws.Config              // with the chain's credentials
	secrets  *secrets
	github   github

	mu      sync.Mutex
	checked string // the key whose account was found to be right
}

// Retrieve implements aws.CredentialsProvider.
func (p *provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := p.fetch(ctx)
	if err != nil {
		return aws.Credentials{}, p.secrets.mask(err)
	}
	p.secrets.learn(found.SecretAccessKey, found.SessionToken)
	if err := p.checkAccount(ctx, found); err != nil {
		return aws.Credentials{}, p.secrets.mask(err)
	}
	return found, nil
}

func (p *provider) fetch(ctx context.Context) (aws.Credentials, error) {
	switch {
	case p.options.Role == "":
		return p.find(ctx)
	case p.github.attests():
		return p.assumeByToken(ctx)
	}
	return p.assume(ctx)
}

// find fetches what AWS's own tools would use.
func (p *provider) find(ctx context.Context) (aws.Credentials, error) {
	found, err := p.chain.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, p.explainMissing(err)
	}
	p.secrets.learn(found.SecretAccessKey, found.SessionToken)
	return found, nil
}

// assume assumes the role with the credentials that are found. Whoever has the role
// already, because an earlier step of a workflow assumed it, goes on with it.
func (p *provider) assume(ctx context.Context) (aws.Credentials, error) {
	found, err := p.find(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	out, err := p.sts(found).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &p.options.Role, RoleSessionName: aws.String(p.options.session()),
	})
	if err == nil {
		return p.assumed(out.Credentials), nil
	}
	who, whoErr := p.sts(found).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if whoErr != nil {
		return aws.Credentials{}, p.explainAssume(err, "")
	}
	if roleOf(aws.ToString(who.Arn)) == plainRole(p.options.Role) {
		return found, nil
	}
	return aws.Credentials{}, p.explainAssume(err, aws.ToString(who.Arn))
}

// assumeByToken assumes the role with what GitHub attests about this run.
func (p *provider) assumeByToken(ctx context.Context) (aws.Credentials, error) {
	token, err := p.github.token(ctx, p.secrets)
	if err != nil {
		return aws.Credentials{}, err
	}
	out, err := p.sts(aws.Credentials{}).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &p.options.Role, RoleSessionName: aws.String(p.options.session()), WebIdentityToken: &token,
	})
	if err != nil {
		return aws.Credentials{}, p.explainToken(err, token)
	}
	return p.assumed(out.Credentials), nil
}

func (p *provider) assumed(c *types.Credentials) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey),
		SessionToken: aws.ToString(c.SessionToken), CanExpire: true, Expires: aws.ToTime(c.Expiration),
		Source: "slipway", AccountID: roleARN().FindStringSubmatch(p.options.Role)[1],
	}
}

// checkAccount compares the account of credentials with the one that is wanted. A
// role's account is in its name.
func (p *provider) checkAccount(ctx context.Context, found aws.Credentials) error {
	if p.options.Account == "" || p.options.Role != "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.checked == found.AccessKeyID {
		return nil
	}
	who, err := p.sts(found).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Explain(err)
	}
	if account := aws.ToString(who.Account); account != p.options.Account {
		return slipway.Errorf(slipway.Unavailable, "these credentials are for account %s (%s), %s is account %s",
			account, aws.ToString(who.Arn), p.options.name(), p.options.Account).
			WithFix("sign in to account %s, name a profile of it in AWS_PROFILE, or give the environment a `role:` in it", p.options.Account)
	}
	p.checked = found.AccessKeyID
	return nil
}

// sts is a client with given credentials, or with none for a call that needs none.
func (p *provider) sts(c aws.Credentials) *sts.Client {
	settings := p.settings.Copy()
	settings.Credentials = aws.AnonymousCredentials{}
	if c.HasKeys() {
		settings.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c, nil })
	}
	return sts.NewFromConfig(settings)
}

// plainRole is a role's ARN without its path, which the ARN of its sessions lacks.
func plainRole(role string) string {
	parts := roleARN().FindStringSubmatch(role)
	partition, _, _ := strings.Cut(strings.TrimPrefix(role, "arn:"), ":")
	return "arn:" + partition + ":iam::" + parts[1] + ":role/" + parts[3]
}

// roleOf is the role, without its path, of a session
// arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION; other callers are what they are.
func roleOf(caller string) string {
	name, session, ok := strings.Cut(caller, ":assumed-role/")
	if !ok {
		return caller
	}
	role, _, _ := strings.Cut(session, "/")
	return strings.Replace(name, ":sts:", ":iam:", 1) + ":role/" + role
}

var errSignInExpired = errors.New("the sign-in has expired, and Slipway does not renew it")
