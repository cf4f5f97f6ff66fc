//go:build linux && amd64

package main_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/awsauth/awstest"
)

const deployer = "arn:aws:iam::123456789012:role/slipway-prod-deployer"

// A policy is one of IAM's, as Slipway prints it.
type policy struct {
	Version   string
	Statement []map[string]any
}

// policyOf is the deployer's policy as `slipway aws policy` prints it, for moto, which
// knows the resource of no call but those of S3, and so takes only statements about
// all of them.
func (c clone) policyOf(t *testing.T) policy {
	t.Helper()
	var p policy
	parse(t, c.must(t, "aws", "policy", "prod", "deployer", "--quiet"), &p)
	for _, s := range p.Statement {
		if !strings.HasPrefix(actions(s)[0], "s3:") {
			s["Resource"] = "*"
		}
	}
	return p
}

func actions(statement map[string]any) []string {
	if one, ok := statement["Action"].(string); ok {
		return []string{one}
	}
	var list []string
	for _, action := range statement["Action"].([]any) {
		list = append(list, action.(string))
	}
	return list
}

// but is the policy without an action.
func (p policy) but(action string) policy {
	out := policy{Version: p.Version}
	for _, s := range p.Statement {
		left := slices.DeleteFunc(actions(s), func(a string) bool { return a == action })
		if len(left) == 0 {
			continue
		}
		out.Statement = append(out.Statement, map[string]any{"Effect": "Allow", "Action": left, "Resource": s["Resource"]})
	}
	return out
}

