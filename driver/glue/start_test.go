package glue_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/driver/glue/gluetest"
	"github.com/slipway-cd/slipway/repository/repositorytest"
)

const notKnown = "whether it was started is not known: a note says that it was about to be, and AWS Glue shows no such run of Traffic ETL. " +
	"Nothing is started in its place; see in the console whether it runs, and start another one if it does not"

// impatient ends calls that hang, as a user at the keyboard does.
func impatient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestStartWhateverBecomesOfTheCall(t *testing.T) {
	t.Parallel()
	for _, outcome := range gluetest.Faults("StartJobRun") {
		t.Run(outcome.String(), func(t *testing.T) {
			t.Parallel()
			w := newRunWorld(t)
			w.Fault(gluetest.Always("StartJobRun", outcome))
			ctx := t.Context()
			if strings.Contains(outcome.String(), "hangs") {
				ctx = impatient(t)
			}
			run, err := w.driver().Start(ctx, w.handle, driver.RunRequest{ID: "r1", Trigger: "manual", By: "ana"})
			w.Fault(nil)
			w.once(run, err, outcome.Lost() || strings.Contains(outcome.String(), "OperationTimeout"))
		})
	}
}

// once holds a Start to the promise: it started one run at most, and said so if it
// may have. And a second Start of the same id keeps it too.
func (w *runWorld) once(run slipway.Run, err error, lost bool) {
	w.t.Helper()
	n := len(w.started())
	switch {
	case n > 1:
		w.t.Fatalf("%d runs were started", n)
	case err != nil && (n != 0 || lost):
		w.t.Fatalf("Start says %v, and %d runs were started", err, n)
	case err == nil && n == 1 && run.State != slipway.RunStarting:
		w.t.Errorf("one run was started, and Start says %s: %s", run.State, run.Message)
	case err == nil && n == 0 && run.State != slipway.RunUnknown:
		w.t.Errorf("no run was started, and Start says %s: %s", run.State, run.Message)
	}
	again, againErr := w.start(w.driver(), "r1")
	switch {
	case againErr != nil:
		w.t.Errorf("Start again: %v", againErr)
	case err == nil && n == 0 && (again.State != slipway.RunUnknown || again.Message != notKnown || len(w.started()) != 0):
		w.t.Errorf("nobody knows whether the run was started, and Start again says %s: %s, of %d runs", again.State, again.Message, len(w.started()))
	case (err != nil || n == 1) && (again.State != slipway.RunStarting || len(w.started()) != 1):
		w.t.Errorf("Start again says %s: %s, and there are %d runs", again.State, again.Message, len(w.started()))
	}
	w.wantRuns(0, "r1")
}

// TestStartWhicheverCallGoesWrong lets each call that Start makes go wrong in each
// way, before its effect and after it.
func TestStartWhicheverCallGoesWrong(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"GetJob", "GetJobRun", "GetJobRuns"} {
		for _, outcome := range gluetest.Faults(op) {
			t.Run(op+" "+outcome.String(), func(t *testing.T) {
				t.Parallel()
				w := newRunWorld(t)
				w.Fault(func(c gluetest.Call) gluetest.Outcome {
					switch {
					case c.Op == op:
						return outcome
					case c.Op == "StartJobRun" && op == "GetJobRuns":
						return gluetest.Drop().AfterEffect()
					}
					return gluetest.Outcome{}
				})
				ctx := t.Context()
				if strings.Contains(outcome.String(), "hangs") {
					ctx = impatient(t)
				}
				run, err := w.driver().Start(ctx, w.handle, driver.RunRequest{ID: "r1", Trigger: "manual"})
				w.Fault(nil)
				if n := len(w.started()); n > 1 || err != nil && n > 0 {
					t.Fatalf("%d runs were started, and Start says %v", n, err)
				} else if n == 1 && run.State != slipway.RunStarting && run.State != slipway.RunUnknown {
					t.Errorf("Start says %s: %s", run.State, run.Message)
				}
				again := w.mustStart("r1")
				if again.State != slipway.RunStarting {
					t.Errorf("Start again says %s: %s", again.State, again.Message)
				}
				w.wantStarted(1)
			})
		}
	}
}

