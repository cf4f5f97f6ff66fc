package glue_test

import (
	"testing"
	"time"

	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

// TestRemoveKeepsWhatGlueKnowsOfRuns has runs whose end nobody has looked at, and
// one that Slipway did not start.
func TestRemoveKeepsWhatGlueKnowsOfRuns(t *testing.T) {
	w := newRunWorld(t)
	w.create(func(in *awsglue.CreateJobInput) {
		in.Tags = map[string]string{"slipway:app": "traffic", "slipway:environment": "prod"}
	})
	w.mustStart("r1")
	w.Advance(time.Minute)
	out, err := w.console().StartJobRun(t.Context(), &awsglue.StartJobRunInput{JobName: &w.handle.Name})
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(time.Minute)
	for _, id := range w.started() {
		w.Finish(id, types.JobRunStateFailed, "boom")
	}
	before, err := w.driver().Runs(t.Context(), w.handle, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.driver().Remove(t.Context(), w.handle); err != nil {
		t.Fatal(err)
	}
	after, err := w.driver().Runs(t.Context(), w.handle, 0)
	if err != nil || len(after) != 2 {
		t.Fatalf("Runs: %d, %v", len(after), err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("after the job's removal its runs are others (-before +after):\n%s", diff)
	}
	if run := w.run(*out.JobRunId); run.State != slipway.RunFailed || run.Message != "boom" {
		t.Errorf("the run that Slipway did not start: %+v", run)
	}
}
