package glue_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/drivertest"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/bucket"
)

// A motoWorld is moto with a bucket, and roles.
type motoWorld struct {
	t     *testing.T
	aws   aws.Config
	store repository.Repository
}

// trustGlue lets Glue assume a role.
const trustGlue = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","glue.amazonaws.com"]},"Action":"sts:AssumeRole"}}`

func newMotoWorld(t *testing.T) *motoWorld {
	t.Helper()
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	address := awstest.Bucket(t, moto, "releases")
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store, err := bucket.Open(t.Context(), address, func(context.Context, string, string) (aws.Config, error) { return cfg, nil })
	if err != nil {
		t.Fatal(err)
	}
	w := &motoWorld{t, cfg, store}
	w.role("etl", trustGlue)
	return w
}

func (w *motoWorld) role(name, trust string) {
	w.t.Helper()
	if _, err := iam.NewFromConfig(w.aws).CreateRole(w.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *motoWorld) driver(change ...func(*glue.Config)) *glue.Driver {
	cfg := glue.Config{
		AWS:         w.aws,
		Environment: slipway.Environment{Name: "prod", Runtime: "glue", Region: awstest.Region},
		Notes:       w.store, Pause: func(context.Context, time.Duration) error { return nil },
		Clock: func() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) },
	}
	for _, c := range change {
		c(&cfg)
	}
	return glue.New(cfg)
}

