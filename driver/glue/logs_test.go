package glue_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

// log is that of the run r1.
func (w *runWorld) log(follow bool, change ...func(*glue.Config)) string {
	w.t.Helper()
	var out bytes.Buffer
	if err := w.driver(change...).Logs(w.t.Context(), w.handle, "r1", follow, &out); err != nil {
		w.t.Fatalf("Logs: %v", err)
	}
	return out.String()
}

// say prints a line, a millisecond after the one before.
func (w *runWorld) say(stream gluetest.Stream, line string) {
	w.Advance(time.Millisecond)
	w.Print(w.started()[0], stream, line)
}

func TestLogsAreMergedByTime(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	run := w.started()[0]
	w.say(gluetest.Output, "one")
	w.say(gluetest.Driver, "INFO two")
	w.say(gluetest.ProgressBar, "[Stage 1: 50%]")
	w.say(gluetest.Executor(3), "three\nand its second line\n")
	w.say(gluetest.Stderr, "four")
	w.say("output/%s_g-0123456789abcdef", "five")
	w.say(gluetest.Output, "six\n")
	w.Log("/aws-glue/jobs/output", run+"0", "another run's")
	w.Log("/aws-glue/jobs/output", "jr_0", "another run's")
	want := "one\nINFO two\n[executor 3] three\n[executor 3] and its second line\nfour\n[executor 01234567] five\nsix\n"
	for _, page := range []int{0, 1, 2} {
		w.PageMost(page)
		if diff := cmp.Diff(want, w.log(false)); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", page, diff)
		}
	}
}

