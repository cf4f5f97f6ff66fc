package glue_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// terraform makes a job as others do, with what no manifest says.
func (w *motoWorld) terraform() {
	w.t.Helper()
	if _, err := s3.NewFromConfig(w.aws, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("releases"), Key: aws.String("scripts/etl.py"), Body: strings.NewReader("print('v1')"),
	}); err != nil {
		w.t.Fatal(err)
	}
	client := awsglue.NewFromConfig(w.aws)
	if _, err := client.CreateJob(w.t.Context(), &awsglue.CreateJobInput{
		Name: aws.String("Traffic ETL"), Role: aws.String("arn:aws:iam::123456789012:role/etl"), Description: aws.String("by Terraform"),
		Command:     &types.JobCommand{Name: aws.String("glueetl"), PythonVersion: aws.String("3"), ScriptLocation: aws.String("s3://releases/scripts/etl.py")},
		GlueVersion: aws.String("4.0"), WorkerType: types.WorkerTypeG2x, NumberOfWorkers: aws.Int32(3), Timeout: aws.Int32(90), MaxRetries: 1,
		DefaultArguments: map[string]string{
			"--source": "s3://raw", "--db_password": "hunter22", "--job-bookmark-option": "job-bookmark-enable", "--extra-py-files": "s3://libs/a.zip,s3://libs/b.zip",
		},
		SourceControlDetails: &types.SourceControlDetails{Repository: aws.String("r")}, Tags: map[string]string{"owner": "terraform"},
	}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := client.CreateTrigger(w.t.Context(), &awsglue.CreateTriggerInput{
		Name: aws.String("nightly"), Type: types.TriggerTypeScheduled, Schedule: aws.String("cron(0 1 * * ? *)"), Actions: []types.Action{{JobName: aws.String("Traffic ETL")}},
	}); err != nil {
		w.t.Fatal(err)
	}
}

func TestAJobMadeByTerraformIsAdopted(t *testing.T) {
	w := newMotoWorld(t)
	w.terraform()
	f, err := w.driver().Find(t.Context(), "Traffic ETL")
	if err != nil {
		t.Fatal(err)
	}
	want := driver.Found{
		Name: "Traffic ETL", Shape: "glue-job", Script: "s3://releases/scripts/etl.py", Data: []byte("print('v1')"),
		Run: map[string]any{
			"name": "Traffic ETL", "type": "glueetl", "role": "arn:aws:iam::123456789012:role/etl", "description": "by Terraform", "glue_version": "4.0",
			"worker_type": "G.2X", "workers": 3.0, "timeout": "90m", "max_retries": 1.0, "bookmark": "enable",
			"arguments": map[string]any{"source": "s3://raw"}, "extra_py_files": []any{"s3://libs/a.zip", "s3://libs/b.zip"},
		},
		Kept: []string{
			"the argument db_password, which looks like a secret; anybody who may see the job sees it",
			`SourceControlDetails, which no parameter says: {"Repository":"r"}`,
			"the tag owner",
			"the trigger nightly starts the job too, and stays as it is: cron(0 1 * * ? *)",
		},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	target := w.target("v1", f.Run)
	target.Run["max_concurrent_runs"], target.Run["queuing"], target.Run["python_version"] = 1.0, false, "3"
	_, err = w.driver().Plan(t.Context(), driver.PlanRequest{Target: target})
	wantRunError(t, err, slipway.Conflict, "the job Traffic ETL is there already, and Slipway did not make it\n"+
		`slipway adopt "Traffic ETL" prod takes it over as it is; or give yours another name in run.name`)
	h := slipway.Handle{App: "traffic", Environment: "prod", Name: "Traffic ETL"}
	for range 2 {
		if err := w.driver().Claim(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := w.driver().Find(t.Context(), "Traffic ETL"); err != nil || f.Owner != "traffic in prod" {
		t.Errorf("the owner is %q, %v", f.Owner, err)
	}
	h.App = "other"
	if err := w.driver().Claim(t.Context(), h); slipway.KindOf(err) != slipway.Conflict || err.Error() != "the job Traffic ETL belongs to traffic in prod" {
		t.Errorf("a second claim: %v", err)
	}
	p, err := w.driver().Plan(t.Context(), driver.PlanRequest{Target: target})
	if err != nil {
		t.Fatal(err)
	}
	wantFields(t, p.Changes, "add version", "add commit", "update script")
	wantWarnings := []string{
		"the trigger nightly starts the job too, and stays as it is: cron(0 1 * * ? *)",
		"kept: run.arguments.db_password is ***",
		`kept: job.SourceControlDetails is {"Repository":"r"}`,
	}
	if diff := cmp.Diff(wantWarnings, p.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	before := shown(t, "glue", "get-job", "--job-name", "Traffic ETL")["Job"].(map[string]any)
	if _, err := w.driver().Apply(t.Context(), p, blobsOf{w.store}); err != nil {
		t.Fatal(err)
	}
	after := shown(t, "glue", "get-job", "--job-name", "Traffic ETL")["Job"].(map[string]any)
	for _, job := range []map[string]any{before, after} {
		delete(job, "LastModifiedOn")
		delete(job["Command"].(map[string]any), "ScriptLocation")
		delete(job["DefaultArguments"].(map[string]any), "--slipway-version")
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("more than the script changed (-before +after):\n%s", diff)
	}
}

func TestWhatCannotBeAdopted(t *testing.T) {
	w := newMotoWorld(t)
	_, err := w.driver().Find(t.Context(), "none")
	wantRunError(t, err, slipway.NotFound, "there is no job \"none\" in us-east-1\nnames are as in the console, AWS Glue, ETL jobs; `aws glue list-jobs` shows them")
	if err := w.driver().Claim(t.Context(), slipway.Handle{App: "a", Environment: "prod", Name: "none"}); slipway.KindOf(err) != slipway.NotFound {
		t.Errorf("Claim of no job: %v", err)
	}
	client := awsglue.NewFromConfig(w.aws)
	for name, command := range map[string]types.JobCommand{
		"ray":  {Name: aws.String("glueray"), ScriptLocation: aws.String("s3://releases/x.py")},
		"gone": {Name: aws.String("glueetl"), ScriptLocation: aws.String("s3://releases/x.py")},
	} {
		if _, err := client.CreateJob(t.Context(), &awsglue.CreateJobInput{Name: &name, Role: aws.String("etl"), Command: &command}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.driver().Find(t.Context(), "ray")
	wantRunError(t, err, slipway.Invalid, "the job ray is of type glueray, which Slipway does not deploy")
	_, err = w.driver().Find(t.Context(), "gone")
	wantRunError(t, err, slipway.NotFound, "the job's script is not at s3://releases/x.py\nbring it back, or correct the job's script path in the console")
	err = w.driver().Remove(t.Context(), slipway.Handle{App: "a", Environment: "prod", Name: "ray"})
	wantRunError(t, err, slipway.Conflict, "the job ray has no tags that say it is Slipway's, so it is not removed\nslipway adopt \"ray\" prod marks it; or delete it in the console")
}
