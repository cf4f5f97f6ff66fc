package gluetest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

// operations are calls that work against the world of newWorld, one for each
// operation, by the SDK with its retries off.
func operations(f *gluetest.Fake) map[string]func(context.Context) error {
	cfg := f.Config()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	g, l := glue.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	job, trigger, group := aws.String("etl"), aws.String("etl-schedule"), aws.String("/aws-glue/jobs/output")
	run := aws.String(f.Runs("etl")[0])
	arn := aws.String(gluetest.JobARN("etl"))
	return map[string]func(context.Context) error{
		"CreateJob":    call(g.CreateJob, createJob("another")),
		"UpdateJob":    call(g.UpdateJob, &glue.UpdateJobInput{JobName: job, JobUpdate: &types.JobUpdate{Role: aws.String("other"), Command: command()}}),
		"DeleteJob":    call(g.DeleteJob, &glue.DeleteJobInput{JobName: job}),
		"GetJob":       call(g.GetJob, &glue.GetJobInput{JobName: job}),
		"GetJobs":      call(g.GetJobs, &glue.GetJobsInput{}),
		"ListJobs":     call(g.ListJobs, &glue.ListJobsInput{}),
		"BatchGetJobs": call(g.BatchGetJobs, &glue.BatchGetJobsInput{JobNames: []string{"etl"}}),

		"StartJobRun":     call(g.StartJobRun, &glue.StartJobRunInput{JobName: job}),
		"BatchStopJobRun": call(g.BatchStopJobRun, &glue.BatchStopJobRunInput{JobName: job, JobRunIds: []string{*run}}),
		"GetJobRun":       call(g.GetJobRun, &glue.GetJobRunInput{JobName: job, RunId: run}),
		"GetJobRuns":      call(g.GetJobRuns, &glue.GetJobRunsInput{JobName: job}),

		"CreateTrigger": call(g.CreateTrigger, createTrigger("another", "etl")),
		"UpdateTrigger": call(g.UpdateTrigger, &glue.UpdateTriggerInput{Name: trigger, TriggerUpdate: &types.TriggerUpdate{
			Schedule: aws.String("cron(0 4 * * ? *)"), Actions: []types.Action{{JobName: job}},
		}}),
		"DeleteTrigger": call(g.DeleteTrigger, &glue.DeleteTriggerInput{Name: trigger}),
		"StartTrigger":  call(g.StartTrigger, &glue.StartTriggerInput{Name: trigger}),
		"StopTrigger":   call(g.StopTrigger, &glue.StopTriggerInput{Name: trigger}),
		"GetTrigger":    call(g.GetTrigger, &glue.GetTriggerInput{Name: trigger}),
		"GetTriggers":   call(g.GetTriggers, &glue.GetTriggersInput{}),
		"ListTriggers":  call(g.ListTriggers, &glue.ListTriggersInput{}),

		"TagResource":   call(g.TagResource, &glue.TagResourceInput{ResourceArn: arn, TagsToAdd: map[string]string{"a": "b"}}),
		"UntagResource": call(g.UntagResource, &glue.UntagResourceInput{ResourceArn: arn, TagsToRemove: []string{"team"}}),
		"GetTags":       call(g.GetTags, &glue.GetTagsInput{ResourceArn: arn}),

		"CreateConnection": call(g.CreateConnection, createConnection("another")),
		"DeleteConnection": call(g.DeleteConnection, &glue.DeleteConnectionInput{ConnectionName: aws.String("redshift")}),
		"GetConnection":    call(g.GetConnection, &glue.GetConnectionInput{Name: aws.String("redshift"), HidePassword: true}),
		"GetConnections":   call(g.GetConnections, &glue.GetConnectionsInput{}),

		"DescribeLogGroups":  call(l.DescribeLogGroups, &cloudwatchlogs.DescribeLogGroupsInput{}),
		"DescribeLogStreams": call(l.DescribeLogStreams, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: group}),
		"GetLogEvents":       call(l.GetLogEvents, &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: run}),
		"FilterLogEvents":    call(l.FilterLogEvents, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group}),
	}
}

// call makes one of the SDK's operations into a call without a result.
func call[In, Out, Option any](do func(context.Context, *In, ...Option) (*Out, error), in *In) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := do(ctx, in)
		return err
	}
}

func TestEveryOperationWorks(t *testing.T) {
	for _, op := range slices.Sorted(maps.Keys(gluetest.Errors)) {
		f := newWorld(t)
		do := operations(f)[op]
		if do == nil {
			t.Errorf("no call for %s", op)
			continue
		}
		if err := do(t.Context()); err != nil {
			t.Errorf("%s: %v", op, err)
		}
		calls := f.Calls()
		if len(calls) != 1 || calls[0].Op != op || calls[0].Acted != writes(op) {
			t.Errorf("%s was recorded as %+v", op, calls)
		}
	}
}

func writes(op string) bool {
	for _, prefix := range []string{"Get", "List", "BatchGet", "Describe", "Filter"} {
		if strings.HasPrefix(op, prefix) {
			return false
		}
	}
	return true
}

