//go:build linux && amd64

package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/awssetup/access"
)

// A pull request is planned by a role that may write nothing, where the other role of
// the environment may do everything: by an IAM that is not ours.
//
//nolint:tparallel // its parts follow each other: each enforces policies on one account
func TestPlansAreMadeByWhoMayOnlyRead(t *testing.T) {
	t.Parallel()
	aws := newCloud(t)
	c := newGlueApp(t, aws)
	c.git(t, "remote", "add", "origin", "git@github.com:acme/traffic.git")
	c.says(t, 0, words("aws bootstrap prod --yes --trust arn:aws:iam::123456789012:user/runner"), "  plan_role: arn:aws:iam::123456789012:role/slipway-prod-planner\n")
	c.change(t, "platform.yaml", `slipway?use_path_style=true"`,
		`slipway?use_path_style=true", role: "arn:aws:iam::123456789012:role/slipway-prod-deployer", plan_role: "arn:aws:iam::123456789012:role/slipway-prod-planner"`)
	c.commit(t, "roles")
	runner := c.at(aws.runner(t))

	t.Run("before anything is there", func(t *testing.T) {
		awstest.Enforce(t, aws.URL)
		plan := runner.says(t, 0, words("plan --source prod"), "+ script: traffic.py", "+ run.workers: 2")
		hides(t, plan, "could not", "denied")
	})
	if keys := awstest.Keys(t, aws.URL, "acme-artifacts"); len(keys) != 0 {
		t.Errorf("the plan wrote %s", keys)
	}

	c.must(t, "ship", "prod")
	c.must(t, "run", "prod")
	before, jobs := awstest.Keys(t, aws.URL, "acme-artifacts"), aws.jobs(t)
	c.nextVersion(t)
	t.Run("of the next version", func(t *testing.T) {
		awstest.Enforce(t, aws.URL)
		plan := runner.says(t, 0, words("plan --source prod"), "~ script: traffic.py sha256:", "cost: ")
		hides(t, plan, "could not", "denied")
		runner.says(t, 0, words("plan prod"), "traffic in prod: nothing to change")
	})
	t.Run("and nothing else", func(t *testing.T) {
		awstest.Enforce(t, aws.URL)
		runner.says(t, 5, words("ship prod"), "role/slipway-prod-deployer cannot be assumed")
		runner.change(t, "platform.yaml", "slipway-prod-deployer", "slipway-prod-planner")
		runner.change(t, "platform.yaml", `, plan_role: "arn:aws:iam::123456789012:role/slipway-prod-planner"`, "")
		runner.says(t, 5, words("ship --dirty prod"), "cannot write s3://acme-artifacts/slipway/traffic/", "access is denied")
		runner.says(t, 5, words("run prod"), "traffic/runs/prod/", "access is denied")
		runner.change(t, "platform.yaml", "slipway-prod-planner", "slipway-prod-deployer")
	})
	if diff := cmp.Diff(before, awstest.Keys(t, aws.URL, "acme-artifacts")); diff != "" {
		t.Errorf("the repository is another (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(jobs, aws.jobs(t)); diff != "" {
		t.Errorf("the jobs are others (-before +after):\n%s", diff)
	}
}

// runner is the same account for somebody who may become the planner, and nothing else. The
// planner gets the policy that Slipway prints for it, in the words that moto knows.
func (c cloud) runner(t *testing.T) cloud {
	t.Helper()
	var policy access.Document
	parse(t, c.cli(t, "iam", "get-role-policy", "--role-name", "slipway-prod-planner", "--policy-name", "slipway", "--query", "PolicyDocument"), &policy)
	for i, s := range policy.Statement {
		if !strings.HasPrefix(s.Action[0], "s3:") { // of no other service moto knows what a call is about
			policy.Statement[i].Resource = access.List{"*"}
		}
	}
	c.cli(t, "iam", "put-role-policy", "--role-name", "slipway-prod-planner", "--policy-name", "slipway", "--policy-document", policy.Compact())
	c.cli(t, "iam", "create-user", "--user-name", "runner")
	c.cli(t, "iam", "put-user-policy", "--user-name", "runner", "--policy-name", "p", "--policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/slipway-prod-planner"}]}`)
	var made struct{ AccessKeyID, SecretAccessKey string }
	key := c.cli(t, "iam", "create-access-key", "--user-name", "runner", "--query", "AccessKey.{AccessKeyID: AccessKeyId, SecretAccessKey: SecretAccessKey}")
	if err := json.Unmarshal([]byte(key), &made); err != nil {
		t.Fatal(err)
	}
	there := *c.AWS
	there.Environ = append(append([]string{}, c.Environ...), "AWS_ACCESS_KEY_ID="+made.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+made.SecretAccessKey)
	return cloud{&there}
}

// hides proves that a command does not say something.
func hides(t *testing.T, a answer, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.stdout+a.stderr, text) {
			t.Errorf("it says %q:\n%s%s", text, a.stdout, a.stderr)
		}
	}
}