func TestStartWhicheverNoteGoesWrong(t *testing.T) {
	broken := slipway.Errorf(slipway.Unavailable, "the store is away")
	for _, method := range []string{"Read", "Swap"} {
		for nth := range int64(3) {
			for _, at := range []string{"before", "after"} {
				w := newRunWorld(t)
				faulty := &repositorytest.Faulty{Repository: w.notes}
				if at == "before" {
					faulty.Before = repositorytest.Once(method, nth+1, broken)
				} else {
					faulty.After = repositorytest.Once(method, nth+1, broken)
				}
				run, err := w.start(w.driver(func(c *glue.Config) { c.Notes = faulty }), "r1")
				n := len(w.started())
				if n > 1 || (err == nil) != (n == 1) {
					t.Fatalf("%s %d %s: %d runs were started, and Start says %v", method, nth+1, at, n, err)
				}
				if err == nil && run.State != slipway.RunStarting {
					t.Errorf("%s %d %s: Start says %s", method, nth+1, at, run.State)
				}
				if run = w.mustStart("r1"); run.State != slipway.RunStarting {
					t.Errorf("%s %d %s: Start again says %s: %s", method, nth+1, at, run.State, run.Message)
				}
				w.wantStarted(1)
			}
		}
	}
}

// killed calls do and says whether the process was killed in it.
func killed(do func()) (was bool) {
	defer func() {
		if r := recover(); r != nil {
			if r != errGone { //nolint:errorlint // it is what was thrown
				panic(r)
			}
			was = true
		}
	}()
	do()
	return false
}

// killAt is a repository that kills the process after the nth change.
func killAt(w *runWorld, nth int) *repositorytest.Faulty {
	n := 0
	return &repositorytest.Faulty{Repository: w.notes, After: func(method, _ string) error {
		if method == "Swap" {
			if n++; n == nth {
				panic(errGone)
			}
		}
		return nil
	}}
}

func TestStartKilledBetweenTheNoteAndTheCall(t *testing.T) {
	w := newRunWorld(t)
	d := w.driver(func(c *glue.Config) { c.Notes = killAt(w, 1) })
	if !killed(func() { _, _ = w.start(d, "r1") }) {
		t.Fatal("it was not killed")
	}
	w.wantStarted(0)
	run := w.mustStart("r1")
	if run.State != slipway.RunUnknown || run.Message != notKnown || run.By != "ana" {
		t.Errorf("Start again says %s: %s", run.State, run.Message)
	}
	if run = w.run("r1"); run.State != slipway.RunUnknown {
		t.Errorf("Run says %s", run.State)
	}
	w.wantStarted(0)
	w.wantRuns(0, "r1")
	if w.waited < 20*time.Second || w.waited > time.Minute {
		t.Errorf("it looked for %s", w.waited)
	}
}

func TestStartKilledBetweenTheCallAndItsRecord(t *testing.T) {
	w := newRunWorld(t)
	d := w.driver(func(c *glue.Config) { c.Notes = killAt(w, 2) })
	if !killed(func() { _, _ = w.start(d, "r1") }) {
		t.Fatal("it was not killed")
	}
	if run := w.mustStart("r1"); run.State != slipway.RunStarting {
		t.Errorf("Start again says %s: %s", run.State, run.Message)
	}
	w.wantStarted(1)
	w.Forget()
	w.run("r1")
	if calls := len(w.Calls()); calls != 1 {
		t.Errorf("Glue's id is known, and Run takes %d calls", calls)
	}
}

func TestStartAtOnceStartsOne(t *testing.T) {
	w := newRunWorld(t)
	var all sync.WaitGroup
	for range 8 {
		d := w.driver()
		all.Go(func() {
			run, err := w.start(d, "r1")
			if err != nil || run.ID != "r1" {
				t.Errorf("Start: %+v, %v", run, err)
			}
		})
	}
	all.Wait()
	w.wantStarted(1)
	w.wantRuns(0, "r1")
}

func TestALostAnswerIsFoundAlthoughListsAreLate(t *testing.T) {
	w := newRunWorld(t)
	w.Lag(3, "GetJobRuns")
	w.Fault(gluetest.InTurn("StartJobRun", gluetest.Drop().AfterEffect()))
	if run := w.mustStart("r1"); run.State != slipway.RunStarting {
		t.Errorf("Start says %s: %s", run.State, run.Message)
	}
	w.wantStarted(1)
}