func TestEveryFaultOfEveryOperation(t *testing.T) {
	t.Parallel()
	for _, op := range slices.Sorted(maps.Keys(gluetest.Errors)) {
		for _, outcome := range gluetest.Faults(op) {
			t.Run(op+" "+outcome.String(), func(t *testing.T) {
				t.Parallel()
				f := newWorld(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if strings.Contains(outcome.String(), "hangs") {
					f.Meanwhile(func(gluetest.Call) { cancel() })
				}
				f.Fault(gluetest.Always(op, outcome))
				err := operations(f)[op](ctx)
				if err == nil {
					t.Fatal("it worked")
				}
				checkAnswer(t, op, outcome, f.Calls(), err)
			})
		}
	}
}

func checkAnswer(t *testing.T, op string, outcome gluetest.Outcome, calls []gluetest.Call, err error) {
	t.Helper()
	if len(calls) != 1 {
		t.Fatalf("%d calls, not one", len(calls))
	}
	acts := strings.HasPrefix(outcome.String(), "acts") && writes(op)
	if calls[0].Acted != acts {
		t.Errorf("acted: %v, not %v", calls[0].Acted, acts)
	}
	api, isAPI := errors.AsType[smithy.APIError](err)
	_, code, named := strings.Cut(outcome.String(), "answers ")
	if named = named && !strings.HasPrefix(code, "an HTML"); !named {
		return
	}
	if !isAPI || api.ErrorCode() != code || calls[0].Code != code {
		t.Errorf("the SDK saw %v, the record says %q, not %s", err, calls[0].Code, code)
	}
}

func TestFaultsAreTheModelsErrorsAndEveryWayToLoseAnAnswer(t *testing.T) {
	lost := 0
	for _, outcome := range gluetest.Faults("StartJobRun") {
		if outcome.Lost() {
			lost++
		}
	}
	// Three of a server's error and one of a timeout, before and after; a page, a
	// closed connection and silence, before and after; and half an answer.
	if want := 2*4 + 2*3 + 1; lost != want {
		t.Errorf("%d outcomes lose the answer, not %d", lost, want)
	}
}

func TestErrorsAreKnownToTheSDK(t *testing.T) {
	for op, codes := range gluetest.Errors {
		for _, code := range codes {
			_, inGlue := glue.TypeRegistry.Entries["com.amazonaws.glue#"+code]
			_, inLogs := cloudwatchlogs.TypeRegistry.Entries["com.amazonaws.cloudwatchlogs#"+code]
			if !inGlue && !inLogs {
				t.Errorf("%s: the SDK does not know %s", op, code)
			}
		}
	}
	if !slices.Contains(gluetest.CommonErrors(), "ThrottlingException") {
		t.Error("nothing throttles")
	}
}

func TestAccessDeniedNamesActionAndResource(t *testing.T) {
	for op, want := range map[string]string{
		"UpdateJob":   "User: arn:aws:sts::123456789012:assumed-role/deployer/test is not authorized to perform: glue:UpdateJob on resource: arn:aws:glue:us-east-1:123456789012:job/etl because no identity-based policy allows the glue:UpdateJob action",
		"StopTrigger": "perform: glue:StopTrigger on resource: arn:aws:glue:us-east-1:123456789012:trigger/etl-schedule because",
		"TagResource": "perform: glue:TagResource on resource: arn:aws:glue:us-east-1:123456789012:job/etl because",
		"GetJobs":     "perform: glue:GetJobs on resource: * because",

		"DeleteConnection": "perform: glue:DeleteConnection on resource: arn:aws:glue:us-east-1:123456789012:connection/redshift because",
	} {
		f := newWorld(t)
		f.Fault(gluetest.Always(op, gluetest.Fail("AccessDeniedException")))
		if err := operations(f)[op](t.Context()); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// What the driver must turn off: the SDK repeats a call that has acted.
func TestTheSDKsRetriesStartTwoRuns(t *testing.T) {
	f := newWorld(t)
	g := glue.NewFromConfig(f.Config())
	f.Fault(gluetest.InTurn("StartJobRun", gluetest.Fail("InternalServiceException").AfterEffect()))
	if _, err := g.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("etl")}); err != nil {
		t.Fatal(err)
	}
	if n := len(f.Effects("StartJobRun")); n != 2 {
		t.Errorf("%d runs, not two", n)
	}
}

func TestThrottlingPasses(t *testing.T) {
	f := newWorld(t)
	f.Fault(gluetest.InTurn("GetJob", gluetest.Times(2, gluetest.Throttle())...))
	if _, err := glue.NewFromConfig(f.Config()).GetJob(t.Context(), &glue.GetJobInput{JobName: aws.String("etl")}); err != nil {
		t.Error(err)
	}
	if n := len(f.Calls()); n != 3 {
		t.Errorf("%d calls, not three", n)
	}
}

func TestTheNthCallFails(t *testing.T) {
	f := newWorld(t)
	f.Fault(gluetest.Nth(2, gluetest.Fail("InvalidInputException").Saying("not today")))
	ops := operations(f)
	first, second, third := ops["GetJob"](t.Context()), ops["GetJobs"](t.Context()), ops["GetTags"](t.Context())
	if first != nil || third != nil || second == nil || !strings.Contains(second.Error(), "not today") {
		t.Errorf("%v, %v, %v", first, second, third)
	}
	f.Fault(nil)
	f.Forget()
	if err := ops["GetJob"](t.Context()); err != nil || len(f.Calls()) != 1 || f.Calls()[0].N != 1 {
		t.Errorf("%v, recorded %+v", err, f.Calls())
	}
}
