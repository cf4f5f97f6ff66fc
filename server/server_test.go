package server

import (
	"encoding/json"
	"testing"

	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

var hello = map[string]string{"slipway.yaml": helloText, "hello.py": "print('hello')\n"}

// TestPushGoesLive: what is pushed to the default branch is live, and shown.
func TestPushGoesLive(t *testing.T) {
	w := newWorld(t)
	w.repository(t, "hello")
	commit := w.push(t, "hello", hello)
	s, _ := w.serving(t)
	jobs := untilJobs(t, s, jobShip, 1)
	if jobs[0].State != store.JobDone {
		t.Fatalf("the job ended %s: %s", jobs[0].State, jobs[0].Outcome)
	}
	var shipped pipeline.Shipped
	if err := json.Unmarshal(jobs[0].Outcome, &shipped); err != nil {
		t.Fatal(err)
	}
	if shipped.Release.Source.Commit != commit || shipped.Deployment.Plan.Target.Environment != "staging" {
		t.Errorf("shipped %+v, want %s in staging", shipped.Release.Source, commit)
	}
	if jobs[0].By != "mara" {
		t.Errorf("it was shipped by %q, want mara, who wrote the commit", jobs[0].By)
	}
	h := w.client(t, s)
	for _, path := range []string{"/api/v1/apps", "/api/v1/apps/hello", "/api/v1/apps/hello/environments/staging", "/api/v1/apps/hello/environments/staging/history", "/api/v1/apps/hello/environments/staging/releases", "/api/v1/jobs", "/api/v1/repositories", "/api/v1/events?after=0&wait=false", "/api/v1/pull-requests", "/metrics", "/readyz", "/api/v1/openapi.json"} {
		if code, body := get(t, h, path); code != 200 {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}
