package glue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/driver/glue/gluetest"
	"github.com/slipway-cd/slipway/driver/glue/price"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
)

// A runWorld is a Glue with one deployed job, traffic.
type runWorld struct {
	*gluetest.Fake
	t      *testing.T
	notes  repository.Repository
	handle slipway.Handle
	mu     sync.Mutex
	waited time.Duration
}

func newRunWorld(t *testing.T) *runWorld {
	t.Helper()
	w := &runWorld{
		Fake: gluetest.New(t), t: t,
		handle: slipway.Handle{App: "traffic", Environment: "prod", Name: "Traffic ETL"},
	}
	notes, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.notes = notes
	w.create(func(*awsglue.CreateJobInput) {})
	return w
}

func (w *runWorld) console() *awsglue.Client { return awsglue.NewFromConfig(w.Console()) }

// create makes the job as version v1 has it, but for what change changes.
func (w *runWorld) create(change func(*awsglue.CreateJobInput)) {
	w.t.Helper()
	in := &awsglue.CreateJobInput{
		Name: &w.handle.Name, Role: aws.String("arn:aws:iam::123456789012:role/etl"), GlueVersion: aws.String("5.0"),
		Command: &types.JobCommand{
			Name: aws.String("glueetl"), PythonVersion: aws.String("3"),
			ScriptLocation: aws.String("s3://b/traffic/0a1b2c3d/traffic_abc.py"),
		},
		WorkerType: types.WorkerTypeG1x, NumberOfWorkers: aws.Int32(2), Timeout: aws.Int32(60),
		DefaultArguments:        map[string]string{"--slipway-version": "v1", "--source": "s3://raw", "--db_password": "hunter22"},
		NonOverridableArguments: map[string]string{"--target": "s3://curated"},
		ExecutionProperty:       &types.ExecutionProperty{MaxConcurrentRuns: 3},
	}
	change(in)
	if _, err := w.console().DeleteJob(w.t.Context(), &awsglue.DeleteJobInput{JobName: in.Name}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.console().CreateJob(w.t.Context(), in); err != nil {
		w.t.Fatal(err)
	}
}

// driver is a new process's. No time passes where it waits, but on the fake's clock.
func (w *runWorld) driver(change ...func(*glue.Config)) *glue.Driver {
	cfg := glue.Config{
		AWS:         w.Config(),
		Environment: slipway.Environment{Name: "prod", Runtime: "glue", Account: gluetest.Account, Region: gluetest.Region},
		Notes:       w.notes, Clock: w.Now, Pause: w.pause,
	}
	for _, c := range change {
		c(&cfg)
	}
	return glue.New(cfg)
}

func (w *runWorld) pause(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	w.waited += d
	w.mu.Unlock()
	w.Advance(d)
	return context.Cause(ctx)
}

func (w *runWorld) start(d *glue.Driver, id string) (slipway.Run, error) {
	return d.Start(w.t.Context(), w.handle, driver.RunRequest{
		ID: id, Trigger: "manual", By: "ana", Arguments: map[string]string{"day": "2026-01-05"},
	})
}

func (w *runWorld) mustStart(id string) slipway.Run {
	w.t.Helper()
	run, err := w.start(w.driver(), id)
	if err != nil {
		w.t.Fatalf("Start %s: %v", id, err)
	}
	return run
}

// started are Glue's ids of all runs that there are.
func (w *runWorld) started() []string { return w.Runs(w.handle.Name) }

func (w *runWorld) wantStarted(n int) {
	w.t.Helper()
	if got := w.started(); len(got) != n {
		w.t.Errorf("%d runs were started, want %d", len(got), n)
	}
}

func (w *runWorld) run(id string) slipway.Run {
	w.t.Helper()
	run, err := w.driver().Run(w.t.Context(), w.handle, id)
	if err != nil {
		w.t.Fatalf("Run %s: %v", id, err)
	}
	return run
}

// wantError compares an error's kind and its text, with the way out below it.
func wantRunError(t *testing.T, err error, kind slipway.Kind, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want: %s", text)
	}
	got := err.Error()
	if fix := slipway.FixOf(err); fix != "" {
		got += "\n" + fix
	}
	if slipway.KindOf(err) != kind || got != text {
		t.Errorf("error of kind %s:\n%s\nwant %s:\n%s", slipway.KindOf(err), got, kind, text)
	}
}

