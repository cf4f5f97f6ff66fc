package awssetup_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/awssetup"
)

// A refuser answers one call with an error, as the documentation of S3 and IAM has
// it, and lets moto answer all others.
type refuser struct {
	t          *testing.T
	call       string // "PUT /bucket?versioning", or the Action of IAM
	status     int
	code, text string
	err        error
}

func (f refuser) Do(r *http.Request) (*http.Response, error) {
	form := formOf(f.t, r)
	name, _, _ := strings.Cut(r.URL.RawQuery, "=")
	call := strings.TrimSuffix(r.Method+" "+r.URL.Path+"?"+name, "?")
	if call != f.call && form.Get("Action") != f.call {
		return wire{}.Do(r)
	}
	if f.err != nil {
		return nil, f.err
	}
	body := "<Error><Code>" + f.code + "</Code><Message>" + f.text + "</Message></Error>"
	if form.Get("Action") != "" {
		body = "<ErrorResponse>" + body + "</ErrorResponse>"
	}
	if r.Method == http.MethodHead {
		body = ""
	}
	return answer(f.status, body), nil
}

func TestWhatAWSRefuses(t *testing.T) {
	moto := awstest.Moto(t)
	const again = "call again: what is done stays done"
	tests := []struct {
		name      string
		refuser   refuser
		kind      slipway.Kind
		want, fix string
	}{
		{
			"a bucket of somebody else, seen",
			refuser{call: "HEAD /artifacts-prod", status: 403},
			slipway.Unavailable,
			"the bucket artifacts-prod is somebody else's, or may not be seen with these credentials",
			"take another name, which must be free in all of AWS; or, if it is in the account 123456789012, allow s3:ListBucket on arn:aws:s3:::artifacts-prod",
		},
		{
			"a bucket elsewhere",
			refuser{call: "HEAD /artifacts-prod", status: 301},
			slipway.Conflict,
			"the bucket artifacts-prod is in another region than the environment prod, which is in us-east-1",
			"take another bucket, or correct the region of environment prod in platform.yaml",
		},
		{
			"a bucket of somebody else, made",
			refuser{call: "PUT /artifacts-prod", status: 409, code: "BucketAlreadyExists", text: "taken"},
			slipway.Conflict,
			"the bucket artifacts-prod is somebody else's",
			"take another name in platform.yaml, which must be free in all of AWS, such as artifacts-prod-123456789012",
		},
		{
			"no right to look",
			refuser{call: "GetRole", status: 403, code: "AccessDenied", text: "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: iam:GetRole on resource: role traffic because no identity-based policy allows the iam:GetRole action"},
			slipway.Unavailable,
			"cannot look at the role traffic: AWS refuses iam:GetRole on role traffic to arn:aws:iam::123456789012:user/ann",
			`sign in as somebody who administers the account, or add to the policy of arn:aws:iam::123456789012:user/ann: {"Effect":"Allow","Action":"iam:GetRole","Resource":"role traffic"}`,
		},
		{
			"a right that the organization takes",
			refuser{call: "CreateRole", status: 403, code: "AccessDenied", text: "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::123456789012:role/traffic with an explicit deny in a service control policy"},
			slipway.Unavailable,
			"cannot make the role traffic: AWS refuses iam:CreateRole on arn:aws:iam::123456789012:role/traffic to arn:aws:iam::123456789012:user/ann, by a service control policy",
			"another policy that allows it is no help against that: ask those who wrote it to let iam:CreateRole pass on arn:aws:iam::123456789012:role/traffic",
		},
		{
			"a policy that is too long",
			refuser{call: "PutRolePolicy", status: 409, code: "LimitExceeded", text: "Maximum policy size of 10240 bytes exceeded for role traffic"},
			slipway.Unavailable,
			"cannot write the policy of traffic: Maximum policy size of 10240 bytes exceeded for role traffic",
			"the policies of one role have room for some thirty apps: name another role for this app's environment in platform.yaml, or take out what is no longer there with --exact",
		},
		{
			"people whom AWS does not know",
			refuser{call: "CreateRole", status: 400, code: "MalformedPolicyDocument", text: "Invalid principal in policy"},
			slipway.Invalid,
			"cannot make the role traffic: Invalid principal in policy",
			"look whether everybody named by --trust is there: AWS takes no ARN of a user or role that it does not know",
		},
		{
			"credentials that have expired",
			refuser{call: "GetRole", status: 403, code: "ExpiredToken", text: "The security token included in the request is expired"},
			slipway.Unavailable,
			"cannot look at the role traffic: the AWS credentials have expired (ExpiredToken: The security token included in the request is expired)",
			"sign in again (`aws sso login`), or get new keys",
		},
		{
			"anything else",
			refuser{call: "PUT /artifacts-prod?policy", status: 409, code: "OperationAborted", text: "A conflicting conditional operation is in progress"},
			slipway.Unavailable,
			"cannot write the policy of artifacts-prod: AWS answers OperationAborted: A conflicting conditional operation is in progress", again,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			awstest.Reset(t, moto)
			tt.refuser.t = t
			a, s := account(t, tt.refuser), setup(t)
			p, err := a.Plan(t.Context(), s)
			if err == nil {
				err = a.Apply(t.Context(), s, p, func(awssetup.Step) {})
			}
			if got := errorText(err); got != tt.want || slipway.FixOf(err) != tt.fix || slipway.KindOf(err) != tt.kind {
				t.Errorf("got %s (%s)\n-> %s\nwant %s\n-> %s", got, slipway.KindOf(err), slipway.FixOf(err), tt.want, tt.fix)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestABucketElsewhere(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	awstest.Run(t, "s3api", "create-bucket", "--bucket", "artifacts-prod", "--create-bucket-configuration", "LocationConstraint=eu-west-1")
	_, err := account(t, nil).Plan(t.Context(), setup(t))
	const want = "the bucket artifacts-prod is in another region eu-west-1 than the environment prod, which is in us-east-1"
	if err == nil || err.Error() != want || slipway.KindOf(err) != slipway.Conflict {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOpenNeedsAPlace(t *testing.T) {
	_, err := awssetup.Open(t.Context(), awsauth.Options{Environment: "prod", Account: awstest.Account}, nil)
	if err == nil || err.Error() != "environment prod has no AWS account or no region" || slipway.FixOf(err) != "write account and region below environments.prod in platform.yaml" {
		t.Errorf("got %v -> %s", err, slipway.FixOf(err))
	}
}

// Another account's credentials change nothing: nothing is even asked with them.
func TestCredentialsOfAnotherAccount(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	a, err := awssetup.Open(t.Context(), awsauth.Options{Environment: "prod", Account: "210987654321", Region: awstest.Region, Environ: os.Environ()},
		func(context.Context, time.Duration) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Plan(t.Context(), setup(t))
	if err == nil || !strings.Contains(err.Error(), awstest.Account) || !strings.Contains(err.Error(), "210987654321") || slipway.FixOf(err) == "" {
		t.Errorf("got %v -> %s", err, slipway.FixOf(err))
	}
}

// A stubborn AWS never shows what was made.
type stubborn struct{ t *testing.T }

func (f stubborn) Do(r *http.Request) (*http.Response, error) {
	if formOf(f.t, r).Get("Action") == "GetRolePolicy" {
		return answer(404, "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>not there</Message></Error></ErrorResponse>"), nil
	}
	return wire{}.Do(r)
}

func TestWhatIsNeverSeen(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	a, s := account(t, stubborn{t}), setup(t)
	err := a.Apply(t.Context(), s, plan(t, a, s), func(awssetup.Step) {})
	const want = "all was done, and AWS still shows another policy slipway of the role traffic"
	if err == nil || err.Error() != want || slipway.FixOf(err) != "somebody else may be changing it: look at the plan again" {
		t.Errorf("got %v -> %s", err, slipway.FixOf(err))
	}
}
