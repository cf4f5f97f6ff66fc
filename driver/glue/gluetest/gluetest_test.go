package gluetest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

func command() *types.JobCommand {
	return &types.JobCommand{Name: aws.String("glueetl"), PythonVersion: aws.String("3"), ScriptLocation: aws.String("s3://b/etl.py")}
}

func createJob(name string) *glue.CreateJobInput {
	return &glue.CreateJobInput{
		Name: &name, Role: aws.String("role"), Command: command(), GlueVersion: aws.String("5.0"),
		WorkerType: types.WorkerTypeG1x, NumberOfWorkers: aws.Int32(2),
		DefaultArguments:  map[string]string{"--a": "1"},
		ExecutionProperty: &types.ExecutionProperty{MaxConcurrentRuns: 3},
		Tags:              map[string]string{"team": "data"},
	}
}

func createTrigger(name, job string) *glue.CreateTriggerInput {
	return &glue.CreateTriggerInput{
		Name: &name, Type: types.TriggerTypeScheduled, Schedule: aws.String("cron(0 3 * * ? *)"),
		Actions: []types.Action{{JobName: &job}}, StartOnCreation: true, Tags: map[string]string{"team": "data"},
	}
}

func createConnection(name string) *glue.CreateConnectionInput {
	return &glue.CreateConnectionInput{ConnectionInput: &types.ConnectionInput{
		Name: &name, ConnectionType: types.ConnectionTypeJdbc,
		ConnectionProperties: map[string]string{"USERNAME": "u", "PASSWORD": "secret"},
	}}
}

// newWorld has a job with a trigger, a run with a line in its log, and a connection.
func newWorld(t *testing.T) *gluetest.Fake {
	t.Helper()
	f := gluetest.New(t)
	g := glue.NewFromConfig(f.Console())
	for _, do := range []func() error{
		func() error { return call(g.CreateJob, createJob("etl"))(t.Context()) },
		func() error { return call(g.CreateTrigger, createTrigger("etl-schedule", "etl"))(t.Context()) },
		func() error { return call(g.CreateConnection, createConnection("redshift"))(t.Context()) },
		func() error {
			return call(g.StartJobRun, &glue.StartJobRunInput{JobName: aws.String("etl")})(t.Context())
		},
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	f.Print(f.Runs("etl")[0], gluetest.Output, "hello")
	if calls := f.Calls(); len(calls) > 0 {
		t.Fatalf("the console's calls are recorded: %+v", calls)
	}
	return f
}

// send speaks to the fake without the SDK, and returns the status and the answer.
func send(t testing.TB, f *gluetest.Fake, target, body string) (int, map[string]any) {
	t.Helper()
	return post(t, f.URL, target, body)
}

func post(t testing.TB, url, target, body string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	service := "glue"
	if strings.HasPrefix(target, "Logs") {
		service = "logs"
	}
	request.Header.Set("X-Amz-Target", target)
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260105/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=x")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&answer); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return response.StatusCode, answer
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func wantError(t *testing.T, err error, want, message string) {
	t.Helper()
	if code(err) != want || !strings.Contains(err.Error(), message) {
		t.Errorf("%v, not %s: %s", err, want, message)
	}
}

func TestReadsLagBehindWrites(t *testing.T) {
	f := gluetest.New(t)
	g := glue.NewFromConfig(f.Config())
	f.Lag(2, "GetJob", "GetJobRuns")
	if _, err := g.CreateJob(t.Context(), createJob("etl")); err != nil {
		t.Fatal(err)
	}
	get := call(g.GetJob, &glue.GetJobInput{JobName: aws.String("etl")})
	var codes []string
	for range 3 {
		codes = append(codes, code(get(t.Context())))
	}
	if diff := cmp.Diff([]string{"EntityNotFoundException", "EntityNotFoundException", ""}, codes); diff != "" {
		t.Error(diff)
	}
	// Another operation reads the present, and so does the console.
	if out, err := g.GetJobs(t.Context(), &glue.GetJobsInput{}); err != nil || len(out.Jobs) != 1 {
		t.Errorf("%v, %v", out, err)
	}
	if _, err := g.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("etl")}); err != nil {
		t.Fatal(err)
	}
	in := &glue.GetJobRunsInput{JobName: aws.String("etl")}
	if out, err := glue.NewFromConfig(f.Console()).GetJobRuns(t.Context(), in); err != nil || len(out.JobRuns) != 1 {
		t.Errorf("the console sees %v, %v", out, err)
	}
	wantError(t, call(g.GetJobRuns, in)(t.Context()), "EntityNotFoundException", "etl")
	wantError(t, call(g.GetJobRuns, in)(t.Context()), "EntityNotFoundException", "etl")
	if out, err := g.GetJobRuns(t.Context(), in); err != nil || len(out.JobRuns) != 1 {
		t.Errorf("in the end: %v, %v", out, err)
	}
}

