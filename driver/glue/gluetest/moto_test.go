package gluetest_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

// A step is a call to both, as it is on the wire. RUN stands for the last run.
type step struct{ op, body string }

// steps use names of their own: moto is shared with other tests of the package.
func steps() []step {
	const job = `"Role":"r","Command":{"Name":"glueetl","ScriptLocation":"s3://b/k.py"},"FromTheFuture":{"x":[1,"2"]}`
	const trigger = `"Type":"SCHEDULED","Schedule":"cron(0 3 * * ? *)","Actions":[{"JobName":"diff"}]`
	return []step{
		{"GetJob", `{"JobName":"diff"}`},
		{"UpdateJob", `{"JobName":"diff","JobUpdate":{` + job + `}}`},
		{"DeleteJob", `{"JobName":"diff"}`},
		{"StartJobRun", `{"JobName":"diff"}`},
		{"CreateJob", `{"Name":"diff",` + job + `,"Tags":{"team":"data"}}`},
		{"CreateJob", `{"Name":"diff","Description":"x",` + job + `}`},
		{"CreateJob", `{"Name":"diff-none","Role":"r","Command":{"Name":"glueetl"},"WorkerType":"G.1X","NumberOfWorkers":2,"MaxCapacity":2}`},
		{"CreateJob", `{"Name":"diff-none","Role":"r","Command":{"Name":"glueray"},"Timeout":5}`},
		{"CreateJob", `{"Name":"diff-none","Role":"r","Command":{"Name":"glueetl"},"Timeout":20000}`},
		{"GetJob", `{"JobName":"diff-none"}`},
		{"GetJob", `{"JobName":"diff"}`},
		{"UpdateJob", `{"JobName":"diff","JobUpdate":{"Role":"other","GlueVersion":"4.0","Command":{"Name":"glueetl","PythonVersion":"3"},"WorkerType":"G.2X","NumberOfWorkers":3,"ExecutionClass":"FLEX","DefaultArguments":{"--a":"1"}}}`},
		{"GetJob", `{"JobName":"diff"}`},
		{"UpdateJob", `{"JobName":"diff","JobUpdate":{` + job + `}}`},
		{"GetJob", `{"JobName":"diff"}`},
		{"CreateJob", `{"Name":"diff-shell","Role":"r","Command":{"Name":"pythonshell","PythonVersion":"3.9"},"GlueVersion":"3.0"}`},
		{"GetJob", `{"JobName":"diff-shell"}`},
		{"BatchGetJobs", `{"JobNames":["diff-shell","diff-none"]}`},
		{"GetTags", `{"ResourceArn":"arn:aws:glue:us-east-1:123456789012:job/diff"}`},
		{"TagResource", `{"ResourceArn":"arn:aws:glue:us-east-1:123456789012:job/diff","TagsToAdd":{"a":"b"}}`},
		{"UntagResource", `{"ResourceArn":"arn:aws:glue:us-east-1:123456789012:job/diff","TagsToRemove":["team"]}`},
		{"GetTags", `{"ResourceArn":"arn:aws:glue:us-east-1:123456789012:job/diff"}`},
		{"TagResource", `{"ResourceArn":"arn:aws:glue:us-east-1:123456789012:job/diff-none","TagsToAdd":{"a":"b"}}`},

		{"GetTrigger", `{"Name":"diff"}`},
		{"StopTrigger", `{"Name":"diff"}`},
		{"DeleteTrigger", `{"Name":"diff"}`},
		{"CreateTrigger", `{"Name":"diff",` + trigger + `,"Tags":{"team":"data"}}`},
		{"CreateTrigger", `{"Name":"diff","Description":"x",` + trigger + `}`},
		{"CreateTrigger", `{"Name":"diff-none","Type":"SCHEDULED","Schedule":"0 3 * * *","Actions":[{"JobName":"diff"}]}`},
		{"CreateTrigger", `{"Name":"diff-none","Type":"SCHEDULED","Schedule":"cron(0 3 * * ? *)","Actions":[{"JobName":"diff-none"}]}`},
		{"DeleteTrigger", `{"Name":"diff-none"}`},
		{"GetTrigger", `{"Name":"diff"}`},
		{"StartTrigger", `{"Name":"diff"}`},
		{"GetTriggers", `{"DependentJobName":"diff"}`},
		{"UpdateTrigger", `{"Name":"diff","TriggerUpdate":{"Schedule":"cron(0 4 * * ? *)","Actions":[{"JobName":"diff","Arguments":{"--a":"1"}}]}}`},
		{"StopTrigger", `{"Name":"diff"}`},
		{"GetTrigger", `{"Name":"diff"}`},
		{"GetTags", `{"ResourceArn":"arn:aws:glue:us-east-1:123456789012:trigger/diff"}`},
		{"GetTriggers", `{"DependentJobName":"diff-shell"}`},
		{"DeleteTrigger", `{"Name":"diff"}`},

		{"UpdateJob", `{"JobName":"diff","JobUpdate":{` + job + `,"DefaultArguments":{"--a":"1"},"ExecutionProperty":{"MaxConcurrentRuns":5}}}`},
		{"StartJobRun", `{"JobName":"diff","Arguments":{"--slipway-run":"r1"}}`},
		{"GetJobRun", `{"JobName":"diff","RunId":"RUN"}`},
		{"GetJobRuns", `{"JobName":"diff"}`},
		{"GetJobRun", `{"JobName":"diff","RunId":"jr_none"}`},
		{"BatchStopJobRun", `{"JobName":"diff","JobRunIds":["RUN","jr_none"]}`},

		{"CreateConnection", `{"ConnectionInput":{"Name":"diff","ConnectionType":"JDBC","ConnectionProperties":{"USERNAME":"u","PASSWORD":"secret"}}}`},
		{"CreateConnection", `{"ConnectionInput":{"Name":"diff","ConnectionType":"JDBC","ConnectionProperties":{}}}`},
		{"GetConnection", `{"Name":"diff","HidePassword":false}`},
		{"GetConnection", `{"Name":"diff","HidePassword":true}`},
		{"GetConnection", `{"Name":"diff-none"}`},
		{"DeleteJob", `{"JobName":"diff"}`},
		{"DeleteJob", `{"JobName":"diff-shell"}`},
		{"GetJob", `{"JobName":"diff"}`},
	}
}

