package awssetup_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/awssetup"
	"github.com/slipway-cd/slipway/awssetup/access"
)

// withoutResources is the deployer's policy for moto, which knows the resource of no
// call but those of S3, and so takes only statements about all of them.
func withoutResources(t *testing.T, s awssetup.Setup) string {
	t.Helper()
	d := access.Deployer(s.Place, s.Job)
	for i, statement := range d.Statement {
		if !strings.HasPrefix(statement.Action[0], "s3:") {
			d.Statement[i].Resource = access.List{"*"}
		}
	}
	return d.Compact()
}

// The deployer may do what it is for and nothing else, by an IAM that is not ours
// and through the real AWS CLI.
func TestWhatTheDeployerMayDo(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	s := setup(t)
	s.People = []string{"arn:aws:iam::123456789012:role/platform"}
	done := apply(t, opened(t, nil), s)
	if slices.Contains(done, "add bucket-policy") {
		t.Error("an emulator without TLS gets a policy that shuts everybody out")
	}
	awstest.Run(t, "iam", "put-role-policy", "--role-name", s.Place.Deployer, "--policy-name", "slipway", "--policy-document", withoutResources(t, s))
	var assumed struct {
		Credentials struct {
			ID              string `json:"AccessKeyId"`
			SecretAccessKey string
			SessionToken    string
		}
	}
	answer := awstest.Run(t, "sts", "assume-role", "--role-arn", s.Place.DeployerARN, "--role-session-name", "ci")
	if err := json.Unmarshal([]byte(answer), &assumed); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "job.py")
	if err := os.WriteFile(script, []byte("print(1)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	awstest.Enforce(t, moto)
	t.Setenv("AWS_ACCESS_KEY_ID", assumed.Credentials.ID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", assumed.Credentials.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", assumed.Credentials.SessionToken)
	const job = "Traffic ETL"
	for _, may := range [][]string{
		{"s3api", "put-object", "--bucket", "artifacts-prod", "--key", "slipway/traffic-etl/x/job.py", "--body", script},
		{"s3api", "head-object", "--bucket", "artifacts-prod", "--key", "slipway/traffic-etl/x/job.py"},
		{"s3api", "list-objects-v2", "--bucket", "artifacts-prod"},
		{"glue", "create-job", "--name", job, "--role", "traffic", "--command", "Name=glueetl,ScriptLocation=s3://artifacts-prod/slipway/traffic-etl/x/job.py"},
		{"glue", "update-job", "--job-name", job, "--job-update", "Role=traffic,Command={Name=glueetl}"},
		{"glue", "get-job", "--job-name", job},
		{"glue", "get-tags", "--resource-arn", "arn:aws:glue:us-east-1:123456789012:job/" + job},
		{"glue", "create-trigger", "--name", job + "-schedule", "--type", "SCHEDULED", "--schedule", "cron(0 3 * * ? *)", "--actions", "JobName=" + job},
		{"glue", "get-triggers", "--dependent-job-name", job},
		{"glue", "delete-trigger", "--name", job + "-schedule"},
		{"glue", "start-job-run", "--job-name", job},
		{"glue", "get-job-runs", "--job-name", job},
		{"glue", "delete-job", "--job-name", job},
		{"iam", "get-role", "--role-name", "traffic"},
		{"logs", "describe-log-groups", "--log-group-name-prefix", "/aws-glue/jobs"},
	} {
		awstest.Run(t, may...)
	}
	for action, mayNot := range map[string][]string{
		"s3:DeleteObject":       {"s3api", "delete-object", "--bucket", "artifacts-prod", "--key", "slipway/traffic-etl/x/job.py"},
		"s3:PutBucketPolicy":    {"s3api", "put-bucket-policy", "--bucket", "artifacts-prod", "--policy", "{}"},
		"iam:PutRolePolicy":     {"iam", "put-role-policy", "--role-name", "slipway-prod-deployer", "--policy-name", "slipway", "--policy-document", "{}"},
		"iam:CreateAccessKey":   {"iam", "create-access-key", "--user-name", "x"},
		"glue:CreateConnection": {"glue", "create-connection", "--connection-input", "Name=x,ConnectionType=NETWORK,ConnectionProperties={}"},
		"glue:GetJobs":          {"glue", "get-jobs"},
	} {
		out, err := exec.CommandContext(t.Context(), awstest.CLI(t), mayNot...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "AccessDenied") {
			t.Errorf("the deployer may %s: %s", action, out)
		}
	}
}