func TestALostAnswerIsFoundAlthoughListsFail(t *testing.T) {
	w := newRunWorld(t)
	lists := 0
	w.Fault(func(c gluetest.Call) gluetest.Outcome {
		if c.Op == "StartJobRun" {
			return gluetest.Drop().AfterEffect()
		}
		if c.Op == "GetJobRuns" {
			if lists++; lists < 8 {
				return gluetest.Page(502)
			}
		}
		return gluetest.Outcome{}
	})
	if run := w.mustStart("r1"); run.State != slipway.RunStarting {
		t.Errorf("Start says %s: %s", run.State, run.Message)
	}
	w.wantStarted(1)
}

func TestALostAnswerIsFoundWhateverTheClock(t *testing.T) {
	for _, off := range []time.Duration{-20 * time.Hour, 20 * time.Hour} {
		w := newRunWorld(t)
		w.Fault(gluetest.InTurn("StartJobRun", gluetest.Drop().AfterEffect()))
		run, err := w.start(w.driver(func(c *glue.Config) {
			c.Clock = func() time.Time { return w.Now().Add(off) }
		}), "r1")
		if err != nil || run.State != slipway.RunStarting {
			t.Errorf("a clock that is %s off: Start says %s, %v", off, run.State, err)
		}
	}
}

func TestALostAnswerThatNobodyFinds(t *testing.T) {
	w := newRunWorld(t)
	w.Lag(99, "GetJobRuns")
	w.Fault(gluetest.InTurn("StartJobRun", gluetest.Fail("InternalServiceException").AfterEffect()))
	run := w.mustStart("r1")
	want := "the call that starts it was sent, and its answer was lost: An internal service error occurred; " + notKnown
	if run.State != slipway.RunUnknown || run.Message != want {
		t.Errorf("Start says %s: %s", run.State, run.Message)
	}
	w.Lag(0, "GetJobRuns")
	if run := w.run("r1"); run.State != slipway.RunStarting {
		t.Errorf("later it is found, and Run says %s: %s", run.State, run.Message)
	}
}

func TestAStartThatThrottlesIsAskedAgain(t *testing.T) {
	w := newRunWorld(t)
	w.Fault(gluetest.InTurn("StartJobRun", gluetest.Throttle(), gluetest.Throttle()))
	w.mustStart("r1")
	w.wantStarted(1)
	w.Fault(gluetest.Always("StartJobRun", gluetest.Throttle()))
	_, err := w.start(w.driver(), "r2")
	wantRunError(t, err, slipway.Unavailable, "glue:StartJobRun on job/Traffic ETL: AWS wants fewer calls for a while: Rate exceeded\ncall again in a minute")
	w.Fault(nil)
	w.mustStart("r2")
	w.wantStarted(2)
}

func TestStartOfTooManyIsBusyAndLeavesNothing(t *testing.T) {
	w := newRunWorld(t)
	w.create(func(in *awsglue.CreateJobInput) { in.ExecutionProperty.MaxConcurrentRuns = 1 })
	w.mustStart("r1")
	_, err := w.start(w.driver(), "r2")
	wantRunError(t, err, slipway.Busy, "as many runs of Traffic ETL as it allows are under way\n"+
		"wait for one to end, stop one, or allow more with run.max_concurrent_runs, or let them wait with run.queuing")
	w.wantRuns(0, "r1")
	_, err = w.driver().Run(t.Context(), w.handle, "r2")
	wantRunError(t, err, slipway.NotFound, "there is no run r2\nslipway runs lists those that are there")
	w.Finish(w.started()[0], types.JobRunStateSucceeded, "")
	w.mustStart("r2")
	w.wantStarted(2)
}

func TestStartWithoutANetwork(t *testing.T) {
	w := newRunWorld(t)
	d := w.driver(func(c *glue.Config) { c.AWS.BaseEndpoint = aws.String("http://127.0.0.1:1") })
	_, err := w.start(d, "r1")
	if slipway.KindOf(err) != slipway.Unavailable || !strings.Contains(err.Error(), "AWS cannot be reached") {
		t.Errorf("without a network: %v", err)
	}
	w.mustStart("r1")
}