func TestARunIsWhatGlueSaysOfIt(t *testing.T) {
	w := newRunWorld(t)
	asked := w.Now()
	want := slipway.Run{
		ID: "r1", App: "traffic", Environment: "prod", Version: "v1", State: slipway.RunStarting,
		Trigger: "manual", By: "ana", Arguments: map[string]string{"day": "2026-01-05"}, Created: asked,
	}
	if diff := cmp.Diff(want, w.mustStart("r1"), ignoreCost()); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	id := w.started()[0]
	sent := w.Effects("StartJobRun")[0].Input["Arguments"]
	wantSent := map[string]any{
		"--day": "2026-01-05", "--slipway-run": "r1", "--slipway-version": "v1", "--slipway-trigger": "manual", "--slipway-by": "ana",
	}
	if diff := cmp.Diff(wantSent, sent); diff != "" {
		t.Errorf("arguments sent (-want +got):\n%s", diff)
	}
	w.Start(id)
	want.State, want.Started = slipway.RunRunning, asked
	if diff := cmp.Diff(want, w.run("r1"), ignoreCost()); diff != "" {
		t.Errorf("running (-want +got):\n%s", diff)
	}
	w.Advance(time.Minute)
	w.Finish(id, types.JobRunStateSucceeded, "")
	want.State, want.Ended = slipway.RunSucceeded, asked.Add(time.Minute)
	if diff := cmp.Diff(want, w.run("r1"), ignoreCost()); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(w.run("r1"), w.run(id)); diff != "" {
		t.Errorf("by Glue's own id it is another:\n%s", diff)
	}
}

func ignoreCost() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Usage" || p.Last().String() == ".Cost" }, cmp.Ignore())
}

func TestEachStateOfGlueIsToldApart(t *testing.T) {
	const plain = "An error occurred while calling o110.save.\n\tat org.apache.spark.Foo(Foo.scala:12)\nCaused by: java.io.IOException: no space\n\t... 12 more"
	tests := map[string]struct {
		state   types.JobRunState
		said    string
		flex    bool
		want    slipway.RunState
		message string
	}{
		"starting":  {state: "STARTING", want: slipway.RunStarting},
		"running":   {state: "RUNNING", want: slipway.RunRunning},
		"stopping":  {state: "STOPPING", want: slipway.RunStopping},
		"waiting":   {state: "WAITING", want: slipway.RunWaiting, message: "it waits in AWS Glue's queue"},
		"succeeded": {state: "SUCCEEDED", want: slipway.RunSucceeded},
		"stopped":   {state: "STOPPED", want: slipway.RunStopped, message: "stopped"},
		"failed": {
			state: "FAILED", said: "ZeroDivisionError: division by zero",
			want: slipway.RunFailed, message: "ZeroDivisionError: division by zero",
		},
		"failed at a line": {
			state: "FAILED", said: "Error Category: QUERY_ERROR; Failed Line Number: 28; AnalysisException: Path does not exist",
			want: slipway.RunFailed, message: "AnalysisException: Path does not exist (line 28 of the script)",
		},
		"failed with frames": {
			state: "FAILED", said: plain,
			want: slipway.RunFailed, message: "An error occurred while calling o110.save.\nCaused by: java.io.IOException: no space",
		},
		"failed and silent": {state: "FAILED", want: slipway.RunFailed, message: "AWS Glue gives no reason; its log may"},
		"timeout": {
			state: "TIMEOUT", said: "Job run timed out",
			want: slipway.RunTimeout, message: "it ran longer than its limit of 60 minutes (run.timeout), and AWS Glue ended it: Job run timed out",
		},
		"error": {
			state: "ERROR", said: "Job Traffic ETL not found",
			want: slipway.RunErrored, message: "Job Traffic ETL not found",
		},
		"error and silent": {state: "ERROR", want: slipway.RunErrored, message: "AWS Glue could not carry it out and gives no reason; " +
			"a trigger that names a job that was deleted does this, and so does a script that is not where the job says"},
		"expired": {
			state: "EXPIRED", want: slipway.RunExpired,
			message: "it waited longer in AWS Glue's queue than a run may; let fewer runs start at once, or ask for a higher quota",
		},
		"expired flex": {
			state: "EXPIRED", flex: true, want: slipway.RunExpired,
			message: "AWS Glue found no spare capacity in the time that a FLEX run may wait; run it at another hour, or with execution_class: STANDARD",
		},
		"one of the future": {
			state: "PAUSED", want: slipway.RunUnknown,
			message: "AWS Glue calls its state PAUSED, which this version of Slipway does not know",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newRunWorld(t)
			if tt.flex {
				w.create(func(in *awsglue.CreateJobInput) { in.ExecutionClass = types.ExecutionClassFlex })
			}
			w.mustStart("r1")
			if ended := tt.want.Ended(); ended {
				w.Finish(w.started()[0], tt.state, tt.said)
			} else {
				w.Progress(tt.state)
				w.mustStart("r1b")
			}
			run := w.run(map[bool]string{true: "r1", false: "r1b"}[tt.want.Ended()])
			if run.State != tt.want || run.Message != tt.message {
				t.Errorf("%s: %q\nwant %s: %q", run.State, run.Message, tt.want, tt.message)
			}
		})
	}
}

