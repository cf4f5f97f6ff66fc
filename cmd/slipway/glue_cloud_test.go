//go:build linux && amd64

package main_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/awsauth/awstest"
)

// A cloud is an AWS account with the bucket acme-artifacts and the role traffic-job.
type cloud struct {
	*awstest.AWS
}

// trustGlue lets Glue assume a role.
const trustGlue = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

func newCloud(t *testing.T) cloud {
	t.Helper()
	c := cloud{awstest.Start(t)}
	awstest.Send(t, http.MethodPut, c.URL+"/acme-artifacts", "")
	c.cli(t, "iam", "create-role", "--role-name", "traffic-job", "--assume-role-policy-document", trustGlue)
	return c
}

// copy is the account as it is now, to be used apart.
func (c cloud) copy(t *testing.T) cloud {
	t.Helper()
	return cloud{c.Copy(t)}
}

// cli runs the real AWS CLI.
func (c cloud) cli(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(awstest.CLI(t), args...)
	cmd.Env = append(append(os.Environ(), c.Environ...), "AWS_PAGER=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// glue sends a call of Glue as it is on the wire, fields included that no SDK knows,
// and returns the answer.
func (c cloud) glue(t *testing.T, call string, input any) map[string]any {
	t.Helper()
	body, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSGlue."+call)
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/glue/aws4_request, SignedHeaders=host, Signature=x")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if len(text) > 0 {
		parse(t, string(text), &answer)
	}
	if answer["__type"] != nil {
		t.Logf("%s: %v", call, answer)
	}
	return answer
}

// changing are the fields of jobs and triggers that tell when something was done.
var changing = []string{"CreatedOn", "LastModifiedOn"}

// jobs are all jobs with their tags, and all triggers: what runs will find, by a way
// that is not Slipway's.
func (c cloud) jobs(t *testing.T) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, kind := range []string{"Job", "Trigger"} {
		list, _ := c.glue(t, "Get"+kind+"s", map[string]any{})[kind+"s"].([]any)
		for _, one := range list {
			thing := one.(map[string]any)
			for _, field := range changing {
				delete(thing, field)
			}
			name := strings.ToLower(kind) + "/" + thing["Name"].(string)
			all[name] = thing
			all["tags of "+name] = c.glue(t, "GetTags", map[string]any{"ResourceArn": "arn:aws:glue:us-east-1:123456789012:" + name})["Tags"]
		}
	}
	return all
}

// shown is what the real AWS CLI shows of the job traffic and its schedule.
func (c cloud) shown(t *testing.T) (job, trigger map[string]any) {
	t.Helper()
	parse(t, c.cli(t, "glue", "get-job", "--job-name", "traffic", "--query", "Job"), &job)
	parse(t, c.cli(t, "glue", "get-trigger", "--name", "traffic-schedule", "--query", "Trigger"), &trigger)
	for _, field := range changing {
		delete(job, field)
	}
	return job, trigger
}

// runs are the marker arguments of all runs that were started, oldest first; "" for
// one without.
func (c cloud) runs(t *testing.T) []string {
	t.Helper()
	list, _ := c.glue(t, "GetJobRuns", map[string]any{"JobName": "traffic"})["JobRuns"].([]any)
	markers := []string{}
	for _, one := range list {
		arguments, _ := one.(map[string]any)["Arguments"].(map[string]any)
		marker, _ := arguments["--slipway-run"].(string)
		markers = append([]string{marker}, markers...)
	}
	return markers
}

// edit changes fields of the job as somebody does in the console, who keeps the rest.
func (c cloud) edit(t *testing.T, fields map[string]any) {
	t.Helper()
	job := c.glue(t, "GetJob", map[string]any{"JobName": "traffic"})["Job"].(map[string]any)
	for _, field := range append([]string{"Name", "AllocatedCapacity", "MaxCapacity"}, changing...) {
		delete(job, field)
	}
	maps.Copy(job, fields)
	if answer := c.glue(t, "UpdateJob", map[string]any{"JobName": "traffic", "JobUpdate": job}); answer["JobName"] != "traffic" {
		t.Fatalf("UpdateJob answers %v", answer)
	}
}

// at is the clone with its commands at work in an account.
func (c clone) at(aws cloud) clone {
	c.env = aws.Environ
	return c
}

// newGlueApp is a clone of an app whose job is on Glue, with a remote repository
// beside it from which others may clone it.
func newGlueApp(t *testing.T, aws cloud) clone {
	t.Helper()
	c := newClone(t).at(aws)
	c.write(t, "traffic.py", "print('busy roads, version 1')\n")
	c.write(t, ".gitignore", "/.slipway/\n")
	c.write(t, "platform.yaml", `slipway: v1
environments:
  prod: {runtime: glue, account: "123456789012", region: us-east-1, repository: "s3://acme-artifacts/slipway?use_path_style=true"}
`)
	c.write(t, "slipway.yaml", `slipway: v1
app: traffic
shape: glue-job
build: {script: traffic.py}
run:
  role: traffic-job
  glue_version: "5.0"
  worker_type: G.1X
  workers: 2
  timeout: 60m
  max_concurrent_runs: 5
  arguments: {source: s3://acme-raw/counts/}
  schedule: "0 3 * * 1-5"
`)
	c.commit(t, "version 1")
	return c
}

// nextVersion changes the script and nothing else.
func (c clone) nextVersion(t *testing.T) {
	t.Helper()
	c.change(t, "traffic.py", "version 1", "version 2")
	c.commit(t, "version 2")
}

// publish puts the repository where others may clone it.
func (c clone) publish(t *testing.T) string {
	t.Helper()
	remote := filepath.Join(t.TempDir(), "traffic.git")
	c.git(t, "init", "-q", "--bare", "-b", "main", remote)
	c.git(t, "remote", "add", "origin", remote)
	c.git(t, "push", "-q", "-u", "origin", "main")
	return remote
}

// newRunner is a machine that has nothing but a clone of a remote repository.
func newRunner(t *testing.T, aws cloud, remote string) clone {
	t.Helper()
	c := newClone(t).at(aws)
	c.git(t, "remote", "add", "origin", remote)
	c.git(t, "pull", "-q", "origin", "main")
	return c
}

// says proves that a command ends so and says all the texts.
func (c clone) says(t *testing.T, code int, words []string, texts ...string) answer {
	t.Helper()
	a := c.ask(t, words...)
	if a.code != code {
		t.Errorf("slipway %s: exit code %d, not %d\n%s%s", strings.Join(words, " "), a.code, code, a.stdout, a.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(a.stdout+a.stderr, text) {
			t.Errorf("slipway %s does not say %q:\n%s%s", strings.Join(words, " "), text, a.stdout, a.stderr)
		}
	}
	return a
}

func words(text string) []string { return strings.Fields(text) }