// as is the account for who has a role with a policy.
func (c cloud) as(t *testing.T, role string, p policy) cloud {
	t.Helper()
	document, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	c.cli(t, "iam", "create-role", "--role-name", role, "--assume-role-policy-document", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`)
	c.cli(t, "iam", "put-role-policy", "--role-name", role, "--policy-name", "slipway", "--policy-document", string(document))
	var assumed struct {
		Credentials struct {
			ID     string `json:"AccessKeyId"`
			Secret string `json:"SecretAccessKey"`
			Token  string `json:"SessionToken"`
		}
	}
	parse(t, c.cli(t, "sts", "assume-role", "--role-arn", "arn:aws:iam::123456789012:role/"+role, "--role-session-name", "ci"), &assumed)
	c.AWS = &awstest.AWS{URL: c.URL, Environ: append(slices.Clone(c.Environ),
		"AWS_ACCESS_KEY_ID="+assumed.Credentials.ID, "AWS_SECRET_ACCESS_KEY="+assumed.Credentials.Secret, "AWS_SESSION_TOKEN="+assumed.Credentials.Token)}
	return c
}

// A role that may not do one of the things that a deployment takes is told which,
// and what to add to its policy; nothing is half done then, and with the line added
// it goes on.
func TestRoleThatMayNotOnGlue(t *testing.T) {
	t.Parallel()
	aws := newCloud(t)
	c := newGlueApp(t, aws)
	c.must(t, "ship", "prod")
	before, _ := aws.shown(t)
	c.nextVersion(t)
	full := c.policyOf(t)
	refused := aws.as(t, "no-update", full.but("glue:UpdateJob"))
	noRuns := aws.as(t, "no-runs", full.but("glue:StartJobRun"))
	noRead := aws.as(t, "no-read", full.but("glue:GetJob"))
	allowed := aws.as(t, "all", full)
	awstest.Enforce(t, aws.URL)

	const job = "arn:aws:glue:us-east-1:123456789012:job/traffic"
	says := func(action, role string) []string {
		return []string{
			"AWS refuses " + action + " on " + job + " to arn:aws:sts::123456789012:assumed-role/" + role + "/ci",
			"-> add to the policy of the role " + role + `: {"Effect":"Allow","Action":"` + action + `","Resource":"` + job + `"}`,
		}
	}
	c.at(noRead).says(t, 5, words("plan --source prod"), says("glue:GetJob", "no-read")...)
	c.at(refused).says(t, 5, words("ship prod"), says("glue:UpdateJob", "no-update")...)
	after, _ := refused.shown(t)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("what was refused changed the job:\n%s", diff)
	}
	c.at(refused).says(t, 0, words("history prod"), "failed", "glue:UpdateJob")
	c.at(refused).says(t, 0, words("drift prod"), "as it was deployed")

	c = c.at(allowed)
	c.must(t, "ship", "prod")
	got, _ := c.look(t, "prod")
	if diff := cmp.Diff([]string{"1 of v1 deployed", "2 of v2 failed", "3 of v2 deployed"}, got.Environments["prod"].Deployments); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.at(noRuns).says(t, 5, words("run prod"), says("glue:StartJobRun", "no-runs")...)
	c.says(t, 0, words("runs prod"), "no runs yet")
	c.must(t, "run", "prod", "--detach")
}

// In a run of GitHub Actions there is no key: what its token says decides.
func TestGitHubTokenOnGlue(t *testing.T) {
	aws := newCloud(t)
	c := newGlueApp(t, aws)
	c.git(t, "remote", "add", "origin", "git@github.com:acme/traffic.git")
	c.change(t, "platform.yaml", "region: us-east-1", "region: us-east-1, role: \""+deployer+"\"")
	c.commit(t, "the deployer")
	trust := c.must(t, "aws", "policy", "prod", "deployer-trust", "--quiet")
	prod := awstest.Workflow{
		Subject: "repo:acme/traffic:environment:prod", Repository: "acme/traffic", Ref: "refs/heads/main", Environment: "prod", Event: "push",
	}
	runs := func(w awstest.Workflow) (clone, *awstest.STS) {
		t.Helper()
		github := awstest.NewGitHub(t, time.Now, w)
		sts := awstest.NewSTS(t, awstest.STSConfig{GitHub: github, Trust: map[string]string{deployer: trust}, Clock: time.Now})
		c := c
		c.env = slices.Concat(aws.Environ, github.Environ(), []string{"AWS_ENDPOINT_URL_STS=" + sts.URL, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="})
		return c, sts
	}
	const refused = "the role " + deployer + " is refused to this GitHub Actions run for environment prod: "
	for _, tt := range []struct {
		name   string
		change func(*awstest.Workflow)
		says   []string
	}{
		{
			"wrong branch", func(w *awstest.Workflow) {
				w.Subject, w.Ref, w.Environment = "repo:acme/traffic:ref:refs/heads/try", "refs/heads/try", ""
			},
			[]string{refused, "repo:acme/traffic:ref:refs/heads/try"},
		},
		{
			"fork", func(w *awstest.Workflow) {
				w.Subject, w.Repository = "repo:eve/traffic:environment:prod", "eve/traffic"
			},
			[]string{refused, "repo:eve/traffic:environment:prod"},
		},
		{"wrong audience", func(w *awstest.Workflow) { w.Audience = "https://github.com/acme" }, []string{refused + "the token is for another audience", "https://github.com/acme"}},
		{"expired", func(w *awstest.Workflow) { w.Lifetime = -time.Minute }, []string{refused + "the token had expired at "}},
		{"forged", func(w *awstest.Workflow) { w.Forged = true }, []string{refused + "the token is not one of GitHub's"}},
	} {
		w := prod
		tt.change(&w)
		at, _ := runs(w)
		t.Log(tt.name)
		at.says(t, 5, words("ship prod"), append(tt.says, "\n  -> ")...)
	}
	if keys := awstest.Keys(t, aws.URL, "acme-artifacts"); len(keys) > 0 {
		t.Errorf("somebody who was refused left %v", keys)
	}

	at, sts := runs(prod)
	a := at.says(t, 0, words("ship prod"), "is live in prod")
	if strings.Contains(a.stdout+a.stderr, "secret-of-") || strings.Contains(a.stdout+a.stderr, "session-of-") {
		t.Errorf("it shows its credentials:\n%s%s", a.stdout, a.stderr)
	}
	job, _ := aws.shown(t)
	if job["Role"] != "traffic-job" {
		t.Errorf("AWS has %v", job)
	}
	if n := strings.Count(strings.Join(sts.Calls(), " "), "AssumeRoleWithWebIdentity"); n != 1 {
		t.Errorf("it signed in %d times: %v", n, sts.Calls())
	}
	for _, key := range awstest.Keys(t, aws.URL, "acme-artifacts") {
		if text := string(awstest.Send(t, http.MethodGet, aws.URL+"/acme-artifacts/"+key, "")); strings.Contains(text, "secret-of-") || strings.Contains(text, "session-of-") {
			t.Errorf("%s holds credentials", key)
		}
	}
}
