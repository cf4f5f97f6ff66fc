package glue_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue"
)

func TestWhatRunsWouldMissIsSaidBefore(t *testing.T) {
	w := newMotoWorld(t)
	w.role("lambda", strings.ReplaceAll(trustGlue, "glue.", "lambda."))
	h := w.deploy(driver.PlanRequest{Target: w.target("v0", nil)})
	for _, c := range []struct {
		run  map[string]any
		kind slipway.Kind
		want string
	}{
		{map[string]any{"role": "none"}, slipway.Unavailable, "run.role: there is no role none in this account\ncorrect run.role, or make the role: slipway aws bootstrap prod"},
		{
			map[string]any{"role": "arn:aws:iam::123456789012:role/lambda"}, slipway.Invalid, "run.role: the role lambda does not let AWS Glue assume it\n" +
				`add to its trust policy: {"Effect": "Allow", "Principal": {"Service": "glue.amazonaws.com"}, "Action": "sts:AssumeRole"}`,
		},
		{map[string]any{"role": nil}, slipway.Invalid, "run has no role, which AWS Glue needs\nwrite the IAM role that runs assume: role: AWSGlueServiceRole-Name"},
		{
			map[string]any{"connections": []any{"redshift"}},
			slipway.Unavailable,
			"run.connections: there is no connection redshift in us-east-1\nmake it in the console (AWS Glue, Data connections), or correct its name",
		},
		{
			map[string]any{"glue_version": "2.0"},
			slipway.Invalid,
			"run.glue_version: AWS ended Glue 2.0 on 2026-04-01\nwrite a newer one, such as \"5.1\"; its Python and Spark are newer too",
		},
		{
			map[string]any{"role": "none", "connections": []any{"redshift"}},
			slipway.Unavailable,
			"AWS lacks what the job needs:\n  run.role: there is no role none in this account\n    -> correct run.role, or make the role: slipway aws bootstrap prod\n" +
				"  run.connections: there is no connection redshift in us-east-1\n    -> make it in the console (AWS Glue, Data connections), or correct its name",
		},
	} {
		target := w.target("v1", c.run)
		_, err := w.driver().Plan(t.Context(), driver.PlanRequest{Target: target})
		wantRunError(t, err, c.kind, c.want)
		p, err := w.driver().Plan(t.Context(), driver.PlanRequest{Target: target, Live: h, Restore: h})
		if err != nil || len(p.Warnings) == 0 || !strings.Contains(c.want, p.Warnings[0]+"\n") {
			t.Errorf("a rollback is refused, or does not warn: %v, %q", err, p.Warnings)
		}
	}
}

func TestABucketThatIsNotThere(t *testing.T) {
	w := newMotoWorld(t)
	target := w.target("v1", nil)
	elsewhere := func(c *glue.Config) {
		c.Notes, c.Environment.Repository, c.Environment.Assets = nil, "file:///releases", "s3://none/assets"
	}
	_, err := w.driver(elsewhere).Plan(t.Context(), driver.PlanRequest{Target: target})
	wantRunError(t, err, slipway.Unavailable, "there is no bucket none, where the script is to lie\n"+
		"make it: slipway aws bootstrap prod; or correct the environment's repository in platform.yaml")
	_, err = w.driver(elsewhere, func(c *glue.Config) { c.Environment.Assets = "" }).Plan(t.Context(), driver.PlanRequest{Target: target})
	wantRunError(t, err, slipway.Invalid, "prod has no bucket from which AWS Glue could fetch the script\n"+
		"in platform.yaml, give environments.prod a repository in a bucket (repository: s3://bucket/prefix) or a place for what jobs fetch (assets: s3://bucket/prefix)")
}

// blobMap is a repository that Glue cannot reach.
type blobMap map[string]string

func (b blobMap) Open(_ context.Context, key string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(b[key])), nil
}

func (blobMap) URL(key string) string { return "file:///releases/" + key }

