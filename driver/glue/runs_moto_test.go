package glue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/repository/folder"
)

// motoRuns has a job in moto, made with the AWS CLI; its runs stay in each state for
// so many looks.
func motoRuns(t *testing.T, looks string) (*glue.Driver, slipway.Handle) {
	t.Helper()
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	awstest.Hold(t, moto, looks)
	awstest.Run(t, "glue", "create-job", "--name", "traffic", "--role", "etl", "--timeout", "60",
		"--command", "Name=glueetl,ScriptLocation=s3://b/traffic.py,PythonVersion=3", "--worker-type", "G.1X", "--number-of-workers", "2",
		"--default-arguments", `{"--slipway-version":"v1"}`, "--execution-property", "MaxConcurrentRuns=1")
	notes, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now() // moto has the machine's clock
	return glue.New(glue.Config{
		AWS: aws.Config{
			Region: awstest.Region, BaseEndpoint: &moto,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		},
		Environment: slipway.Environment{Name: "prod", Runtime: "glue"}, Notes: notes,
		Clock: func() time.Time { return now },
		Pause: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) },
	}), slipway.Handle{App: "traffic", Environment: "prod", Name: "traffic"}
}

// cliRuns are the runs of the job as the AWS CLI shows them.
func cliRuns(t *testing.T) (runs []struct {
	ID           string `json:"Id"`
	JobRunState  string
	LogGroupName string
	Arguments    map[string]string
},
) {
	t.Helper()
	var answer struct{ JobRuns any }
	answer.JobRuns = &runs
	if err := json.Unmarshal([]byte(awstest.Run(t, "glue", "get-job-runs", "--job-name", "traffic")), &answer); err != nil {
		t.Fatal(err)
	}
	return runs
}

func TestRunsInMoto(t *testing.T) {
	d, h := motoRuns(t, "3")
	start := func(id string) slipway.Run {
		t.Helper()
		run, err := d.Start(t.Context(), h, driver.RunRequest{ID: id, Trigger: "manual", By: "ana", Arguments: map[string]string{"day": "1"}})
		if err != nil {
			t.Fatalf("Start %s: %v", id, err)
		}
		return run
	}
	start("r1")
	if run := start("r1"); run.ID != "r1" || run.By != "ana" || run.Version != "v1" || run.State.Ended() {
		t.Errorf("the run: %+v", run)
	}
	runs := cliRuns(t)
	if len(runs) != 1 {
		t.Fatalf("the CLI shows %d runs", len(runs))
	}
	for name, want := range map[string]string{"--slipway-run": "r1", "--slipway-version": "v1", "--slipway-by": "ana", "--day": "1"} {
		if got := runs[0].Arguments[name]; got != want {
			t.Errorf("the CLI shows %s %q, want %q", name, got, want)
		}
	}
	_, err := d.Start(t.Context(), h, driver.RunRequest{ID: "r2"})
	if slipway.KindOf(err) != slipway.Busy {
		t.Errorf("Start of a run too many: %v", err)
	}
	var out bytes.Buffer
	printed(t, runs[0].LogGroupName+"/output", runs[0].ID, "one", "two")
	if err := d.Logs(t.Context(), h, "r1", true, &out); err != nil || out.String() != "one\ntwo\n" {
		t.Errorf("Logs: %q, %v", out.String(), err)
	}
	if run, err := d.Run(t.Context(), h, "r1"); err != nil || run.State != slipway.RunSucceeded {
		t.Errorf("followed to its end: %+v, %v", run, err)
	}
	start("r2")
	var ids []string
	list, err := d.Runs(t.Context(), h, 0)
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	if diff := cmp.Diff([]string{"r2", "r1"}, ids); diff != "" || err != nil {
		t.Errorf("Runs: %v (-want +got):\n%s", err, diff)
	}
}

// printed writes lines to a log stream, as Glue does.
func printed(t *testing.T, group, stream string, lines ...string) {
	t.Helper()
	awstest.Run(t, "logs", "create-log-group", "--log-group-name", group)
	awstest.Run(t, "logs", "create-log-stream", "--log-group-name", group, "--log-stream-name", stream)
	at := time.Now().UnixMilli() // CloudWatch takes no old lines
	args := []string{"logs", "put-log-events", "--log-group-name", group, "--log-stream-name", stream, "--log-events"}
	for i, line := range lines {
		args = append(args, "timestamp="+strconv.FormatInt(at+int64(i), 10)+",message="+line)
	}
	awstest.Run(t, args...)
}

func TestStopInMoto(t *testing.T) {
	d, h := motoRuns(t, "5")
	if _, err := d.Start(t.Context(), h, driver.RunRequest{ID: "r1"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.Stop(t.Context(), h, "r1"); err != nil {
			t.Fatalf("Stop: %v", err)
		}
	}
	if runs := cliRuns(t); len(runs) != 1 || runs[0].JobRunState != "STOPPED" {
		t.Errorf("the CLI shows %+v", runs)
	}
}