func TestStartWhoseCredentialsFailAfterTheNote(t *testing.T) {
	w := newRunWorld(t)
	asked := 0
	keys := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		if asked++; asked > 1 {
			return aws.Credentials{}, errors.New("the session has ended")
		}
		return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
	})
	_, err := w.start(w.driver(func(c *glue.Config) { c.AWS.Credentials = keys }), "r1")
	if slipway.KindOf(err) != slipway.Unavailable || !strings.Contains(err.Error(), "the session has ended") {
		t.Errorf("without credentials: %v", err)
	}
	if run := w.mustStart("r1"); run.State != slipway.RunStarting {
		t.Errorf("nothing was sent, and Start again says %s", run.State)
	}
}

func TestStartInterruptedSaysWhatItStarted(t *testing.T) {
	w := newRunWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.Meanwhile(func(c gluetest.Call) {
		if c.Op == "StartJobRun" {
			cancel()
		}
	})
	run, err := w.driver().Start(ctx, w.handle, driver.RunRequest{ID: "r1"})
	if err != nil || run.State != slipway.RunStarting {
		t.Errorf("Start says %s, %v", run.State, err)
	}
	w.wantStarted(1)
}

func TestStartOfWhatCannotRun(t *testing.T) {
	tests := map[string]struct {
		request driver.RunRequest
		kind    slipway.Kind
		want    string
	}{
		"an id with a slash": {
			driver.RunRequest{ID: "a/b"},
			slipway.Invalid,
			"\"a/b\" cannot be the id of a run\nuse letters, digits, - and _, at most 128, and not jr_ at the beginning, which is how AWS Glue begins its own",
		},
		"an id of Glue's": {
			driver.RunRequest{ID: "jr_1"},
			slipway.Invalid,
			"\"jr_1\" cannot be the id of a run\nuse letters, digits, - and _, at most 128, and not jr_ at the beginning, which is how AWS Glue begins its own",
		},
		"an argument of Slipway's": {
			driver.RunRequest{ID: "a", Arguments: map[string]string{"slipway-run": "x"}},
			slipway.Invalid,
			"the argument slipway-run is Slipway's own\ncall it something else than slipway-...",
		},
		"an argument without a name": {
			driver.RunRequest{ID: "a", Arguments: map[string]string{"--": "x"}},
			slipway.Invalid,
			"an argument has no name\nwrite --argument NAME=VALUE",
		},
		"an argument that is fixed": {
			driver.RunRequest{ID: "a", Arguments: map[string]string{"target": "x"}},
			slipway.Invalid,
			"the argument target cannot be overridden\nit is one of run.non_overridable_arguments",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newRunWorld(t)
			_, err := w.driver().Start(t.Context(), w.handle, tt.request)
			wantRunError(t, err, tt.kind, tt.want)
			w.wantStarted(0)
			w.wantRuns(0)
		})
	}
}

func TestStartOfAJobThatIsNotThere(t *testing.T) {
	w := newRunWorld(t)
	w.handle.Name = "another"
	_, err := w.start(w.driver(), "r1")
	wantRunError(t, err, slipway.NotFound, "the job another is not there\ndeploy it first")
	w.handle.Name = "Traffic ETL"
	w.mustStart("r1")
}

func TestANoteHoldsWhoAndWhen(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	data, _, err := w.notes.Read(t.Context(), "traffic/runs/prod/r1.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"by": "ana"`, `"asked": "2026-01-05T09:00:00Z"`, `"glue_run": "` + w.started()[0] + `"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the note lacks %s:\n%s", want, data)
		}
	}
}

func TestStartNeedsAPlaceForNotes(t *testing.T) {
	w := newRunWorld(t)
	_, err := w.start(w.driver(func(c *glue.Config) { c.Notes = nil }), "r1")
	wantRunError(t, err, slipway.Internal, "this program did not say where to leave a note before a run is started")
}

func TestStartOfWhatEndedReturnsItAsItEnded(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Finish(w.started()[0], types.JobRunStateSucceeded, "")
	ended := w.run("r1")
	if diff := cmp.Diff(ended, w.mustStart("r1")); diff != "" {
		t.Errorf("Start again (-first +second):\n%s", diff)
	}
	w.wantStarted(1)
}