func TestALineThatGlueLogsTwiceIsShownOnce(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.say(gluetest.Driver, "INFO a")
	w.Print(w.started()[0], gluetest.Stderr, "INFO a")
	w.Print(w.started()[0], gluetest.Output, "INFO a")
	w.Print(w.started()[0], gluetest.Output, "INFO a")
	w.say(gluetest.Stderr, "INFO a")
	if diff := cmp.Diff(strings.Repeat("INFO a\n", 4), w.log(false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// living gives a run a life while somebody waits: at each pause one step.
func (w *runWorld) living(steps ...func()) func(*glue.Config) {
	return func(c *glue.Config) {
		c.Pause = func(ctx context.Context, d time.Duration) error {
			if len(steps) > 0 {
				steps[0]()
				steps = steps[1:]
			}
			return w.pause(ctx, d)
		}
	}
}

func TestFollowedLogsGoOnToTheLastLine(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	run := w.started()[0]
	got := w.log(true, w.living(
		func() { w.Start(run) },
		func() { w.say(gluetest.Output, "one") },
		func() {},
		func() { w.say(gluetest.Executor(1), "two") },
		func() { w.say(gluetest.Output, "three"); w.Finish(run, types.JobRunStateSucceeded, "") },
		func() { w.say(gluetest.Output, "four, late") },
		func() {},
		func() { w.say(gluetest.Output, "five, later") },
	))
	want := "one\n[executor 1] two\nthree\nfour, late\nfive, later\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := w.log(true); got != want {
		t.Errorf("followed after its end:\n%s", got)
	}
}

func TestFollowedLogsOfARunThatPrintsNothingEnd(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Finish(w.started()[0], types.JobRunStateSucceeded, "")
	if got := w.log(true); got != "" {
		t.Errorf("it printed nothing, and the log is:\n%s", got)
	}
	if w.waited > 10*time.Second {
		t.Errorf("it was waited for %s", w.waited)
	}
	w.waited = 0
	w.Advance(time.Hour)
	if w.log(true); w.waited > 0 {
		t.Errorf("of a run that ended long ago it was waited for %s", w.waited)
	}
}

// TestNoLineIsLostWhicheverCallFails lets each read of a log fail once, in each
// way; what is followed goes on.
func TestNoLineIsLostWhicheverCallFails(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	for i := range 9 {
		fmt.Fprintf(&want, "line %d\n", i)
	}
	outcomes := []gluetest.Outcome{gluetest.Throttle(), gluetest.Page(502), gluetest.Drop(), gluetest.Cut(), gluetest.Fail("ServiceUnavailableException")}
	for _, op := range []string{"DescribeLogStreams", "GetLogEvents", "GetJobRun"} {
		for _, outcome := range outcomes {
			t.Run(op+" "+outcome.String(), func(t *testing.T) {
				t.Parallel()
				w := newRunWorld(t)
				w.PageMost(2)
				w.mustStart("r1")
				run := w.started()[0]
				for i := range 6 {
					w.say([]gluetest.Stream{gluetest.Output, gluetest.Driver, gluetest.Stderr}[i%3], fmt.Sprintf("line %d", i))
				}
				reads := 0
				w.Fault(func(c gluetest.Call) gluetest.Outcome {
					if c.Op == op {
						reads++
					}
					// Three in a row, for the SDK asks as often.
					if c.Op == op && (reads >= 2 && reads < 5 || reads >= 9 && reads < 12) {
						return outcome
					}
					return gluetest.Outcome{}
				})
				got := w.log(true, w.living(
					func() {},
					func() { w.say(gluetest.Output, "line 6") },
					func() { w.say(gluetest.Driver, "line 7") },
					func() { w.say(gluetest.Output, "line 8"); w.Finish(run, types.JobRunStateSucceeded, "") },
				))
				if diff := cmp.Diff(want.String(), got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestLogsThatNobodyMayReadAreAnError(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.say(gluetest.Output, "one")
	w.Fault(gluetest.Always("GetLogEvents", gluetest.Fail("AccessDeniedException").Saying("no")))
	for _, follow := range []bool{true, false} {
		err := w.driver().Logs(t.Context(), w.handle, "r1", follow, &bytes.Buffer{})
		wantRunError(t, err, slipway.Unavailable, "AWS refuses logs:GetLogEvents on arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/jobs/output:* to these credentials\n"+
			`add to the policy of who is signed in: {"Effect":"Allow","Action":"logs:GetLogEvents","Resource":"arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/jobs/output:*"}`+"\n"+
			"slipway aws policy ENV shows everything that Slipway needs there; slipway aws bootstrap ENV adds it")
	}
}

func TestAGroupThatNobodyMayReadIsNotInTheWay(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	deny := func(groups string) {
		w.Fault(func(c gluetest.Call) gluetest.Outcome {
			if name, _ := c.Input["logGroupName"].(string); c.Op == "DescribeLogStreams" && strings.Contains(name, groups) {
				return gluetest.Fail("AccessDeniedException").Saying("no")
			}
			return gluetest.Outcome{}
		})
	}
	w.say(gluetest.Output, "one")
	deny("/error")
	if got := w.log(false); got != "one\n" {
		t.Errorf("got:\n%s", got)
	}
	deny("")
	err := w.driver().Logs(t.Context(), w.handle, "r1", true, &bytes.Buffer{})
	wantRunError(t, err, slipway.Unavailable, "AWS refuses logs:DescribeLogStreams on arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/jobs/output:* to these credentials\n"+
		`add to the policy of who is signed in: {"Effect":"Allow","Action":"logs:DescribeLogStreams","Resource":"arn:aws:logs:us-east-1:123456789012:log-group:/aws-glue/jobs/output:*"}`+"\n"+
		"slipway aws policy ENV shows everything that Slipway needs there; slipway aws bootstrap ENV adds it")
}

func TestFollowedLogsGiveUpOnWhatStaysBroken(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.Fault(gluetest.Always("DescribeLogStreams", gluetest.Page(502)))
	err := w.driver().Logs(t.Context(), w.handle, "r1", true, &bytes.Buffer{})
	wantRunError(t, err, slipway.Unavailable, "logs:DescribeLogStreams on log-group:/aws-glue/jobs/output:*: AWS answers with status 502\n"+
		"call again; if it stays so, see the AWS Health Dashboard")
}

func TestFollowedLogsEndWithTheirCaller(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.say(gluetest.Output, "one")
	ctx, cancel := context.WithCancelCause(t.Context())
	var out bytes.Buffer
	err := w.driver(w.living(func() {}, func() { cancel(errGone) })).Logs(ctx, w.handle, "r1", true, &out)
	if err != errGone || out.String() != "one\n" { //nolint:errorlint // as it is
		t.Errorf("Logs: %v after %q", err, out.String())
	}
}

func TestLogsHideSecrets(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	w.say(gluetest.Output, "connecting as etl with hunter22 to db")
	w.say(gluetest.Executor(1), "hunter22")
	if got, want := w.log(false), "connecting as etl with *** to db\n[executor 1] ***\n"; got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestLogsAreFoundWhereverTheyAre(t *testing.T) {
	const run = "RUN"
	tests := map[string]struct {
		change func(*awsglue.CreateJobInput)
		lines  []string // group, stream
	}{
		"Glue 5 with a group of its own": {
			func(in *awsglue.CreateJobInput) { in.DefaultArguments["--custom-logGroup-prefix"] = "/team/etl/" },
			[]string{"/team/etl/output", run, "/team/etl/error", run},
		},
		"Glue 5 with streams of its own": {
			func(in *awsglue.CreateJobInput) { in.DefaultArguments["--custom-logStream-prefix"] = "etl" },
			[]string{"/aws-glue/jobs/output", "etl-driver", "/aws-glue/jobs/error", "etl-driver"},
		},
		"streams with a name before the run": {
			func(in *awsglue.CreateJobInput) { in.DefaultArguments["--continuous-log-logStreamPrefix"] = "etl/" },
			[]string{"/aws-glue/jobs/logs-v2", "etl/" + run + "-driver"},
		},
		"Glue 4 with a group of its own": {
			func(in *awsglue.CreateJobInput) {
				in.DefaultArguments["--continuous-log-logGroup"] = "/team/continuous"
			},
			[]string{"/team/continuous", run + "-driver"},
		},
		"a security configuration": {
			func(in *awsglue.CreateJobInput) { in.SecurityConfiguration = aws.String("kms") },
			[]string{"/aws-glue/jobs-etl-kms/output", run, "/aws-glue/jobs/kms-role/etl/error", run, "/aws-glue/jobs/logs-v2-kms", run + "-driver"},
		},
		"Python shell": {
			func(in *awsglue.CreateJobInput) {
				in.Command.Name, in.WorkerType, in.NumberOfWorkers = aws.String("pythonshell"), "", nil
			},
			[]string{"/aws-glue/python-jobs/output", run, "/aws-glue/python-jobs/error", run},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newRunWorld(t)
			w.create(tt.change)
			w.Advance(time.Hour)
			w.Log(tt.lines[0], strings.ReplaceAll(tt.lines[1], run, "jr_other"), "of a run before")
			w.Advance(time.Hour)
			w.mustStart("r1")
			var want strings.Builder
			for i := 0; i < len(tt.lines); i += 2 {
				w.Advance(time.Millisecond)
				w.Log(tt.lines[i], strings.ReplaceAll(tt.lines[i+1], run, w.started()[0]), fmt.Sprint("line ", i))
				fmt.Fprintln(&want, "line", i)
			}
			if diff := cmp.Diff(want.String(), w.log(false)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogsOfAllAttempts(t *testing.T) {
	w := newRunWorld(t)
	w.create(func(in *awsglue.CreateJobInput) { in.MaxRetries = 1 })
	w.mustStart("r1")
	w.say(gluetest.Output, "first attempt")
	w.Finish(w.started()[0], types.JobRunStateFailed, "boom")
	w.Advance(time.Second)
	w.Print(w.started()[1], gluetest.Output, "second attempt")
	w.Print(w.started()[1], gluetest.Executor(2), "its executor")
	if got, want := w.log(false), "first attempt\nsecond attempt\n[executor 2] its executor\n"; got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestLogsOutliveTheJob(t *testing.T) {
	w := newRunWorld(t)
	w.create(func(in *awsglue.CreateJobInput) { in.DefaultArguments["--custom-logGroup-prefix"] = "/team/etl" })
	w.mustStart("r1")
	w.Log("/team/etl/output", w.started()[0], "one")
	w.Finish(w.started()[0], types.JobRunStateSucceeded, "")
	w.run("r1")
	if _, err := w.console().DeleteJob(t.Context(), &awsglue.DeleteJobInput{JobName: &w.handle.Name}); err != nil {
		t.Fatal(err)
	}
	if got := w.log(true); got != "one\n" {
		t.Errorf("got:\n%s", got)
	}
}

func TestManyStreamsAreReadWithPauses(t *testing.T) {
	w := newRunWorld(t)
	w.mustStart("r1")
	for n := range 40 {
		w.say(gluetest.Executor(n), "hello")
	}
	w.Forget()
	w.waited = 0
	w.log(false)
	if calls := len(w.Calls()); w.waited < time.Duration(calls/15)*time.Second {
		t.Errorf("%d calls with pauses of %s", calls, w.waited)
	}
}

func TestLogsOfAnUnknownRun(t *testing.T) {
	w := newRunWorld(t)
	for _, follow := range []bool{true, false} {
		err := w.driver().Logs(t.Context(), w.handle, "r1", follow, &bytes.Buffer{})
		wantRunError(t, err, slipway.NotFound, "there is no run r1\nslipway runs lists those that are there")
	}
}

func TestLogsOfARunThatMayNotBe(t *testing.T) {
	w := newRunWorld(t)
	d := w.driver(func(c *glue.Config) { c.Notes = killAt(w, 1) })
	killed(func() { _, _ = w.start(d, "r1") })
	if got := w.log(true); got != "" {
		t.Errorf("got:\n%s", got)
	}
}
