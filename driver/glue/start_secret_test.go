package glue_test

import (
	"bytes"
	"encoding/json"
	"testing"

	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

// TestAPasswordOfARunGoesToGlueAlone looks for an argument that sounds like a secret
// in all that Slipway keeps, also where the answer about the note was lost.
func TestAPasswordOfARunGoesToGlueAlone(t *testing.T) {
	for _, lost := range []bool{false, true} {
		w := newRunWorld(t)
		faulty := &repositorytest.Faulty{Repository: w.notes}
		if lost {
			faulty.After = repositorytest.Once("Swap", 1, slipway.Errorf(slipway.Unavailable, "the store is away"))
		}
		run, err := w.driver(func(c *glue.Config) { c.Notes = faulty }).Start(t.Context(), w.handle, driver.RunRequest{
			ID: "r1", Trigger: "manual", Arguments: map[string]string{"db_password": "swordfish", "day": "1"},
		})
		if err != nil {
			t.Fatalf("lost %v: %v", lost, err)
		}
		if diff := cmp.Diff(map[string]string{"db_password": "***", "day": "1"}, run.Arguments); diff != "" {
			t.Errorf("lost %v: the run's arguments (-want +got):\n%s", lost, diff)
		}
		out, err := w.console().GetJobRuns(t.Context(), &awsglue.GetJobRunsInput{JobName: &w.handle.Name})
		if err != nil || len(out.JobRuns) != 1 || out.JobRuns[0].Arguments["--db_password"] != "swordfish" || out.JobRuns[0].Arguments["--day"] != "1" {
			t.Errorf("lost %v: Glue has %+v, %v", lost, out, err)
		}
		w.keepsNo("swordfish")
	}
}

// keepsNo looks for a text in all that is noted, and in what is told of the runs.
func (w *runWorld) keepsNo(secret string) {
	w.t.Helper()
	n := 0
	for o, err := range w.notes.List(w.t.Context(), "", "") {
		if err != nil {
			w.t.Fatal(err)
		}
		data, _, err := w.notes.Read(w.t.Context(), o.Key)
		if err != nil || bytes.Contains(data, []byte(secret)) {
			w.t.Errorf("%s has it, %v:\n%s", o.Key, err, data)
		}
		n++
	}
	if n == 0 {
		w.t.Error("nothing is noted")
	}
	runs, err := w.driver().Runs(w.t.Context(), w.handle, 0)
	data, _ := json.Marshal(runs)
	if err != nil || bytes.Contains(data, []byte(secret)) {
		w.t.Errorf("runs are told with it, %v: %s", err, data)
	}
}
