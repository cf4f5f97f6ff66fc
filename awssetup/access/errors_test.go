package access_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awssetup/access"
)

func TestWhatCannotBeRight(t *testing.T) {
	locate := func(change func(*slipway.Environment)) func() error {
		return func() error {
			e := environment()
			change(&e)
			_, err := access.Locate(e)
			return err
		}
	}
	documents := func(change func(*access.Wanted)) func() error {
		return func() error {
			w := access.Wanted{Place: place(t, environment()), Job: job(), GitHub: gitHub()}
			change(&w)
			_, err := access.Documents(w)
			return err
		}
	}
	tests := []struct {
		name      string
		fails     func() error
		want, fix string
	}{
		{
			"no account", locate(func(e *slipway.Environment) { e.Account = "" }),
			"environment prod has no AWS account", `write it below environments.prod in platform.yaml, such as: account: "123456789012"`,
		},
		{
			"an account of another cloud", locate(func(e *slipway.Environment) { e.Account = "my-project" }),
			"environment prod has no AWS account", `write it below environments.prod in platform.yaml, such as: account: "123456789012"`,
		},
		{
			"no region", locate(func(e *slipway.Environment) { e.Region = "" }),
			"environment prod has no AWS region", "write it below environments.prod in platform.yaml, such as: region: eu-central-1",
		},
		{
			"a role of another account", locate(func(e *slipway.Environment) { e.Role = "arn:aws:iam::210987654321:role/x" }),
			"environment prod is in the account 123456789012, and its role arn:aws:iam::210987654321:role/x is in another",
			"correct account or role of environment prod in platform.yaml",
		},
		{
			"a role for plans of another account", locate(func(e *slipway.Environment) { e.PlanRole = "arn:aws:iam::210987654321:role/x" }),
			"environment prod is in the account 123456789012, and its plan_role arn:aws:iam::210987654321:role/x is in another",
			"correct account or plan_role of environment prod in platform.yaml",
		},
		{
			"a planner that deploys", locate(func(e *slipway.Environment) { e.Role = "arn:aws:iam::123456789012:role/slipway-prod-planner" }),
			"environment prod has the role slipway-prod-planner both to deploy and to plan",
			"give environments.prod in platform.yaml a role and a plan_role of different names",
		},
		{
			"no bucket", locate(func(e *slipway.Environment) { e.Repository = "/srv/artifacts" }),
			"environment prod has no bucket, and Glue fetches its scripts from one",
			"write below environments.prod in platform.yaml: repository: s3://BUCKET/PREFIX, or assets: s3://BUCKET/PREFIX beside a repository that is a folder",
		},
		{
			"a bucket that cannot be", locate(func(e *slipway.Environment) { e.Repository = "s3://My_Bucket" }),
			`"My_Bucket" cannot be a bucket's name`, "take 3 to 63 small letters, digits, dots and hyphens",
		},
		{
			"a prefix that is a pattern", locate(func(e *slipway.Environment) { e.Repository = "s3://bucket/a*" }),
			`the prefix of the bucket is "a*", and IAM would read * in it as any text`,
			"name exactly one thing: a policy that Slipway writes never opens more",
		},
		{
			"no job role", documents(func(w *access.Wanted) { w.Job.Role = "" }),
			"traffic-etl has no role in environment prod, and a Glue job cannot run without",
			"write run.role into slipway.yaml, such as: role: slipway-traffic-etl-prod",
		},
		{
			"a job role that cannot be", documents(func(w *access.Wanted) { w.Job.Role = "a role" }),
			`run.role is "a role", which is neither a role's name nor its ARN`,
			"write run.role into slipway.yaml as a name, or as arn:aws:iam::123456789012:role/NAME",
		},
		{
			"a job role that is a pattern", documents(func(w *access.Wanted) { w.Job.Role = "glue-*" }),
			`run.role is "glue-*", which is neither a role's name nor its ARN`,
			"write run.role into slipway.yaml as a name, or as arn:aws:iam::123456789012:role/NAME",
		},
		{
			"a job role of another account", documents(func(w *access.Wanted) { w.Job.Role = "arn:aws:iam::210987654321:role/x" }),
			"run.role is arn:aws:iam::210987654321:role/x, and environment prod is in the account 123456789012: Glue takes roles of its own account only",
			"write a role of that account into environments.prod.run.role of slipway.yaml",
		},
		{
			"a job's name that is a pattern", documents(func(w *access.Wanted) { w.Job.Name = "etl?" }),
			`the job's name is "etl?", and IAM would read ? in it as any text`,
			"name exactly one thing: a policy that Slipway writes never opens more",
		},
		{
			"a connection's name that is a pattern", documents(func(w *access.Wanted) { w.Job.Connections = []string{"ok", "${aws:username}"} }),
			`the connection's name is "${aws:username}", and IAM would read ${ in it as any text`,
			"name exactly one thing: a policy that Slipway writes never opens more",
		},
		{
			"a log group that is a pattern", documents(func(w *access.Wanted) { w.Job.Arguments["custom-logGroup-prefix"] = "/team*" }),
			`the argument custom-logGroup-prefix is "/team*", and IAM would read * in it as any text`,
			"name exactly one thing: a policy that Slipway writes never opens more",
		},
		{
			"a repository that is a pattern", documents(func(w *access.Wanted) { w.GitHub.Repository = "Acme/*" }),
			`the repository is "Acme/*", and IAM would read * in it as any text`,
			"name exactly one thing: a policy that Slipway writes never opens more",
		},
		{
			"a branch that is a pattern", documents(func(w *access.Wanted) { w.GitHub.Environments, w.GitHub.Branch = nil, "release/*" }),
			`the branch is "release/*", and IAM would read * in it as any text`,
			"name exactly one thing: a policy that Slipway writes never opens more",
		},
		{
			"an environment on GitHub that is a pattern", documents(func(w *access.Wanted) { w.GitHub.Environments = []string{"prod", "*"} }),
			`the environment on GitHub is "*", and IAM would read * in it as any text`,
			"name exactly one thing: a policy that Slipway writes never opens more",
		},
		{
			"no repository on GitHub", documents(func(w *access.Wanted) { w.GitHub.Repository = "etl" }),
			`"etl" is no repository on GitHub`, "name it as owner/name, in capital and small letters as GitHub shows it, with --github",
		},
		{
			"environment and branch", documents(func(w *access.Wanted) { w.GitHub.Branch = "main" }),
			"a subject of GitHub names an environment or a branch, not both",
			"take the environment, and let its rules on GitHub say which branches deploy to it",
		},
		{
			"neither environment nor branch", documents(func(w *access.Wanted) { w.GitHub.Environments = nil }),
			"a role that any workflow of Acme/etl could take is too open",
			"name an environment of GitHub (--github-environment) or a branch (--github-branch)",
		},
		{
			"subjects with numbers that are not known", documents(func(w *access.Wanted) { w.GitHub.Format = access.SubjectIDs }),
			"the numbers of Acme/etl and of its owner are not known, and subjects of the format ids have them",
			"gh api repos/Acme/etl --jq '.owner.id, .id' shows them; give them by --github-owner-id and --github-repository-id",
		},
		{
			"people that are a pattern", documents(func(w *access.Wanted) { w.People = []string{"arn:aws:iam::123456789012:role/*"} }),
			`"arn:aws:iam::123456789012:role/*" is not the ARN of a user or a role`,
			"write it in full, such as arn:aws:iam::123456789012:role/platform; `aws iam get-role --role-name NAME` shows it, and wildcards are not taken",
		},
		{
			"nobody", func() error {
				_, err := access.DeployerTrust(place(t, environment()), access.GitHub{}, nil)
				return err
			},
			"nobody could become slipway-prod-deployer, which deploys: there is no repository on GitHub, and nobody is named",
			"name the repository with --github OWNER/NAME, or people and roles by --trust ARN",
		},
		{
			"a policy that is none", func() error { _, err := access.Parse([]byte(`{"Statement":[{"Action":[{}]}]}`)); return err },
			"this is no IAM policy: {} stands where a text should", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.fails()
			if err == nil || err.Error() != tt.want || slipway.FixOf(err) != tt.fix || slipway.KindOf(err) != slipway.Invalid {
				t.Errorf("got %v (%s)\n-> %s\nwant %s\n-> %s", err, slipway.KindOf(err), slipway.FixOf(err), tt.want, tt.fix)
			}
		})
	}
}

