package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/awssetup"
)

// bootstrapping is somebody who sets an environment up.
type bootstrapping struct {
	dir      string
	answer   string // to the question
	terminal bool
}

// run returns the exit code, what went to stdout and what to stderr.
func (b bootstrapping) run(t *testing.T, args ...string) (code int, out, talk string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Main(t.Context(), Env{
		Args: append([]string{"aws", "bootstrap", "prod"}, args...), Dir: b.dir, Environ: os.Environ(), Clock: time.Now,
		Stdin: strings.NewReader(b.answer), Stdout: &stdout, Stderr: &stderr, Terminal: b.terminal,
		Account: func(ctx context.Context, e slipway.Environment) (*awssetup.Account, error) {
			return awssetup.Open(ctx, awsauth.Options{Environment: e.Name, Account: e.Account, Region: e.Region}, func(context.Context, time.Duration) error { return nil })
		},
	})
	return code, stdout.String(), stderr.String()
}

func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"job.py":        "print(1)\n",
		"slipway.yaml":  "slipway: v1\napp: etl\nshape: glue-job\nbuild: {script: job.py}\nrun: {role: etl, arguments: {out: s3://curated}}\n",
		"platform.yaml": "slipway: v1\nenvironments:\n  prod: {runtime: glue, account: \"" + awstest.Account + "\", region: " + awstest.Region + ", repository: s3://artifacts-prod}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"init", "-q"},
		{"remote", "add", "origin", "https://github.com/Acme/etl.git"},
		{"add", "."},
		{"-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "an app"},
	} {
		if out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	return dir
}

func TestBootstrapAsks(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	b := bootstrapping{dir: project(t)}
	code, out, talk := b.run(t)
	if code != exitBlocked || !strings.Contains(out, "  + bucket artifacts-prod: in us-east-1\n") || !strings.HasSuffix(talk, "slipway: nothing was changed: nobody has agreed to the plan\n  -> look at the plan, then call again with --yes\n") {
		t.Errorf("without a terminal: %d\n%s%s", code, out, talk)
	}
	const question = "make these 11 changes in the account 123456789012? [y/N] "
	b.terminal = true
	for _, no := range []string{"", "\n", "n\n", "nay\n"} {
		b.answer = no
		if code, _, talk := b.run(t); code != exitBlocked || !strings.Contains(talk, question) || strings.Contains(talk, "done: ") {
			t.Errorf("answered %q: %d\n%s", no, code, talk)
		}
	}
	if roles := awstest.Run(t, "iam", "list-roles", "--query", "Roles[].RoleName"); strings.TrimSpace(roles) != "[]" {
		t.Errorf("there are roles before anybody agreed: %s", roles)
	}
	b.answer = "y\n"
	code, _, talk = b.run(t)
	if code != exitOK || !strings.Contains(talk, question) || !strings.Contains(talk, "done: role slipway-prod-deployer, and who may become it") ||
		!strings.Contains(talk, "now write below environments.prod in platform.yaml:\n  role: arn:aws:iam::123456789012:role/slipway-prod-deployer\n  plan_role: arn:aws:iam::123456789012:role/slipway-prod-planner\n") {
		t.Errorf("answered y: %d\n%s", code, talk)
	}
	b.answer = ""
	code, out, talk = b.run(t)
	if code != exitOK || strings.ContainsAny(out, "+~") || !strings.Contains(talk, "all is there") {
		t.Errorf("again: %d\n%s%s", code, out, talk)
	}
	code, out, _ = b.run(t, "--data", "--dry-run", "--trust", "arn:aws:iam::123456789012:user/ann")
	if code != exitOK || !strings.Contains(out, "  + policy slipway-data of the role etl\n") || !strings.Contains(out, "      +      \"Sid\": \"People\",\n") {
		t.Errorf("with more: %d\n%s", code, out)
	}
	code, out, talk = b.run(t, "--data", "--yes", "--json")
	if code != exitOK || !strings.Contains(out, `"id": "job-data"`) || talk != "" {
		t.Errorf("for machines: %d\n%s%s", code, out, talk)
	}
	awstest.Run(t, "iam", "get-role-policy", "--role-name", "etl", "--policy-name", "slipway-data")
}

// A deployer that was made when plans were still made with it lets pull requests in.
func TestBootstrapWarnsOfADeployerForPullRequests(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	b := bootstrapping{dir: project(t)}
	const warning = "  slipway-prod-deployer lets in what runs in prod-plan on GitHub, which may be a pull request that nobody has read; " +
		"slipway-prod-planner is for that, and --exact takes it out of slipway-prod-deployer\n"
	if code, _, talk := b.run(t, "--yes", "--github-environment", "prod", "--github-environment", "prod-plan"); code != exitOK || !strings.Contains(talk, warning) {
		t.Errorf("made so: %d\n%s", code, talk)
	}
	if code, _, talk := b.run(t, "--yes"); code != exitOK || !strings.Contains(talk, warning) {
		t.Errorf("left so: %d\n%s", code, talk)
	}
	if code, _, talk := b.run(t, "--yes", "--exact"); code != exitOK || strings.Contains(talk, warning) {
		t.Errorf("exactly: %d\n%s", code, talk)
	}
	if code, _, talk := b.run(t, "--yes"); code != exitOK || strings.Contains(talk, warning) {
		t.Errorf("afterwards: %d\n%s", code, talk)
	}
}
