package glue_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

// endsWhenAsked lets runs that are asked to stop end in a state, at the next pause.
func (w *runWorld) endsWhenAsked(state types.JobRunState) func(*glue.Config) {
	return func(c *glue.Config) {
		c.Pause = func(ctx context.Context, d time.Duration) error {
			for _, id := range w.started() {
				if w.Run(id)["JobRunState"] == "STOPPING" {
					w.Finish(id, state, "")
				}
			}
			return w.pause(ctx, d)
		}
	}
}

func TestStopEndsARun(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	d := w.driver(w.endsWhenAsked(types.JobRunStateStopped))
	for range 2 {
		if err := d.Stop(t.Context(), w.handle, "r1"); err != nil {
			t.Fatalf("Stop: %v", err)
		}
		if run := w.run("r1"); run.State != slipway.RunStopped || run.Ended.IsZero() {
			t.Errorf("after Stop: %+v", run)
		}
	}
	if n := len(w.Effects("BatchStopJobRun")); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestStopWhateverBecomesOfTheCall(t *testing.T) {
	t.Parallel()
	for _, outcome := range gluetest.Faults("BatchStopJobRun") {
		t.Run(outcome.String(), func(t *testing.T) {
			t.Parallel()
			w := newRunWorld(t)
			w.mustStart("r1")
			w.Fault(gluetest.Always("BatchStopJobRun", outcome))
			ctx := t.Context()
			if strings.Contains(outcome.String(), "hangs") {
				ctx = impatient(t)
			}
			d := w.driver(w.endsWhenAsked(types.JobRunStateStopped))
			if err := d.Stop(ctx, w.handle, "r1"); err == nil {
				t.Error("Stop succeeds without an answer")
			}
			w.Fault(nil)
			if err := d.Stop(t.Context(), w.handle, "r1"); err != nil {
				t.Errorf("Stop again: %v", err)
			}
			if run := w.run("r1"); run.State != slipway.RunStopped {
				t.Errorf("after Stop: %s", run.State)
			}
		})
	}
}

func TestStopOfWhatEndsByItself(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Meanwhile(func(c gluetest.Call) {
		if c.Op == "GetJobRun" {
			w.Finish(w.started()[0], types.JobRunStateSucceeded, "")
		}
	})
	if err := w.driver().Stop(t.Context(), w.handle, "r1"); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	if run := w.run("r1"); run.State != slipway.RunSucceeded {
		t.Errorf("after Stop: %s", run.State)
	}
}

func TestStopAsksAgain(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Lag(20, "GetJobRun")
	if err := w.driver(w.endsWhenAsked(types.JobRunStateStopped)).Stop(t.Context(), w.handle, "r1"); err != nil {
		t.Fatalf("Stop: %v", err)
	}
}

func TestStopWaitsNoLongerThanItsCaller(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	ctx, cancel := context.WithCancelCause(t.Context())
	d := w.driver(func(c *glue.Config) {
		c.Pause = func(ctx context.Context, _ time.Duration) error {
			cancel(errGone)
			return context.Cause(ctx)
		}
	})
	if err := d.Stop(ctx, w.handle, "r1"); err != errGone { //nolint:errorlint // as it is
		t.Errorf("Stop: %v", err)
	}
}

func TestStopOfAnUnknownRun(t *testing.T) {
	w := newRunWorld(t)
	err := w.driver().Stop(t.Context(), w.handle, "r1")
	wantRunError(t, err, slipway.NotFound, "there is no run r1\nslipway runs lists those that are there")
}

func TestStopOfARunThatMayNotBe(t *testing.T) {
	w := newRunWorld(t)
	d := w.driver(func(c *glue.Config) { c.Notes = killAt(w, 1) })
	killed(func() { _, _ = w.start(d, "r1") })
	err := w.driver().Stop(t.Context(), w.handle, "r1")
	wantRunError(t, err, slipway.Unavailable, "run r1 cannot be stopped: "+notKnown)
}

// answering answers calls of one operation in place of Glue.
type answering struct {
	aws.HTTPClient
	op, answer string
}

func (a answering) Do(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+a.op) {
		return a.HTTPClient.Do(r)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Body: io.NopCloser(strings.NewReader(a.answer)),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
	}, nil
}

func TestStopThatGlueRefuses(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	const answer = `{"Errors": [{"JobName": "Traffic ETL", "ErrorDetail": {"ErrorCode": "InternalServiceException", "ErrorMessage": "not now"}}]}`
	err := w.driver(func(c *glue.Config) {
		c.AWS.HTTPClient = answering{c.AWS.HTTPClient, "BatchStopJobRun", answer}
	}).Stop(t.Context(), w.handle, "r1")
	wantRunError(t, err, slipway.Unavailable, "AWS Glue does not stop run r1: InternalServiceException: not now\n"+
		"call again, or stop "+w.started()[0]+" in the console")
}

func TestLogsThatAreKeptNoLonger(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Finish(w.started()[0], types.JobRunStateSucceeded, "")
	w.Advance(31 * 24 * time.Hour)
	const answer = `{"logGroups": [{"logGroupName": "/aws-glue/jobs/output", "retentionInDays": 30}]}`
	d := w.driver(func(c *glue.Config) { c.AWS.HTTPClient = answering{c.AWS.HTTPClient, "DescribeLogGroups", answer} })
	for _, follow := range []bool{true, false} {
		err := d.Logs(t.Context(), w.handle, "r1", follow, &bytes.Buffer{})
		wantRunError(t, err, slipway.Unavailable, "the log of run r1 is gone: the log group /aws-glue/jobs/output keeps lines for 30 days\n"+
			"to keep later ones longer: aws logs put-retention-policy --log-group-name /aws-glue/jobs/output --retention-in-days 90")
	}
	w.mustStart("r2")
	w.Finish(w.started()[1], types.JobRunStateSucceeded, "")
	if err := d.Logs(t.Context(), w.handle, "r2", false, &bytes.Buffer{}); err != nil {
		t.Errorf("of a run that printed nothing: %v", err)
	}
}
