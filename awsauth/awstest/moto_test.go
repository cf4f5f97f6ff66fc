package awstest_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/awsauth/awstest"
)

// glue sends a call of Glue as it is on the wire, fields included that no SDK
// knows, and returns the answer.
func glue(t *testing.T, moto, call, input string) map[string]any {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, moto, strings.NewReader(input))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "AWSGlue."+call)
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/glue/aws4_request, SignedHeaders=host, Signature=x")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: %s: %v", call, response.Status, err)
	}
	return answer
}

// shown returns what the real CLI shows of a job, without its times.
func shown(t *testing.T, name string) map[string]any {
	t.Helper()
	var answer struct{ Job map[string]any }
	if err := json.Unmarshal([]byte(awstest.Run(t, "glue", "get-job", "--job-name", name)), &answer); err != nil {
		t.Fatal(err)
	}
	delete(answer.Job, "CreatedOn")
	delete(answer.Job, "LastModifiedOn")
	return answer.Job
}

func TestJobsHaveTheDefaultsOfGlue(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	awstest.Run(t, "glue", "create-job", "--name", "plain", "--role", "r", "--command", "Name=glueetl,ScriptLocation=s3://b/k")
	want := map[string]any{
		"Name": "plain", "Role": "r", "GlueVersion": "5.1", "JobMode": "SCRIPT", "JobRunQueuingEnabled": false,
		"Command":           map[string]any{"Name": "glueetl", "ScriptLocation": "s3://b/k", "PythonVersion": "2"},
		"ExecutionProperty": map[string]any{"MaxConcurrentRuns": 1.0}, "ExecutionClass": "STANDARD",
		"MaxRetries": 0.0, "Timeout": 480.0, "MaxCapacity": 10.0, "AllocatedCapacity": 10.0,
	}
	if diff := cmp.Diff(want, shown(t, "plain")); diff != "" {
		t.Error(diff)
	}
	awstest.Run(t, "glue", "create-job", "--name", "workers", "--role", "r", "--command", "Name=glueetl,ScriptLocation=s3://b/k",
		"--worker-type", "G.2X", "--number-of-workers", "3", "--glue-version", "4.0")
	if job := shown(t, "workers"); job["MaxCapacity"] != 6.0 || job["Timeout"] != 2880.0 {
		t.Errorf("workers have capacity %v and timeout %v", job["MaxCapacity"], job["Timeout"])
	}
}

func TestUpdateJobReplaces(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	glue(t, moto, "CreateJob", `{"Name":"j","Role":"r","Command":{"Name":"glueetl","ScriptLocation":"s3://b/1"},"GlueVersion":"4.0",
		"Timeout":60,"MaintenanceWindow":"Mon:10","NewerThanAll":{"of":"us"},"Tags":{"team":"x"}}`)
	job := glue(t, moto, "GetJob", `{"JobName":"j"}`)["Job"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"of": "us"}, job["NewerThanAll"]); diff != "" || job["MaintenanceWindow"] != "Mon:10" {
		t.Errorf("a field was lost: %v", job)
	}
	awstest.Run(t, "glue", "update-job", "--job-name", "j", "--job-update", "Role=r2,Command={Name=glueetl,ScriptLocation=s3://b/2,PythonVersion=3}")
	job = shown(t, "j")
	if job["Role"] != "r2" || job["GlueVersion"] != "4.0" || job["Timeout"] != 2880.0 || job["MaintenanceWindow"] != nil {
		t.Errorf("the update left %v", job)
	}
	tags := glue(t, moto, "GetTags", `{"ResourceArn":"arn:aws:glue:us-east-1:123456789012:job/j"}`)
	if diff := cmp.Diff(map[string]any{"Tags": map[string]any{"team": "x"}}, tags); diff != "" {
		t.Error(diff)
	}
}

func TestWhatGlueRefuses(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	const job = `"Role":"r","Command":{"Name":"glueetl","ScriptLocation":"s3://b/1"}`
	glue(t, moto, "CreateJob", `{"Name":"j",`+job+`}`)
	glue(t, moto, "CreateTrigger", `{"Name":"t","Type":"ON_DEMAND","Actions":[{"JobName":"j"}]}`)
	for _, tt := range []struct{ call, input, want string }{
		{"CreateJob", `{"Name":"j",` + job + `}`, "AlreadyExistsException"},
		{"CreateJob", `{"Name":"k","Role":"r"}`, "InvalidInputException"},
		{"CreateJob", `{"Name":"k",` + job + `,"Timeout":20000}`, "InvalidInputException"},
		{"CreateJob", `{"Name":"k","Role":"r","Command":{"Name":"glueray"},"Timeout":20}`, "InvalidInputException"},
		{"UpdateJob", `{"JobName":"j","JobUpdate":{` + job + `,"WorkerType":"G.1X","NumberOfWorkers":2,"MaxCapacity":2}}`, "InvalidInputException"},
		{"UpdateJob", `{"JobName":"j","JobUpdate":{` + job + `,"AllocatedCapacity":2,"MaxCapacity":2}}`, "InvalidInputException"},
		{"UpdateJob", `{"JobName":"none","JobUpdate":{` + job + `}}`, "EntityNotFoundException"},
		{"CreateTrigger", `{"Name":"t","Type":"ON_DEMAND","Actions":[{"JobName":"j"}]}`, "AlreadyExistsException"},
		{"CreateTrigger", `{"Name":"u","Type":"SCHEDULED","Schedule":"0 3 * * *","Actions":[{"JobName":"j"}]}`, "InvalidInputException"},
		{"UpdateTrigger", `{"Name":"none","TriggerUpdate":{}}`, "EntityNotFoundException"},
		{"GetTags", `{"ResourceArn":"arn:aws:glue:us-east-1:123456789012:job/none"}`, "EntityNotFoundException"},
	} {
		if got := glue(t, moto, tt.call, tt.input)["__type"]; got != tt.want {
			t.Errorf("%s %s: got %v, want %s", tt.call, tt.input, got, tt.want)
		}
	}
}