func TestLagShowsEachEffectInItsOrder(t *testing.T) {
	f := newWorld(t)
	f.Lag(1)
	g := glue.NewFromConfig(f.Config())
	for _, role := range []string{"second", "third"} {
		in := &glue.UpdateJobInput{JobName: aws.String("etl"), JobUpdate: &types.JobUpdate{Role: &role, Command: command()}}
		if _, err := g.UpdateJob(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	var roles []string
	for range 2 {
		out, err := g.GetJob(t.Context(), &glue.GetJobInput{JobName: aws.String("etl")})
		if err != nil {
			t.Fatal(err)
		}
		roles = append(roles, *out.Job.Role)
	}
	if diff := cmp.Diff([]string{"role", "third"}, roles); diff != "" {
		t.Error(diff)
	}
}

func TestSomebodyActsBetweenTwoCalls(t *testing.T) {
	f := newWorld(t)
	other := glue.NewFromConfig(f.Console())
	f.Meanwhile(func(c gluetest.Call) {
		if c.Op == "UpdateJob" {
			in := &glue.UpdateJobInput{JobName: aws.String("etl"), JobUpdate: &types.JobUpdate{Role: aws.String("theirs"), Command: command()}}
			if _, err := other.UpdateJob(t.Context(), in); err != nil {
				t.Error(err)
			}
		}
	})
	if err := operations(f)["UpdateJob"](t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := f.Job("etl")["Role"]; got != "theirs" {
		t.Errorf("role %v", got)
	}
	if n := len(f.Effects()); n != 1 {
		t.Errorf("%d effects are recorded, not ours alone", n)
	}
}

func TestTheClockIsTheTests(t *testing.T) {
	f := newWorld(t)
	before := f.Now()
	f.Advance(time.Hour)
	if got := f.Now().Sub(before); got != time.Hour {
		t.Errorf("advanced %s", got)
	}
	at := time.Date(2030, time.March, 1, 0, 0, 0, 0, time.UTC)
	f.SetClock(func() time.Time { return at })
	if err := operations(f)["UpdateJob"](t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := glue.NewFromConfig(f.Config()).GetJob(t.Context(), &glue.GetJobInput{JobName: aws.String("etl")})
	if err != nil || !out.Job.LastModifiedOn.Equal(at) || !out.Job.CreatedOn.Equal(before) {
		t.Errorf("%v, %v", out.Job, err)
	}
}

func TestRequestsThatAreNoneAreRefused(t *testing.T) {
	f := newWorld(t)
	for _, c := range []struct{ target, body, code string }{
		{"AWSGlue.MakeTea", "{}", "UnknownOperationException"},
		{"Logs_20140328.GetJob", "{}", "UnknownOperationException"},
		{"", "{}", "UnknownOperationException"},
		{"AWSGlue.GetJob", "[", "SerializationException"},
	} {
		if status, answer := send(t, f, c.target, c.body); status != 400 || answer["__type"] != c.code {
			t.Errorf("%s %s: %d %v", c.target, c.body, status, answer)
		}
	}
	unsigned, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	unsigned.Header.Set("X-Amz-Target", "AWSGlue.GetJobs")
	response, err := http.DefaultClient.Do(unsigned)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if data, _ := io.ReadAll(response.Body); !strings.Contains(string(data), "IncompleteSignature") {
		t.Errorf("%s", data)
	}
}

func TestListsComeInPages(t *testing.T) {
	f := newWorld(t)
	f.PageMost(1)
	console := glue.NewFromConfig(f.Console())
	for _, name := range []string{"b", "c"} {
		if _, err := console.CreateJob(t.Context(), createJob(name)); err != nil {
			t.Fatal(err)
		}
	}
	g := glue.NewFromConfig(f.Config())
	var names []string
	pages := glue.NewGetJobsPaginator(g, &glue.GetJobsInput{})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, *out.Jobs[0].Name)
	}
	if !slices.Equal(names, []string{"b", "c", "etl"}) {
		t.Errorf("jobs %v", names)
	}
	_, err := g.GetJobs(t.Context(), &glue.GetJobsInput{NextToken: aws.String("x")})
	wantError(t, err, "InvalidInputException", "Invalid NextToken")
	_, err = g.GetJobRuns(t.Context(), &glue.GetJobRunsInput{JobName: aws.String("etl"), MaxResults: aws.Int32(201)})
	wantError(t, err, "InvalidInputException", "MaxResults must be between 1 and 200")
}

func FuzzServe(f *testing.F) {
	for _, op := range []string{"CreateJob", "UpdateJob", "StartJobRun", "CreateTrigger", "TagResource", "BatchStopJobRun"} {
		f.Add("AWSGlue."+op, `{"Name":"etl","JobName":"etl","Command":{"Name":"glueetl"},"JobUpdate":{"Role":"r"},"Actions":[{}],"MaxResults":1}`)
	}
	f.Add("Logs_20140328.GetLogEvents", `{"logGroupName":"/aws-glue/jobs/output","logStreamName":"x","nextToken":"f/1/s"}`)
	f.Add("Logs_20140328.FilterLogEvents", `{"logGroupName":"g","nextToken":"2"}`)
	fake := gluetest.New(f)
	send(f, fake, "AWSGlue.CreateJob", `{"Name":"etl","Role":"r","Command":{"Name":"glueetl"}}`)
	fake.Log("g", "x", "hello")
	f.Fuzz(func(t *testing.T, target, body string) {
		if strings.ContainsAny(target, "\r\n\x00") || !strings.HasPrefix(target, "AWSGlue.") && !strings.HasPrefix(target, "Logs_") {
			t.Skip("no header")
		}
		for _, r := range target {
			if r < ' ' || r > '~' {
				t.Skip("no header")
			}
		}
		defer fake.Forget()
		if status, answer := send(t, fake, target, body); status != 200 && (status != 400 || answer["__type"] == "") {
			t.Errorf("%d %v", status, answer)
		}
	})
}
