package awssetup

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awssetup/access"
)

// provider is where GitHub Actions signs in, of which an account has one.
func (a *Account) provider(p access.Place) part {
	arn := p.Provider()
	look := func(ctx context.Context) (string, error) {
		out, err := a.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		if isMissing(err) {
			return "", nil
		}
		if err != nil {
			return "", explain(err, "look at the sign-in of GitHub Actions", "iam:GetOpenIDConnectProvider", arn)
		}
		audiences := slices.Sorted(slices.Values(out.ClientIDList))
		return strings.Join(audiences, ", "), nil
	}
	want := func(have string) (string, error) {
		audiences := strings.FieldsFunc(have, func(r rune) bool { return r == ',' || r == ' ' })
		if slices.Contains(audiences, access.Audience) {
			return have, nil
		}
		return strings.Join(slices.Sorted(slices.Values(append(audiences, access.Audience))), ", "), nil
	}
	make := func(ctx context.Context, s Step) error {
		if s.Have != "" {
			_, err := a.iam.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{
				OpenIDConnectProviderArn: &arn, ClientID: aws.String(access.Audience),
			})
			return explain(err, "let GitHub Actions sign in for "+access.Audience, "iam:AddClientIDToOpenIDConnectProvider", arn)
		}
		// AWS checks GitHub's certificate by its own list; no thumbprint is needed.
		_, err := a.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
			Url: aws.String("https://" + access.GitHubHost), ClientIDList: []string{access.Audience},
		})
		return explain(made(err), "let GitHub Actions sign in", "iam:CreateOpenIDConnectProvider", arn)
	}
	return part{"github", "sign-in of GitHub Actions", look, want, make}
}

// role is a role and who may become it.
func (a *Account) role(s Setup, id, name, description string, trust access.Document) part {
	arn := s.Place.Role(name)
	look := func(ctx context.Context) (string, error) {
		out, err := a.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
		if isMissing(err) {
			return "", nil
		}
		if err != nil {
			return "", explain(err, "look at the role "+name, "iam:GetRole", arn)
		}
		return unescape(out.Role.AssumeRolePolicyDocument)
	}
	make := func(ctx context.Context, step Step) error {
		policy, err := compact(step.Want)
		if err != nil {
			return err
		}
		if step.Have != "" {
			_, err := a.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: policy})
			return explainPolicy(err, "change who may become "+name, "iam:UpdateAssumeRolePolicy", arn)
		}
		_, err = a.iam.CreateRole(ctx, &iam.CreateRoleInput{
			RoleName: &name, AssumeRolePolicyDocument: policy, Description: &description, Path: path(s.Place, s.Job, name),
			Tags: []types.Tag{{Key: aws.String("slipway:environment"), Value: &s.Place.Environment}},
		})
		return explainPolicy(made(err), "make the role "+name, "iam:CreateRole", arn)
	}
	return part{id, "role " + name + ", and who may become it", look, document(trust, s.Exact), make}
}

// path is where a role lies that is named by its ARN, such as /service-role/.
func path(p access.Place, j access.Job, name string) *string {
	for _, arn := range []string{p.Role(j.Role), p.DeployerARN, p.PlannerARN} {
		_, rest, ok := strings.Cut(arn, ":role/")
		if before, found := strings.CutSuffix("/"+rest, name); ok && found && strings.HasSuffix(before, "/") {
			return &before
		}
	}
	return aws.String("/")
}

// rolePolicy is a policy inside a role. Others in it are left alone.
func (a *Account) rolePolicy(s Setup, id, role, name string, policy access.Document) part {
	arn := s.Place.Role(role)
	look := func(ctx context.Context) (string, error) {
		out, err := a.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
		if isMissing(err) {
			return "", nil
		}
		if err != nil {
			return "", explain(err, "read the policy of "+role, "iam:GetRolePolicy", arn)
		}
		return unescape(out.PolicyDocument)
	}
	make := func(ctx context.Context, step Step) error {
		document, err := compact(step.Want)
		if err != nil {
			return err
		}
		in := &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: document}
		// A role that was made just now may not be seen yet.
		for try := 1; ; try++ {
			_, err = a.iam.PutRolePolicy(ctx, in)
			if !isMissing(err) || try == patience {
				return explainPolicy(err, "write the policy of "+role, "iam:PutRolePolicy", arn)
			}
			if err := a.pause(ctx, interval); err != nil {
				return err
			}
		}
	}
	return part{id, "policy " + name + " of the role " + role, look, document(policy, s.Exact), make}
}

// unescape reads a policy as IAM returns it.
func unescape(text *string) (string, error) {
	policy, err := url.QueryUnescape(strings.ReplaceAll(aws.ToString(text), "+", "%2B"))
	if err != nil {
		return "", slipway.Errorf(slipway.Unavailable, "a policy that AWS returned cannot be read: %w", err)
	}
	return readable(policy)
}

// made takes it for done that something is there already: a call made it whose
// answer was lost. Whether it is right is seen at the end.
func made(err error) error {
	if _, ok := errors.AsType[*types.EntityAlreadyExistsException](err); ok {
		return nil
	}
	return err
}