func TestALongMessageIsShortened(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Finish(w.started()[0], types.JobRunStateFailed, "first\n"+strings.Repeat("über und über\n", 500)+"last")
	m := w.run("r1").Message
	if lines := strings.Split(m, "\n"); len(lines) > 12 || lines[0] != "first" || lines[len(lines)-1] != "last" {
		t.Errorf("the message is %d bytes:\n%s", len(m), m)
	}
	w.mustStart("r2")
	w.Finish(w.started()[1], types.JobRunStateFailed, strings.Repeat("ü", 5000))
	if m := w.run("r2").Message; len(m) > 1010 || !strings.HasSuffix(m, "ü...") {
		t.Errorf("the message is %d bytes: ...%s", len(m), m[len(m)-10:])
	}
}

func TestAWaitingRunSaysWhy(t *testing.T) {
	w := newRunWorld(t)
	w.create(func(in *awsglue.CreateJobInput) {
		in.ExecutionProperty.MaxConcurrentRuns, in.JobRunQueuingEnabled = 1, aws.Bool(true)
	})
	w.mustStart("r1")
	w.mustStart("r2")
	w.Detail(w.started()[1], "Concurrent runs exceeded for Traffic ETL")
	run := w.run("r2")
	if run.State != slipway.RunWaiting || run.Message != "Concurrent runs exceeded for Traffic ETL" || !run.Started.IsZero() {
		t.Errorf("the queued run: %+v", run)
	}
}

func TestRetriesAreTheSameRun(t *testing.T) {
	w := newRunWorld(t)
	w.create(func(in *awsglue.CreateJobInput) { in.MaxRetries = 1 })
	w.mustStart("r1")
	first := w.started()[0]
	w.Start(first)
	w.Finish(first, types.JobRunStateFailed, "boom")
	run := w.run("r1")
	if run.State != slipway.RunStarting || run.Attempt != 1 {
		t.Errorf("after the first attempt: %s, attempt %d: %s", run.State, run.Attempt, run.Message)
	}
	second := w.started()[1]
	w.Finish(second, types.JobRunStateFailed, "boom again")
	run = w.run("r1")
	if run.State != slipway.RunFailed || run.Attempt != 1 || run.Message != "boom again" {
		t.Errorf("after the second attempt: %s, attempt %d: %s", run.State, run.Attempt, run.Message)
	}
	w.wantRuns(0, "r1")
}

func TestARetryThatIsLateIsWaitedFor(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Finish(w.started()[0], types.JobRunStateFailed, "boom")
	_, err := w.console().UpdateJob(t.Context(), &awsglue.UpdateJobInput{JobName: &w.handle.Name, JobUpdate: &types.JobUpdate{
		Role: aws.String("etl"), Command: &types.JobCommand{Name: aws.String("glueetl"), PythonVersion: aws.String("3")}, MaxRetries: 2,
	}})
	if err != nil {
		t.Fatal(err)
	}
	run := w.run("r1")
	want := "the attempt before failed, and AWS Glue is about to try again: boom"
	if run.State != slipway.RunStarting || run.Message != want {
		t.Errorf("%s: %s", run.State, run.Message)
	}
	w.Advance(3 * time.Minute)
	if run = w.run("r1"); run.State != slipway.RunFailed || run.Message != "boom" {
		t.Errorf("when no attempt comes: %s: %s", run.State, run.Message)
	}
}

