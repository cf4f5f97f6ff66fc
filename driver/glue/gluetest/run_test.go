package gluetest_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

// start starts a run and returns its name.
func start(t *testing.T, f *gluetest.Fake, in glue.StartJobRunInput) string {
	t.Helper()
	in.JobName = aws.String("etl")
	out, err := glue.NewFromConfig(f.Config()).StartJobRun(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.JobRunId
}

func get(t *testing.T, f *gluetest.Fake, id string) *types.JobRun {
	t.Helper()
	out, err := glue.NewFromConfig(f.Config()).GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: aws.String("etl"), RunId: &id})
	if err != nil {
		t.Fatal(err)
	}
	return out.JobRun
}

func TestARunEndsAsTheTestSays(t *testing.T) {
	for _, state := range []types.JobRunState{"STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT", "ERROR", "EXPIRED"} {
		f := newWorld(t)
		id := start(t, f, glue.StartJobRunInput{Arguments: map[string]string{"--slipway-run": "r1"}})
		if got := get(t, f, id); got.JobRunState != types.JobRunStateStarting || got.CompletedOn != nil || got.ExecutionTime != 0 {
			t.Errorf("begins as %+v", got)
		}
		f.Start(id)
		f.Advance(90 * time.Second)
		if !f.Finish(id, state, "it says so") || f.Finish(id, state, "again") || f.Start(id) {
			t.Error("a run ends once")
		}
		got := get(t, f, id)
		want := &types.JobRun{
			Id: &id, JobName: aws.String("etl"), JobMode: types.JobModeScript, JobRunState: state, ErrorMessage: aws.String("it says so"),
			Arguments: map[string]string{"--slipway-run": "r1"}, PredecessorRuns: []types.Predecessor{}, ExecutionTime: 90,
			StartedOn: got.StartedOn, LastModifiedOn: aws.Time(f.Now()), CompletedOn: aws.Time(f.Now()),
			MaxCapacity: aws.Float64(2), WorkerType: types.WorkerTypeG1x, NumberOfWorkers: aws.Int32(2),
			Timeout: aws.Int32(480), GlueVersion: aws.String("5.0"), LogGroupName: aws.String("/aws-glue/jobs"),
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.JobRun{}), cmpopts.IgnoreFields(types.JobRun{}, "AllocatedCapacity")); diff != "" {
			t.Errorf("%s: %s", state, diff)
		}
	}
}

func TestRunsAreListedNewestFirst(t *testing.T) {
	f := newWorld(t)
	second := start(t, f, glue.StartJobRunInput{})
	f.PageMost(1)
	pages := glue.NewGetJobRunsPaginator(glue.NewFromConfig(f.Config()), &glue.GetJobRunsInput{JobName: aws.String("etl")})
	var ids []string
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *out.JobRuns[0].Id)
		if len(ids) == 1 {
			start(t, f, glue.StartJobRunInput{}) // the next page begins where this one ended all the same
		}
	}
	if diff := cmp.Diff([]string{second, f.Runs("etl")[0]}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestConcurrentRunsAreLimitedOrWait(t *testing.T) {
	f := newWorld(t)
	f.Edit("etl", func(job map[string]any) { job["ExecutionProperty"] = map[string]any{"MaxConcurrentRuns": 1} })
	_, err := glue.NewFromConfig(f.Config()).StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("etl")})
	wantError(t, err, "ConcurrentRunsExceededException", "Concurrent runs exceeded for etl")
	waiting := start(t, f, glue.StartJobRunInput{JobRunQueuingEnabled: aws.Bool(true)})
	f.Detail(waiting, "no place")
	if got := get(t, f, waiting); got.JobRunState != types.JobRunStateWaiting || *got.StateDetail != "no place" {
		t.Errorf("%s", got.JobRunState)
	}
	f.Finish(f.Runs("etl")[0], types.JobRunStateSucceeded, "")
	if got := get(t, f, waiting).JobRunState; got != types.JobRunStateStarting {
		t.Errorf("%s", got)
	}
}

func TestStoppingTakesAMoment(t *testing.T) {
	f := newWorld(t)
	g := glue.NewFromConfig(f.Config())
	running, over := f.Runs("etl")[0], start(t, f, glue.StartJobRunInput{})
	f.Finish(over, types.JobRunStateSucceeded, "")
	out, err := g.BatchStopJobRun(t.Context(), &glue.BatchStopJobRunInput{JobName: aws.String("etl"), JobRunIds: []string{running, over, "jr_none"}})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, e := range out.Errors {
		got = append(got, *e.JobRunId+" "+*e.ErrorDetail.ErrorCode)
	}
	if diff := cmp.Diff([]string{over + " JobRunInTerminalStateException", "jr_none EntityNotFoundException"}, got); diff != "" {
		t.Error(diff)
	}
	if len(out.SuccessfulSubmissions) != 1 || get(t, f, running).JobRunState != types.JobRunStateStopping {
		t.Errorf("%v", out.SuccessfulSubmissions)
	}
	if !f.Finish(running, types.JobRunStateStopped, "") || get(t, f, running).JobRunState != types.JobRunStateStopped {
		t.Error("it does not stop")
	}
}

func TestGlueRetriesWhatFailed(t *testing.T) {
	f := newWorld(t)
	f.Edit("etl", func(job map[string]any) { job["MaxRetries"] = 1 })
	first := start(t, f, glue.StartJobRunInput{})
	f.Finish(first, types.JobRunStateFailed, "once")
	second := f.Runs("etl")[2]
	if got := get(t, f, second); got.Attempt != 1 || *got.PreviousRunId != first || second != first+"_attempt_1" || got.ErrorMessage != nil {
		t.Errorf("%+v", got)
	}
	f.Finish(second, types.JobRunStateFailed, "twice")
	if n := len(f.Runs("etl")); n != 3 {
		t.Errorf("%d runs", n)
	}
	again := start(t, f, glue.StartJobRunInput{JobRunId: &second})
	if got := get(t, f, again); *got.PreviousRunId != second {
		t.Errorf("%+v", got)
	}
}

func TestRunsMoveByThemselves(t *testing.T) {
	f := newWorld(t)
	f.Progress(types.JobRunStateRunning, types.JobRunStateSucceeded)
	id := start(t, f, glue.StartJobRunInput{ExecutionClass: types.ExecutionClassFlex})
	f.Advance(10 * time.Second)
	var states []types.JobRunState
	for range 3 {
		states = append(states, get(t, f, id).JobRunState)
	}
	if diff := cmp.Diff([]types.JobRunState{"RUNNING", "SUCCEEDED", "SUCCEEDED"}, states); diff != "" {
		t.Error(diff)
	}
	if got := get(t, f, id).DPUSeconds; got == nil || *got != 20 {
		t.Errorf("DPU seconds %v", got)
	}
}
