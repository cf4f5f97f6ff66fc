package server

import (
	"context"
	"encoding/json"
	"fmt"
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

// A job in which there is a fault of ours is tried some times, and then has failed.
func TestFaultInAJob(t *testing.T) {
	w := newWorld(t)
	s, _ := w.idle(t)
	s.kinds["faulty"] = kind{pool: poolTalk, do: func(context.Context, store.Job) (done, error) {
		var none []int
		return done{value: none[0]}, nil
	}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	err := s.store.Change(t.Context(), func(tx *store.Tx) error {
		_, _, err := s.enqueue(t.Context(), tx, store.Job{Kind: "faulty", Subject: "app/hello", Key: "one", Made: s.Clock()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.news.Ring()
	j := untilJobs(t, s, "faulty", 1)[0]
	var o Outcome
	if err := json.Unmarshal(j.Outcome, &o); err != nil || j.State != store.JobFailed || j.Attempt != 6 {
		t.Fatalf("it is %s after %d tries: %s (%v)", j.State, j.Attempt, j.Outcome, err)
	}
	want := fmt.Sprintf("there is a fault of Slipway in the job one: runtime error: index out of range [0] with length 0\nreport it, with what the server's log says of job %d", j.ID)
	if got := o.Message + "\n" + o.Fix; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}