// TestFilesOfAFolderGoToTheAssets deploys from a repository that is no bucket.
func TestFilesOfAFolderGoToTheAssets(t *testing.T) {
	w := newMotoWorld(t)
	awstest.Bucket(t, *w.aws.BaseEndpoint, "assets")
	target := w.target("v1", nil)
	script := target.Artifacts[0]
	blobs := blobMap{script.Key: "print('v1')"}
	d := w.driver(func(c *glue.Config) {
		c.Notes, c.Environment.Repository, c.Environment.Assets = nil, "file:///releases", "s3://assets/prod/?ssetype=AES256&tagging=true"
	})
	p, err := d.Plan(t.Context(), driver.PlanRequest{Target: target})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := d.Apply(t.Context(), p, blobs); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"prod/" + script.Key}, awstest.Keys(t, *w.aws.BaseEndpoint, "assets")); diff != "" {
		t.Errorf("the assets (-want +got):\n%s", diff)
	}
	where := shown(t, "glue", "get-job", "--job-name", "traffic")["Job"].(map[string]any)["Command"].(map[string]any)["ScriptLocation"]
	if where != "s3://assets/prod/"+script.Key {
		t.Errorf("the script lies at %v", where)
	}
	if tags := awstest.Run(t, "s3api", "get-object-tagging", "--bucket", "assets", "--key", "prod/"+script.Key, "--query", "TagSet[0].[Key,Value]", "--output", "text"); tags != "slipway:app\ttraffic\n" {
		t.Errorf("the tags are %q", tags)
	}
	if kind := awstest.Run(t, "s3api", "head-object", "--bucket", "assets", "--key", "prod/"+script.Key, "--query", "ServerSideEncryption", "--output", "text"); kind != "AES256\n" {
		t.Errorf("it is encrypted by %q", kind)
	}
	client := s3.NewFromConfig(w.aws, func(o *s3.Options) { o.UsePathStyle = true })
	in := &s3.PutObjectInput{Bucket: aws.String("assets"), Key: aws.String("prod/" + script.Key), Body: bytes.NewReader([]byte("mine"))}
	if _, err := client.PutObject(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, err = d.Apply(t.Context(), p, blobs)
	if slipway.KindOf(err) != slipway.Conflict || !strings.Contains(err.Error(), "s3://assets/prod/"+script.Key+" is not what was released") {
		t.Errorf("other bytes under the same key: %v", err)
	}
}

func TestTargetsThatCannotRunHere(t *testing.T) {
	w := newDeployWorld(t)
	long := strings.Repeat("x", 270<<10)
	for _, c := range []struct {
		run  map[string]any
		want string
	}{
		{map[string]any{"type": "glueray"}, "run.type: \"glueray\" is no type of job that Slipway deploys\nwrite glueetl, gluestreaming or pythonshell"},
		{map[string]any{"workers": 2.5}, "run.workers: 2.5 is no whole number"},
		{
			map[string]any{"arguments": map[string]any{"password": map[string]any{"secret": "redshift/password"}}},
			"run.arguments.password is the secret redshift/password, and AWS Glue shows arguments in its console and its logs\n" +
				"pass the secret's name and let the script read it from AWS Secrets Manager, or use a connection",
		},
		{
			map[string]any{"arguments": map[string]any{"url": "jdbc:postgresql://etl:hunter22@db/x"}},
			"run.arguments.url looks like a secret, and AWS Glue shows arguments in its console and its logs\n" +
				"take it out of the manifest and replace it, for it is known now; then pass the name of a secret in AWS Secrets Manager, or use a connection",
		},
		{map[string]any{"arguments": map[string]any{"JOB_NAME": "x"}}, "run.arguments.JOB_NAME: AWS Glue or Slipway sets this argument itself\ntake it out, or take another name"},
		{map[string]any{"non_overridable_arguments": map[string]any{"slipway-run": "x"}}, "run.non_overridable_arguments.slipway-run: AWS Glue or Slipway sets this argument itself\ntake it out, or take another name"},
		{
			map[string]any{"arguments": map[string]any{"extra-py-files": "s3://a"}, "extra_py_files": []any{"s3://b"}},
			"run.arguments.extra-py-files and run.extra_py_files say the same thing twice\ntake run.arguments.extra-py-files out",
		},
		{map[string]any{"arguments": map[string]any{"text": long}}, "the arguments of traffic have 270 KB, and AWS Glue takes 260 KB\nput what is long into a file in S3, and pass where it lies"},
		{map[string]any{"tags": map[string]any{"slipway:app": "x"}}, "run.tags.slipway:app: tags that begin like this are not yours to set\ntake another name"},
	} {
		_, err := w.driver().Plan(t.Context(), driver.PlanRequest{Target: w.target("v1", c.run)})
		wantRunError(t, err, slipway.Invalid, c.want)
	}
	other := w.target("v1", nil)
	other.Shape = "python-job"
	_, err := w.driver().Plan(t.Context(), driver.PlanRequest{Target: other})
	wantRunError(t, err, slipway.Invalid, "the shape \"python-job\" does not run on AWS Glue\n"+
		"take the shape glue-job, or an environment with another runtime; slipway shapes shows which goes where")
	other = w.target("v1", nil)
	other.Artifacts = nil
	_, err = w.driver().Plan(t.Context(), driver.PlanRequest{Target: other})
	wantRunError(t, err, slipway.Invalid, "the release of traffic holds no script to run\nname a notebook or a script under build in slipway.yaml")
}