// differences are where the two answer differently, and why the fake stays as it is.
// Each is the operation and the place in its answer.
func differences() map[string]string {
	const (
		mismatch = "AWS has two errors for a name that is taken; moto has one"
		triggers = "AWS answers all triggers where none starts the job; moto none"
		defaults = "nobody has seen whether AWS fills this in: what is tested against both may rely on neither"
	)
	return map[string]string{
		"CreateJob __type":     mismatch,
		"CreateTrigger __type": mismatch + "; and moto lets a trigger name a job that is not there",
		"CreateTrigger Name":   "moto lets a trigger name a job that is not there",

		"GetTriggers Triggers.0.Actions.0.Arguments.--a": triggers,
		"GetTriggers Triggers.0.Actions.0.JobName":       triggers,
		"GetTriggers Triggers.0.Name":                    triggers,
		"GetTriggers Triggers.0.Schedule":                triggers,
		"GetTriggers Triggers.0.State":                   triggers,
		"GetTriggers Triggers.0.Type":                    triggers,

		"GetJob Job.ExecutionClass":                      defaults,
		"GetJob Job.JobRunQueuingEnabled":                defaults,
		"BatchGetJobs Jobs.0.JobRunQueuingEnabled":       defaults,
		"GetJobRun JobRun.ExecutionClass":                defaults,
		"GetJobRuns JobRuns.0.ExecutionClass":            defaults,
		"GetJobRun JobRun.Arguments.--a":                 defaults,
		"GetJobRuns JobRuns.0.Arguments.--a":             defaults,
		"BatchStopJobRun Errors.1.ErrorDetail.ErrorCode": defaults,

		"GetJobRun JobRun.JobMode":                "moto's runs have none",
		"GetJobRuns JobRuns.0.JobMode":            "moto's runs have none",
		"GetJobRun JobRun.ExecutionTime":          "every run of moto's takes 123 seconds",
		"GetJobRuns JobRuns.0.ExecutionTime":      "every run of moto's takes 123 seconds",
		"GetConnection Connection.ConnectionType": "moto drops it",

		"GetConnection Connection.ConnectionProperties.PASSWORD": "moto does not know HidePassword",
	}
}

func TestTheFakeAnswersAsMotoDoes(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	f := gluetest.New(t)
	f.Progress(types.JobRunStateSucceeded)
	known, seen := differences(), map[string]bool{}
	ours, theirs := &caller{url: f.URL}, &caller{url: moto}
	for i, s := range steps() {
		a, b := ours.answer(t, s), theirs.answer(t, s)
		for _, place := range slices.Sorted(maps.Keys(merge(a, b))) {
			if a[place] == b[place] {
				continue
			}
			seen[s.op+" "+place] = true
			if known[s.op+" "+place] == "" {
				t.Errorf("step %d, %s %s: the fake answers %q, moto %q, at %s", i, s.op, s.body, a[place], b[place], place)
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(known)), slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("the known differences are not those that there are: %s", diff)
	}
}

// A caller is one of the two, and the last run that it started.
type caller struct{ url, run string }

// answer makes a call, and returns the answer's values by their place in it.
func (c *caller) answer(t *testing.T, s step) map[string]string {
	t.Helper()
	_, answer := post(t, c.url, "AWSGlue."+s.op, strings.ReplaceAll(s.body, "RUN", c.run))
	if id, ok := answer["JobRunId"].(string); ok {
		c.run = id
	}
	out := map[string]string{}
	flatten(out, "", answer)
	for place, value := range out {
		if c.run != "" {
			out[place] = strings.ReplaceAll(value, c.run, "RUN")
		}
	}
	return out
}

// flatten writes each value to its place. Times and the words of errors are not compared.
func flatten(out map[string]string, place string, value any) {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for key, member := range v {
			if !slices.Contains([]string{"CreatedOn", "LastModifiedOn", "StartedOn", "CompletedOn", "CreationTime", "LastUpdatedTime", "Message", "message", "ErrorMessage"}, key) {
				flatten(out, strings.TrimPrefix(place+"."+key, "."), member)
			}
		}
	case []any:
		for i, item := range v {
			flatten(out, place+"."+strconv.Itoa(i), item)
		}
	case float64:
		out[place] = strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		out[place] = strconv.FormatBool(v)
	case string:
		out[place] = strconv.Quote(v)
	}
}

func merge(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}
