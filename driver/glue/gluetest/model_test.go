package gluetest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

func TestCreateJobFillsWhatIsAbsent(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want map[string]any
	}{
		"a Spark job": {`{"Command":{"Name":"glueetl"}}`, map[string]any{
			"GlueVersion": "5.1", "Timeout": 480.0, "MaxRetries": 0.0, "MaxCapacity": 10.0, "AllocatedCapacity": 10.0, "JobMode": "SCRIPT",
			"ExecutionProperty": map[string]any{"MaxConcurrentRuns": 1.0}, "Command": map[string]any{"Name": "glueetl", "PythonVersion": "2"},
		}},
		"an old version": {`{"Command":{"Name":"glueetl"},"GlueVersion":"4.0"}`, map[string]any{"GlueVersion": "4.0", "Timeout": 2880.0}},
		"workers":        {`{"Command":{"Name":"glueetl"},"WorkerType":"G.2X","NumberOfWorkers":5}`, map[string]any{"MaxCapacity": 10.0, "AllocatedCapacity": 10.0}},
		"a shell":        {`{"Command":{"Name":"pythonshell","PythonVersion":"3.9"}}`, map[string]any{"MaxCapacity": 0.0625, "AllocatedCapacity": 0.0}},
		"a stream":       {`{"Command":{"Name":"gluestreaming"}}`, map[string]any{"Timeout": nil}},
		"Ray":            {`{"Command":{"Name":"glueray"}}`, map[string]any{"Command": map[string]any{"Name": "glueray"}}},
		"null":           {`{"Command":{"Name":"glueetl"},"Timeout":null}`, map[string]any{"Timeout": 480.0}},
	} {
		f := gluetest.New(t)
		if status, answer := send(t, f, "AWSGlue.CreateJob", `{"Name":"etl","Role":"r",`+c.body[1:]); status != 200 {
			t.Errorf("%s: %v", name, answer)
			continue
		}
		_, answer := send(t, f, "AWSGlue.GetJob", `{"JobName":"etl"}`)
		job, _ := answer["Job"].(map[string]any)
		got := map[string]any{}
		for member := range c.want {
			got[member] = job[member]
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestCreateJobRefusesANameThatIsTaken(t *testing.T) {
	f := newWorld(t)
	g := glue.NewFromConfig(f.Config())
	_, err := g.CreateJob(t.Context(), createJob("etl"))
	wantError(t, err, "AlreadyExistsException", "Job already submitted: etl")
	in := createJob("etl")
	in.Description = aws.String("another")
	_, err = g.CreateJob(t.Context(), in)
	wantError(t, err, "IdempotentParameterMismatchException", "Job already submitted with different configurations: etl")
	if n := len(f.Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
}

func TestDefinitionsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"Command":{"Name":"glueetl"},"Role":""}`, "Role must be set"},
		{`{"Command":null}`, "Command must be set"},
		{`{"WorkerType":"G.1X","NumberOfWorkers":2,"MaxCapacity":2}`, "Please do not set Max Capacity if using Worker Type and Number of Workers."},
		{`{"WorkerType":"G.1X","NumberOfWorkers":2,"AllocatedCapacity":2}`, "Please do not set Allocated Capacity if using Worker Type and Number of Workers."},
		{`{"MaxCapacity":2,"AllocatedCapacity":2}`, "Please set only Allocated Capacity or Max Capacity."},
		{`{"WorkerType":"G.1X"}`, "Please set both Worker Type and Number of Workers."},
		{`{"WorkerType":"G.3X","NumberOfWorkers":2}`, "Worker Type G.3X is not known"},
		{`{"WorkerType":"G.1X","NumberOfWorkers":1}`, "To use Worker Type G.1X, minimum allowed value of Number of Workers is 2."},
		{`{"Timeout":0}`, "Timeout must be between 1 and 10080 minutes"},
		{`{"Command":{"Name":"glueray"},"Timeout":10}`, "Timeout not supported for Ray jobs"},
		{`{"Command":{"Name":"pythonshell"},"ExecutionClass":"FLEX"}`, "Execution class FLEX is for jobs of type glueetl only"},
		{`{"Description":"` + strings.Repeat("x", 2049) + `"}`, "Description must have at most 2048 characters"},
		{`{"Tags":{"aws:x":"y"}}`, `Tag "aws:x" is not valid`},
	} {
		f := gluetest.New(t)
		_, answer := send(t, f, "AWSGlue.CreateJob", `{"Name":"etl","Role":"r","Command":{"Name":"glueetl"},`+c.body[1:])
		if answer["__type"] != "InvalidInputException" || answer["Message"] != c.want || f.Job("etl") != nil {
			t.Errorf("%.80s: %v", c.body, answer)
		}
	}
}

func TestUpdateJobReplacesAllButTheVersion(t *testing.T) {
	f := newWorld(t)
	f.Edit("etl", func(job map[string]any) { job["ProfileName"], job["FromTheFuture"] = "cheap", "kept" })
	f.Advance(time.Minute)
	if err := operations(f)["UpdateJob"](t.Context()); err != nil {
		t.Fatal(err)
	}
	got := f.Job("etl")
	want := slices.Sorted(maps.Keys(map[string]any{
		"Name": 0, "Role": 0, "Command": 0, "CreatedOn": 0, "LastModifiedOn": 0, "ProfileName": 0,
		"GlueVersion": 0, "JobMode": 0, "MaxRetries": 0, "ExecutionProperty": 0, "Timeout": 0, "MaxCapacity": 0, "AllocatedCapacity": 0,
	}))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Error(diff)
	}
	if got["GlueVersion"] != "5.0" || got["Role"] != "other" || got["CreatedOn"] == got["LastModifiedOn"] {
		t.Errorf("%v", got)
	}
	if diff := cmp.Diff(map[string]string{"team": "data"}, f.Tags(gluetest.JobARN("etl"))); diff != "" {
		t.Errorf("tags: %s", diff)
	}
	if f.Edit("none", func(map[string]any) {}) || f.Job("none") != nil || f.Tags(gluetest.JobARN("none")) != nil {
		t.Error("a job that is not there was found")
	}
	wantError(t, call(glue.NewFromConfig(f.Config()).UpdateJob, &glue.UpdateJobInput{JobName: aws.String("none"), JobUpdate: &types.JobUpdate{}})(t.Context()),
		"EntityNotFoundException", "Job none not found.")
}

// What a job answers cannot be sent back as it is: this bites every tool that tries.
func TestWhatGetJobAnswersCannotBeSentBack(t *testing.T) {
	f := newWorld(t)
	g := glue.NewFromConfig(f.Config())
	out, err := g.GetJob(t.Context(), &glue.GetJobInput{JobName: aws.String("etl")})
	if err != nil {
		t.Fatal(err)
	}
	j := out.Job
	_, err = g.UpdateJob(t.Context(), &glue.UpdateJobInput{JobName: j.Name, JobUpdate: &types.JobUpdate{
		Role: j.Role, Command: j.Command, WorkerType: j.WorkerType, NumberOfWorkers: j.NumberOfWorkers, MaxCapacity: j.MaxCapacity,
	}})
	wantError(t, err, "InvalidInputException", "Please do not set Max Capacity if using Worker Type and Number of Workers.")
}

func TestMembersThatNoSDKKnowsAreKept(t *testing.T) {
	f := newWorld(t)
	body := `{"JobName":"etl","JobUpdate":{"Role":"r","Command":{"Name":"glueetl","Turbo":true},"Quantum":{"Depth":12345678901234567890},"Name":"x","CreatedOn":1}}`
	if status, answer := send(t, f, "AWSGlue.UpdateJob", body); status != 200 {
		t.Fatal(answer)
	}
	job := f.Job("etl")
	if got := fmt.Sprintf("%v %v %v", job["Quantum"], job["Command"].(map[string]any)["Turbo"], job["Name"]); got != "map[Depth:12345678901234567890] true etl" {
		t.Error(got)
	}
}

func TestDeleteJobIsContentWithNothing(t *testing.T) {
	f := newWorld(t)
	do := operations(f)["DeleteJob"]
	if first, second := do(t.Context()), do(t.Context()); first != nil || second != nil || f.Job("etl") != nil {
		t.Errorf("%v, %v", first, second)
	}
	if f.Trigger("etl-schedule") == nil {
		t.Error("the trigger went with the job")
	}
}

func TestTagsBelongToThingsThatAreThere(t *testing.T) {
	f := newWorld(t)
	ops := operations(f)
	for _, op := range []string{"TagResource", "UntagResource"} {
		if err := ops[op](t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	g := glue.NewFromConfig(f.Config())
	out, err := g.GetTags(t.Context(), &glue.GetTagsInput{ResourceArn: aws.String(gluetest.JobARN("etl"))})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "b"}, out.Tags); diff != "" {
		t.Error(diff)
	}
	_, err = g.GetTags(t.Context(), &glue.GetTagsInput{ResourceArn: aws.String(gluetest.TriggerARN("none"))})
	wantError(t, err, "EntityNotFoundException", "Entity Not Found: arn:aws:glue:us-east-1:123456789012:trigger/none")
	list, err := g.ListJobs(t.Context(), &glue.ListJobsInput{Tags: map[string]string{"a": "other"}})
	if err != nil || len(list.JobNames) != 0 {
		t.Errorf("%v, %v", list.JobNames, err)
	}
}

func TestAPasswordIsHiddenOnRequest(t *testing.T) {
	f := newWorld(t)
	g := glue.NewFromConfig(f.Config())
	for hide, want := range map[bool]map[string]string{true: {"USERNAME": "u"}, false: {"USERNAME": "u", "PASSWORD": "secret"}} {
		one, err := g.GetConnection(t.Context(), &glue.GetConnectionInput{Name: aws.String("redshift"), HidePassword: hide})
		if err != nil {
			t.Fatal(err)
		}
		all, err := g.GetConnections(t.Context(), &glue.GetConnectionsInput{HidePassword: hide})
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []map[string]string{one.Connection.ConnectionProperties, all.ConnectionList[0].ConnectionProperties} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
	}
	_, err := g.CreateConnection(t.Context(), createConnection("redshift"))
	wantError(t, err, "AlreadyExistsException", "Connection already exists.")
	_, err = g.GetConnection(t.Context(), &glue.GetConnectionInput{Name: aws.String("none")})
	wantError(t, err, "EntityNotFoundException", "Connection none not found.")
}

func TestTriggers(t *testing.T) {
	f := newWorld(t)
	g := glue.NewFromConfig(f.Config())
	state := func() any { return f.Trigger("etl-schedule")["State"] }
	ops := operations(f)
	steps := []any{state()}
	for _, op := range []string{"StopTrigger", "UpdateTrigger", "StartTrigger"} {
		if err := ops[op](t.Context()); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, state())
	}
	if diff := cmp.Diff([]any{"ACTIVATED", "DEACTIVATED", "DEACTIVATED", "ACTIVATED"}, steps); diff != "" {
		t.Error(diff)
	}
	if got := f.Trigger("etl-schedule"); got["Schedule"] != "cron(0 4 * * ? *)" || got["Type"] != "SCHEDULED" {
		t.Errorf("%v", got)
	}
	if !f.SetTriggerState("etl-schedule", types.TriggerStateActivating) || state() != "ACTIVATING" || f.SetTriggerState("none", "") {
		t.Error("the state was not set")
	}
	_, err := g.CreateTrigger(t.Context(), createTrigger("x", "none"))
	wantError(t, err, "EntityNotFoundException", "Job none not found.")
	bad := createTrigger("x", "etl")
	bad.Schedule = aws.String("cron(0 3 * * *)")
	_, err = g.CreateTrigger(t.Context(), bad)
	wantError(t, err, "InvalidInputException", `Invalid schedule expression "cron(0 3 * * *)"`)
}

func TestTriggersOfAJobAreAllTriggersWhereItHasNone(t *testing.T) {
	f := newWorld(t)
	g := glue.NewFromConfig(f.Config())
	for _, do := range []func() error{
		func() error { return call(g.CreateJob, createJob("b"))(t.Context()) },
		func() error { return call(g.CreateJob, createJob("c"))(t.Context()) },
		func() error { return call(g.CreateTrigger, createTrigger("b-schedule", "b"))(t.Context()) },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	for job, want := range map[string][]string{"etl": {"etl-schedule"}, "b": {"b-schedule"}, "c": {"b-schedule", "etl-schedule"}} {
		out, err := g.ListTriggers(t.Context(), &glue.ListTriggersInput{DependentJobName: &job})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.TriggerNames); diff != "" {
			t.Errorf("%s: %s", job, diff)
		}
	}
}

func TestATriggerFires(t *testing.T) {
	f := newWorld(t)
	f.Edit("etl", func(job map[string]any) { job["ExecutionProperty"] = map[string]any{"MaxConcurrentRuns": 2} })
	first, second := f.Fire("etl-schedule"), f.Fire("etl-schedule")
	f.Edit("etl", func(job map[string]any) { job["JobRunQueuingEnabled"] = true })
	third := f.Fire("etl-schedule")
	if err := operations(f)["DeleteJob"](t.Context()); err != nil {
		t.Fatal(err)
	}
	states := []any{f.Run(first[0]), f.Run(second[0]), f.Run(third[0])}
	for _, state := range states {
		if run := state.(map[string]any); len(run) != 0 {
			t.Errorf("the run of a deleted job: %v", run)
		}
	}
	orphan := f.Run(f.Fire("etl-schedule")[0])
	if orphan["JobRunState"] != "ERROR" || orphan["ErrorMessage"] != "Entity Not Found" || orphan["TriggerName"] != "etl-schedule" {
		t.Errorf("%v", orphan)
	}
	if f.Fire("none") != nil {
		t.Error("no trigger fired")
	}
}

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

func TestLogsAreReadFromWhereOneWas(t *testing.T) {
	f := newWorld(t)
	run := f.Runs("etl")[0]
	l := cloudwatchlogs.NewFromConfig(f.Config())
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("/aws-glue/jobs/output"), LogStreamName: &run, StartFromHead: aws.Bool(true)}
	var lines []string
	for _, print := range []string{"", "two", "", "three"} {
		if print != "" {
			f.Print(run, gluetest.Output, print)
		}
		out, err := l.GetLogEvents(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Events) == 0 && *out.NextForwardToken != *in.NextToken {
			t.Error("at the end the token stays the same")
		}
		for _, e := range out.Events {
			lines = append(lines, *e.Message)
		}
		in.NextToken = out.NextForwardToken
	}
	if diff := cmp.Diff([]string{"hello", "two", "three"}, lines); diff != "" {
		t.Error(diff)
	}
	if f.Print("jr_none", gluetest.Output, "x") {
		t.Error("a run that is not there printed")
	}
	in.NextToken = aws.String("x")
	wantError(t, call(l.GetLogEvents, in)(t.Context()), "InvalidParameterException", "The specified nextToken is invalid.")
	in.LogStreamName = aws.String("none")
	wantError(t, call(l.GetLogEvents, in)(t.Context()), "ResourceNotFoundException", "The specified log stream does not exist.")
}

func TestStreamsAreFoundAndFiltered(t *testing.T) {
	f := newWorld(t)
	run := f.Runs("etl")[0]
	l := cloudwatchlogs.NewFromConfig(f.Config())
	f.Print(run, gluetest.Driver, "INFO driver one")
	f.Advance(time.Second)
	f.Print(run, gluetest.Executor(1), "ERROR executor")
	f.Print(run, gluetest.ProgressBar, "50%")
	f.Print(run, gluetest.Driver, "ERROR driver two")
	group := aws.String("/aws-glue/jobs/logs-v2")
	streams, err := l.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: group, LogStreamNamePrefix: &run})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range streams.LogStreams {
		names = append(names, strings.TrimPrefix(*s.LogStreamName, run))
	}
	if diff := cmp.Diff([]string{"-1", "-driver", "-progress-bar"}, names); diff != "" {
		t.Error(diff)
	}
	f.PageMost(1)
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(l, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, FilterPattern: aws.String("ERROR")})
	var lines []string
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			lines = append(lines, *e.Message)
		}
	}
	if diff := cmp.Diff([]string{"ERROR executor", "ERROR driver two"}, lines); diff != "" {
		t.Error(diff)
	}
	_, err = l.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = l.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, FilterPattern: aws.String("{ $.x = 1 }")})
	wantError(t, err, "InvalidParameterException", "plain words only")
}

func TestARunWithASecurityConfigurationHasLogsOfItsOwn(t *testing.T) {
	f := newWorld(t)
	run := start(t, f, glue.StartJobRunInput{SecurityConfiguration: aws.String("kms")})
	f.Print(run, gluetest.Stderr, "oh")
	f.Log("/aws-glue/python-jobs/output", run, "hm")
	out, err := cloudwatchlogs.NewFromConfig(f.Config()).DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range out.LogGroups {
		names = append(names, *g.LogGroupName)
	}
	if diff := cmp.Diff([]string{"/aws-glue/jobs-role-kms/error", "/aws-glue/jobs/output", "/aws-glue/python-jobs/output"}, names); diff != "" {
		t.Error(diff)
	}
}