func (w *runWorld) wantRuns(limit int, want ...string) {
	w.t.Helper()
	runs, err := w.driver().Runs(w.t.Context(), w.handle, limit)
	if err != nil {
		w.t.Fatalf("Runs: %v", err)
	}
	var got []string
	for _, r := range runs {
		got = append(got, r.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("Runs %d (-want +got):\n%s", limit, diff)
	}
}

func TestRunsOfTriggersAndOfTheConsoleAreListedToo(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Advance(time.Minute)
	out, err := w.console().StartJobRun(t.Context(), &awsglue.StartJobRunInput{
		JobName: &w.handle.Name, Arguments: map[string]string{"--day": "1", "--api_key": "hunter22"},
	})
	if err != nil {
		t.Fatal(err)
	}
	id := *out.JobRunId
	w.wantRuns(0, id, "r1")
	want := slipway.Run{
		ID: id, App: "traffic", Environment: "prod", Version: "v1", State: slipway.RunStarting, Trigger: "manual",
		Arguments: map[string]string{"day": "1", "api_key": "***"}, Created: w.Now(),
	}
	if diff := cmp.Diff(want, w.run(id), ignoreCost()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheReleaseOfARunThatDoesNotSay(t *testing.T) {
	w := newRunWorld(t)
	out, err := w.console().StartJobRun(t.Context(), &awsglue.StartJobRunInput{JobName: &w.handle.Name})
	if err != nil {
		t.Fatal(err)
	}
	if run := w.run(*out.JobRunId); run.Version != "v1" {
		t.Errorf("the job is as it was, and the run is of %q", run.Version)
	}
	w.Advance(time.Minute)
	_, err = w.console().UpdateJob(t.Context(), &awsglue.UpdateJobInput{JobName: &w.handle.Name, JobUpdate: &types.JobUpdate{
		Role: aws.String("etl"), Command: &types.JobCommand{Name: aws.String("glueetl"), PythonVersion: aws.String("3")},
		DefaultArguments: map[string]string{"--slipway-version": "v2"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if run := w.run(*out.JobRunId); run.Version != "" {
		t.Errorf("the job was changed since, and the run is of %q", run.Version)
	}
}

func TestRunsComeInPages(t *testing.T) {
	w := newRunWorld(t)
	w.PageMost(2)
	var want []string
	for i := range 7 {
		id := fmt.Sprintf("r%d", i)
		w.mustStart(id)
		w.Finish(w.started()[i], types.JobRunStateSucceeded, "")
		w.Advance(time.Minute)
		want = append([]string{id}, want...)
	}
	w.wantRuns(0, want...)
	w.wantRuns(3, want[:3]...)
	w.Forget()
	w.wantRuns(1, want[0])
	if calls := len(w.Calls()); calls > 2 {
		t.Errorf("the newest run of seven took %d calls", calls)
	}
}

func TestAnUnknownRunIsNotFound(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	for _, id := range []string{"r", "r11", "jr_0", "../r1", ""} {
		_, err := w.driver().Run(t.Context(), w.handle, id)
		wantRunError(t, err, slipway.NotFound, "there is no run "+id+"\nslipway runs lists those that are there")
	}
}

func TestARunIsFoundWithoutItsNote(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	elsewhere, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, notes := range map[string]repository.Repository{"none": nil, "another": elsewhere} {
		run, err := w.driver(func(c *glue.Config) { c.Notes = notes }).Run(t.Context(), w.handle, "r1")
		if err != nil || run.ID != "r1" || run.By != "ana" {
			t.Errorf("repository %s: %+v, %v", name, run, err)
		}
	}
}

func TestRunsOutliveTheirJob(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Finish(w.started()[0], types.JobRunStateFailed, "boom")
	ended := w.run("r1")
	if _, err := w.console().DeleteJob(t.Context(), &awsglue.DeleteJobInput{JobName: &w.handle.Name}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ended, w.run("r1")); diff != "" {
		t.Errorf("after the job's removal the run is another:\n%s", diff)
	}
	w.wantRuns(0, "r1")
	w.create(func(*awsglue.CreateJobInput) {})
	w.wantRuns(0, "r1")
}

func TestAForeignErrorIsExplained(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Fault(gluetest.Always("GetJobRun", gluetest.Fail("AccessDeniedException").Saying("User: x is not authorized")))
	_, err := w.driver().Run(t.Context(), w.handle, "r1")
	wantRunError(t, err, slipway.Unavailable, "AWS refuses glue:GetJobRun on arn:aws:glue:us-east-1:123456789012:job/Traffic ETL to these credentials\n"+
		`add to the policy of who is signed in: {"Effect":"Allow","Action":"glue:GetJobRun","Resource":"arn:aws:glue:us-east-1:123456789012:job/Traffic ETL"}`+"\n"+
		"slipway aws policy ENV shows everything that Slipway needs there; slipway aws bootstrap ENV adds it")
}

func TestARunThatGlueForgot(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.create(func(*awsglue.CreateJobInput) {}) // removes the job, and its runs with it
	if run := w.run("r1"); run.State != slipway.RunStarting {
		t.Errorf("just after it was started: %s: %s", run.State, run.Message)
	}
	w.Advance(time.Hour)
	want := "how it ended is not known: AWS Glue does not show it any more, for Traffic ETL was removed, or it is more than a year ago"
	if run := w.run("r1"); run.State != slipway.RunUnknown || run.Message != want {
		t.Errorf("%s: %s", run.State, run.Message)
	}
	err := w.driver().Stop(t.Context(), w.handle, "r1")
	wantRunError(t, err, slipway.Unavailable, "run r1 cannot be stopped: "+want)
}

func TestARunTellsWhatItCost(t *testing.T) {
	book, err := price.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	billed := func(c *glue.Config) { c.Prices = book }
	w := newRunWorld(t)
	w.create(func(in *awsglue.CreateJobInput) { in.MaxRetries = 1 })
	w.mustStart("r1")
	w.Start(w.started()[0])
	w.Advance(10 * time.Second)
	w.Finish(w.started()[0], types.JobRunStateFailed, "boom")
	w.Advance(30 * time.Minute)
	w.Finish(w.started()[1], types.JobRunStateSucceeded, "")
	run, err := w.driver(billed).Run(t.Context(), w.handle, "r1")
	if err != nil {
		t.Fatal(err)
	}
	// 2 x G.1X: a minute, the least that is billed, and half an hour.
	want := slipway.Run{
		Usage: &slipway.Usage{Seconds: 1810, Capacity: 2, Unit: "DPU"},
		Cost:  &slipway.Money{Amount: 454_667, Currency: "USD"},
	}
	if diff := cmp.Diff(want, slipway.Run{Usage: run.Usage, Cost: run.Cost}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	runs, err := w.driver(billed).Runs(t.Context(), w.handle, 0)
	if err != nil || len(runs) != 1 {
		t.Fatalf("Runs: %v, %v", runs, err)
	}
	if diff := cmp.Diff(run, runs[0]); diff != "" {
		t.Errorf("listed it is another (-run +listed):\n%s", diff)
	}
}

func TestWhatRunsWillCost(t *testing.T) {
	book, err := price.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	w := newRunWorld(t)
	target := slipway.Target{App: "traffic", Run: map[string]any{
		"type": "glueetl", "glue_version": "5.0", "worker_type": "G.1X", "workers": 10, "timeout": "8h", "schedule": "0 3 * * *",
	}}
	c, err := w.driver(func(c *glue.Config) { c.Prices = book }).Cost(t.Context(), target, nil)
	if err != nil || c.Worst == nil || c.Worst.String() != "$35.20" || c.Month == nil {
		t.Errorf("Cost: %+v, %v", c, err)
	}
	if c, err = w.driver().Cost(t.Context(), target, nil); err != nil || c.Unknown != "no prices are known" {
		t.Errorf("without prices: %+v, %v", c, err)
	}
}

func TestAnAttemptIsFoundByGluesID(t *testing.T) {
	w := newRunWorld(t)
	w.create(func(in *awsglue.CreateJobInput) { in.MaxRetries = 1 })
	out, err := w.console().StartJobRun(t.Context(), &awsglue.StartJobRunInput{JobName: &w.handle.Name})
	if err != nil {
		t.Fatal(err)
	}
	w.Finish(*out.JobRunId, types.JobRunStateFailed, "boom")
	w.Finish(w.started()[1], types.JobRunStateSucceeded, "")
	for _, id := range w.started() {
		if run := w.run(id); run.ID != *out.JobRunId || run.Attempt != 1 || run.State != slipway.RunSucceeded {
			t.Errorf("Run %s: %+v", id, run)
		}
	}
}

// errGone stands for a process that is gone.
var errGone = errors.New("killed")