func TestAnArgumentThatSoundsLikeASecretIsAWarning(t *testing.T) {
	w := newDeployWorld(t)
	p := w.plan(driver.PlanRequest{Target: w.target("v1", map[string]any{"arguments": map[string]any{
		"db_password": "x", "secret_name": "prod/redshift", "secret_id": "x", "tokens_path": "s3://x", "source": "y",
	}})})
	want := []string{"run.arguments.db_password sounds like a secret, and AWS Glue shows arguments in its console and its logs: pass a secret's name, or use a connection"}
	if diff := cmp.Diff(want, warnings(p)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// TestFilesGoWhereRunsFindThem puts each kind of file into its argument.
func TestFilesGoWhereRunsFindThem(t *testing.T) {
	for _, c := range []struct {
		kind string
		want map[string]string
	}{
		{"glueetl", map[string]string{
			"--extra-py-files": "modules.zip,helper.py,s3://libs/a.zip", "--additional-python-modules": "own.whl,pyarrow==17.0.0", "--extra-jars": "driver.jar", "--extra-files": "rules.json",
		}},
		{"pythonshell", map[string]string{"--extra-py-files": "modules.zip,helper.py,own.whl,s3://libs/a.zip", "--additional-python-modules": "pyarrow==17.0.0"}},
	} {
		w := newDeployWorld(t)
		target := w.target("v1", map[string]any{
			"type": c.kind, "extra_py_files": []any{"s3://libs/a.zip"}, "additional_python_modules": []any{"pyarrow==17.0.0"},
			"bookmark": nil, "worker_type": nil, "workers": nil, "execution_class": nil,
		})
		names := map[string]string{}
		for _, name := range []string{"modules.zip", "helper.py", "own.whl", "driver.jar", "rules.json"} {
			kind := slipway.KindFile
			if name == "modules.zip" {
				kind = slipway.KindModules
			}
			a := w.artifact("traffic", name, kind, name)
			names[bucketURL+"/"+a.Key] = name
			target.Artifacts = append(target.Artifacts, a)
		}
		p := w.plan(driver.PlanRequest{Target: target})
		w.apply(p)
		got := map[string]string{}
		for name, v := range w.Job("traffic")["DefaultArguments"].(map[string]any) {
			if name == "--source" || name == "--slipway-version" {
				continue
			}
			parts := strings.Split(v.(string), ",")
			for i, part := range parts {
				if names[part] != "" {
					parts[i] = names[part]
				}
			}
			got[name] = strings.Join(parts, ",")
		}
		for name, list := range c.want {
			if diff := cmp.Diff(sortedCopy(strings.Split(list, ",")), sortedCopy(strings.Split(got[name], ","))); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", c.kind, name, diff)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: arguments %v", c.kind, got)
		}
		if told := len(warnings(p)); (c.kind == "pythonshell") != (told == 2) {
			t.Errorf("%s: warnings %q", c.kind, warnings(p))
		}
		target.Artifacts[1] = w.artifact("traffic", "modules.zip", slipway.KindModules, "others")
		wantFields(t, w.plan(driver.PlanRequest{Target: target}).Changes, "update modules")
	}
}

func TestWhoseJobItIs(t *testing.T) {
	w := newDeployWorld(t)
	w.apply(w.plan(driver.PlanRequest{Target: w.target("v1", nil)}))
	other := w.target("v1", map[string]any{"name": "traffic"})
	other.App = "other"
	_, err := w.driver().Plan(t.Context(), driver.PlanRequest{Target: other})
	wantRunError(t, err, slipway.Conflict, "the job traffic is there already, and belongs to traffic in prod\ngive yours another name in run.name; or, if traffic is what this app was called before, write app: traffic once more, slipway remove prod, and ship it under its new name")
	other.Environment = "staging"
	_, err = w.driver().Plan(t.Context(), driver.PlanRequest{Target: other})
	wantRunError(t, err, slipway.Conflict, "the job traffic is there already, and belongs to traffic in prod\ngive it another name in run.name, or slipway remove it there first")
	err = w.driver().Remove(t.Context(), slipway.Handle{App: "other", Environment: "prod", Name: "traffic"})
	wantRunError(t, err, slipway.Conflict, "the job traffic belongs to traffic in prod, so it is not removed")
}