// answer is an error as the SDK makes it of an answer.
type answer struct{ code, message string }

func (a answer) Error() string        { return a.code + ": " + a.message }
func (a answer) ErrorCode() string    { return a.code }
func (a answer) ErrorMessage() string { return a.message }

const ci = "arn:aws:sts::123456789012:assumed-role/slipway-prod-deployer/ci"

// The messages are those that AWS has been seen to send.
func TestDenied(t *testing.T) {
	const job = "arn:aws:glue:eu-west-2:123456789012:job/Copy parking to raw"
	tests := []struct {
		name             string
		err              error
		action, resource string
		want, fix        string
	}{
		{
			"no policy allows it",
			answer{"AccessDeniedException", "User: " + ci + " is not authorized to perform: glue:UpdateJob on resource: " + job + " because no identity-based policy allows the glue:UpdateJob action"},
			"glue:UpdateJob", job,
			"AWS refuses glue:UpdateJob on " + job + " to " + ci,
			`add to the policy of the role slipway-prod-deployer: {"Effect":"Allow","Action":"glue:UpdateJob","Resource":"` + job + `"}` + "\n" +
				"slipway aws policy ENV shows everything that Slipway needs there; slipway aws bootstrap ENV adds it",
		},
		{
			"a role cannot be passed",
			answer{"AccessDeniedException", "User: " + ci + " is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/etl because no identity-based policy allows the iam:PassRole action"},
			"glue:CreateJob", job,
			"AWS refuses iam:PassRole on arn:aws:iam::123456789012:role/etl to " + ci,
			`add to the policy of the role slipway-prod-deployer: {"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/etl","Condition":{"StringEquals":{"iam:PassedToService":"glue.amazonaws.com"}}}` + "\n" +
				"slipway aws policy ENV shows everything that Slipway needs there; slipway aws bootstrap ENV adds it",
		},
		{
			"S3 says nothing more",
			answer{"AccessDenied", "Access Denied"},
			"s3:PutObject", "arn:aws:s3:::b/x/*",
			"AWS refuses s3:PutObject on arn:aws:s3:::b/x/* to these credentials",
			`add to the policy of who is signed in: {"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::b/x/*"}` + "\n" +
				"slipway aws policy ENV shows everything that Slipway needs there; slipway aws bootstrap ENV adds it",
		},
		{
			"a user, and a resource that the message does not name",
			answer{"AccessDeniedException", "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: glue:GetTriggers"},
			"glue:GetTriggers", "*",
			"AWS refuses glue:GetTriggers to arn:aws:iam::123456789012:user/ann",
			`add to the policy of arn:aws:iam::123456789012:user/ann: {"Effect":"Allow","Action":"glue:GetTriggers","Resource":"*"}` + "\n" +
				"slipway aws policy ENV shows everything that Slipway needs there; slipway aws bootstrap ENV adds it",
		},
		{
			"an explicit deny",
			answer{"AccessDeniedException", "User: " + ci + " is not authorized to perform: glue:CreateJob on resource: " + job + " with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/p-1"},
			"glue:CreateJob", job,
			"AWS refuses glue:CreateJob on " + job + " to " + ci + ", by a service control policy: arn:aws:organizations::1:policy/o-1/p-1",
			"another policy that allows it is no help against that: ask those who wrote it to let glue:CreateJob pass on " + job,
		},
		{
			"a boundary",
			answer{"AccessDenied", "User: " + ci + " is not authorized to perform: glue:GetJob on resource: " + job + " because no permissions boundary allows the glue:GetJob action"},
			"glue:GetJob", job,
			"AWS refuses glue:GetJob on " + job + " to " + ci + ", by a permissions boundary, which does not allow it",
			"another policy that allows it is no help against that: ask those who wrote it to let glue:GetJob pass on " + job,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cause := fmt.Errorf("operation error: %w", tt.err)
			got, ok := access.Denied(cause, tt.action, tt.resource)
			if !ok || !errors.Is(got, tt.err) || got.Kind != slipway.Unavailable {
				t.Fatalf("got %v, %v", got, ok)
			}
			if diff := cmp.Diff(tt.want+"\n-> "+tt.fix, got.Error()+"\n-> "+got.Fix); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, err := range []error{nil, errors.New("AccessDenied"), answer{"ThrottlingException", "not authorized to perform: x"}} {
		if got, ok := access.Denied(err, "a", "b"); ok {
			t.Errorf("%v is explained as %v", err, got)
		}
	}
	if got := access.Lack("glue:GetJob", job).Error(); got != "AWS refuses glue:GetJob on "+job+" to these credentials" {
		t.Error(got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("User: " + ci + " is not authorized to perform: a:b on resource: c because no permissions boundary allows the a:b action")
	f.Add("not authorized to perform:  with an explicit deny in ")
	f.Fuzz(func(t *testing.T, message string) {
		if e := access.Read(message).Explain(); e.Message == "" || e.Fix == "" {
			t.Errorf("%q is explained as %+v", message, e)
		}
	})
}
