package gluetest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

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
	if _, answer := send(t, f, "AWSGlue.CreateJob", `{"Name":"bare","Role":"r","Command":{"Name":"glueetl"}}`); answer["Name"] != "bare" {
		t.Fatal(answer)
	}
	if bare, err := g.GetTags(t.Context(), &glue.GetTagsInput{ResourceArn: aws.String(gluetest.JobARN("bare"))}); err != nil || len(bare.Tags) != 0 {
		t.Errorf("without tags: %v, %v", bare, err)
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