func (w *motoWorld) artifact(app, name, data string) slipway.Artifact {
	w.t.Helper()
	digest := slipway.DigestOf([]byte(data))
	a := slipway.Artifact{Name: name, Kind: slipway.KindScript, Digest: digest, Size: int64(len(data)), Key: slipway.ArtifactKey(app, name, digest, "0123456789abcdef")}
	if _, err := w.store.Put(w.t.Context(), a.Key, strings.NewReader(data)); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// deployer hides that the driver starts runs: those of moto never fail.
type deployer struct{ driver.Driver }

func TestDriverKeepsTheContractOnMoto(t *testing.T) {
	drivertest.Run(t, func(t *testing.T) drivertest.Kit {
		t.Helper()
		w := newMotoWorld(t)
		client := awsglue.NewFromConfig(w.aws)
		return drivertest.Kit{
			Driver: deployer{w.driver()},
			Reopen: func() driver.Driver { return deployer{w.driver()} },
			Target: func(b drivertest.Behaviour) slipway.Target {
				return slipway.Target{
					App: "kit", Environment: "prod", Version: "v1", Commit: "0123456789abcdef", Shape: "glue-job",
					Run:       map[string]any{"type": "pythonshell", "role": "etl"},
					Artifacts: []slipway.Artifact{w.artifact("kit", "job.py", drivertest.FakeScript(b))},
				}
			},
			Blobs: blobsOf{w.store},
			Script: func(h slipway.Handle) ([]byte, error) {
				out, err := client.GetJob(t.Context(), &awsglue.GetJobInput{JobName: &h.Name})
				if err != nil {
					return nil, err
				}
				r, err := w.store.Open(t.Context(), strings.TrimPrefix(*out.Job.Command.ScriptLocation, w.store.URL()+"/"))
				if err != nil {
					return nil, err
				}
				defer r.Close()
				return io.ReadAll(r)
			},
			Meddle: func(h slipway.Handle) error {
				_, err := client.UpdateJob(t.Context(), &awsglue.UpdateJobInput{JobName: &h.Name, JobUpdate: &types.JobUpdate{
					Role: aws.String("etl"), Command: &types.JobCommand{Name: aws.String("pythonshell"), PythonVersion: aws.String("3.9"), ScriptLocation: aws.String("s3://mine/x.py")},
					DefaultArguments: map[string]string{"--slipway-version": "v1"},
				}})
				return err
			},
		}
	})
}

func (w *motoWorld) target(version string, run map[string]any) slipway.Target {
	w.t.Helper()
	t := slipway.Target{
		App: "traffic", Environment: "prod", Version: version, Commit: "0123456789abcdef", Shape: "glue-job",
		Run: map[string]any{
			"type": "glueetl", "role": "etl", "glue_version": "5.0", "worker_type": "G.1X", "workers": 2.0, "timeout": "1h",
			"arguments": map[string]any{"source": "s3://raw"},
		},
		Artifacts: []slipway.Artifact{w.artifact("traffic", "traffic.py", "print('"+version+"')")},
	}
	maps.Copy(t.Run, run)
	return t
}

func (w *motoWorld) deploy(r driver.PlanRequest) slipway.Handle {
	w.t.Helper()
	p, err := w.driver().Plan(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(p.Warnings) > 0 {
		w.t.Errorf("warnings: %q", p.Warnings)
	}
	h, err := w.driver().Apply(w.t.Context(), p, blobsOf{w.store})
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// shown is what the AWS CLI shows.
func shown(t *testing.T, args ...string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(awstest.Run(t, args...)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTheAWSCLISeesWhatWasDeployed confirms with a program that nobody here wrote.
func TestTheAWSCLISeesWhatWasDeployed(t *testing.T) {
	w := newMotoWorld(t)
	target := w.target("v1", map[string]any{"schedule": "30 6 * * 1-5", "tags": map[string]any{"team": "data"}, "additional_python_modules": []any{"pyarrow==17.0.0", "pandas==2.2.3"}})
	h := w.deploy(driver.PlanRequest{Target: target})
	job := shown(t, "glue", "get-job", "--job-name", "traffic")["Job"].(map[string]any)
	delete(job, "CreatedOn")
	delete(job, "LastModifiedOn")
	want := map[string]any{
		"Name": "traffic", "Role": "etl", "GlueVersion": "5.0", "WorkerType": "G.1X", "NumberOfWorkers": 2.0, "Timeout": 60.0,
		"Command": map[string]any{"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": "s3://releases/" + target.Artifacts[0].Key},
		"DefaultArguments": map[string]any{
			"--source": "s3://raw", "--slipway-version": "v1", "--additional-python-modules": "pyarrow==17.0.0,pandas==2.2.3",
		},
		"ExecutionProperty": map[string]any{"MaxConcurrentRuns": 1.0}, "ExecutionClass": "STANDARD", "MaxRetries": 0.0,
		"MaxCapacity": 2.0, "AllocatedCapacity": 2.0, "JobMode": "SCRIPT", "JobRunQueuingEnabled": false,
	}
	if diff := cmp.Diff(want, job); diff != "" {
		t.Errorf("the job (-want +shown):\n%s", diff)
	}
	trigger := shown(t, "glue", "get-trigger", "--name", "traffic-schedule")["Trigger"].(map[string]any)
	if trigger["Schedule"] != "cron(30 6 ? * 2-6 *)" || trigger["State"] != "ACTIVATED" {
		t.Errorf("the trigger: %v", trigger)
	}
	tags := shown(t, "glue", "get-tags", "--resource-arn", "arn:aws:glue:us-east-1:"+awstest.Account+":job/traffic")["Tags"]
	wantTags := map[string]any{"slipway:app": "traffic", "slipway:environment": "prod", "slipway:version": "v1", "slipway:commit": "0123456789abcdef", "team": "data"}
	if diff := cmp.Diff(any(wantTags), tags); diff != "" {
		t.Errorf("the tags (-want +shown):\n%s", diff)
	}
	two := w.target("v2", map[string]any{"schedule": "0 3 * * *", "paused": true, "tags": map[string]any{"team": "data"}})
	second := w.deploy(driver.PlanRequest{Target: two, Live: h})
	trigger = shown(t, "glue", "get-trigger", "--name", "traffic-schedule")["Trigger"].(map[string]any)
	if trigger["Schedule"] != "cron(0 3 * * ? *)" || trigger["State"] != "DEACTIVATED" {
		t.Errorf("the paused trigger: %v", trigger)
	}
	w.deploy(driver.PlanRequest{Target: target, Live: second, Restore: h})
	back := shown(t, "glue", "get-job", "--job-name", "traffic")["Job"].(map[string]any)
	delete(back, "CreatedOn")
	delete(back, "LastModifiedOn")
	if diff := cmp.Diff(want, back); diff != "" {
		t.Errorf("the job after the rollback (-want +shown):\n%s", diff)
	}
	if err := w.driver().Remove(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if left := shown(t, "glue", "list-jobs")["JobNames"].([]any); len(left) != 0 {
		t.Errorf("jobs after the removal: %v", left)
	}
	if left := shown(t, "glue", "list-triggers")["TriggerNames"].([]any); len(left) != 0 {
		t.Errorf("triggers after the removal: %v", left)
	}
}