func TestRuns(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	awstest.Hold(t, moto, "1000")
	glue(t, moto, "CreateJob", `{"Name":"j","Role":"r","Command":{"Name":"glueetl","ScriptLocation":"s3://b/1"},"ExecutionProperty":{"MaxConcurrentRuns":2}}`)
	first := glue(t, moto, "StartJobRun", `{"JobName":"j","Arguments":{"--a":"1"}}`)["JobRunId"].(string)
	second := glue(t, moto, "StartJobRun", `{"JobName":"j"}`)["JobRunId"].(string)
	if got := glue(t, moto, "StartJobRun", `{"JobName":"j"}`)["__type"]; got != "ConcurrentRunsExceededException" {
		t.Errorf("a third run gives %v", got)
	}
	runs := glue(t, moto, "GetJobRuns", `{"JobName":"j"}`)["JobRuns"].([]any)
	if len(runs) != 2 || runs[0].(map[string]any)["Id"] != second {
		t.Errorf("the newest run is not the first: %v", runs)
	}
	stop := `{"JobName":"j","JobRunIds":["` + first + `","none"]}`
	stopped := glue(t, moto, "BatchStopJobRun", stop)
	if diff := cmp.Diff([]any{map[string]any{"JobName": "j", "JobRunId": first}}, stopped["SuccessfulSubmissions"]); diff != "" {
		t.Error(diff)
	}
	run := glue(t, moto, "GetJobRun", `{"JobName":"j","RunId":"`+first+`"}`)["JobRun"].(map[string]any)
	if run["JobRunState"] != "STOPPING" || run["CompletedOn"] != nil || run["GlueVersion"] != "5.1" {
		t.Errorf("the run that was stopped is %v", run)
	}
}

func TestTriggers(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	awstest.Run(t, "glue", "create-trigger", "--name", "t", "--type", "SCHEDULED", "--schedule", "cron(0 3 * * ? *)", "--actions", "JobName=j,Timeout=5", "--start-on-creation")
	awstest.Run(t, "glue", "update-trigger", "--name", "t", "--trigger-update", "Schedule='cron(0 4 * * ? *)',Actions=[{JobName=k}]")
	want := map[string]any{"Trigger": map[string]any{
		"Name": "t", "Type": "SCHEDULED", "State": "ACTIVATED", "Schedule": "cron(0 4 * * ? *)", "Actions": []any{map[string]any{"JobName": "k"}},
	}}
	if diff := cmp.Diff(want, glue(t, moto, "GetTrigger", `{"Name":"t"}`)); diff != "" {
		t.Error(diff)
	}
	found := glue(t, moto, "GetTriggers", `{"DependentJobName":"k"}`)["Triggers"].([]any)
	if len(found) != 1 {
		t.Errorf("the job has triggers %v", found)
	}
}

func TestEnforce(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	awstest.Run(t, "iam", "create-user", "--user-name", "u")
	var made struct {
		AccessKey struct {
			ID     string `json:"AccessKeyId"`
			Secret string `json:"SecretAccessKey"`
		}
	}
	if err := json.Unmarshal([]byte(awstest.Run(t, "iam", "create-access-key", "--user-name", "u")), &made); err != nil {
		t.Fatal(err)
	}
	awstest.Run(t, "iam", "put-user-policy", "--user-name", "u", "--policy-name", "p", "--policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"glue:GetJobs","Resource":"*"}]}`)
	awstest.Enforce(t, moto)
	t.Setenv("AWS_ACCESS_KEY_ID", made.AccessKey.ID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", made.AccessKey.Secret)
	awstest.Run(t, "glue", "get-jobs")
	refused, err := exec.CommandContext(t.Context(), awstest.CLI(t), "glue", "delete-job", "--job-name", "j").CombinedOutput()
	if err == nil || !strings.Contains(string(refused), "is not authorized to perform: glue:DeleteJob") {
		t.Errorf("a call that is not allowed gives %v: %s", err, refused)
	}
}

func TestBuckets(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	awstest.Bucket(t, moto, "held")
	awstest.Send(t, http.MethodPut, moto+"/held/x/2", "two")
	awstest.Send(t, http.MethodPut, moto+"/held/x/1", "one")
	if diff := cmp.Diff([]string{"x/1", "x/2"}, awstest.Keys(t, moto, "held")); diff != "" {
		t.Error(diff)
	}
	if got := awstest.Run(t, "s3", "cp", "s3://held/x/2", "-"); got != "two" {
		t.Errorf("the CLI reads %q", got)
	}
}
