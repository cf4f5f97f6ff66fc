package glue_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

// A road is one Apply or Remove, with the calls that change something in it.
type road struct {
	begin func(w *deployWorld) (slipway.Plan, slipway.Handle)
	calls []string
}

// rich is a target that needs every call.
func (w *deployWorld) rich(version string, workers float64, schedule string, paused bool, tag string) slipway.Target {
	return w.target(version, map[string]any{
		"workers": workers, "schedule": schedule, "paused": paused, "tags": map[string]any{tag: "1"},
	})
}

func roads() map[string]road {
	deployed := func(w *deployWorld, t slipway.Target) slipway.Handle {
		return w.apply(w.plan(driver.PlanRequest{Target: t}))
	}
	change := func(from, to func(w *deployWorld) slipway.Target) func(*deployWorld) (slipway.Plan, slipway.Handle) {
		return func(w *deployWorld) (slipway.Plan, slipway.Handle) {
			h := deployed(w, from(w))
			return w.plan(driver.PlanRequest{Target: to(w), Live: h}), h
		}
	}
	return map[string]road{
		"create": {
			func(w *deployWorld) (slipway.Plan, slipway.Handle) {
				return w.plan(driver.PlanRequest{Target: w.rich("v1", 2, "0 3 * * *", false, "a")}), slipway.Handle{}
			},
			[]string{"CreateJob", "CreateTrigger"},
		},
		"update and resume": {
			change(
				func(w *deployWorld) slipway.Target { return w.rich("v1", 2, "0 3 * * *", true, "a") },
				func(w *deployWorld) slipway.Target { return w.rich("v2", 9, "0 4 * * *", false, "b") },
			),
			[]string{"UpdateJob", "TagResource", "UntagResource", "UpdateTrigger", "StartTrigger"},
		},
		"update and pause": {
			change(
				func(w *deployWorld) slipway.Target { return w.rich("v1", 2, "0 3 * * *", false, "a") },
				func(w *deployWorld) slipway.Target { return w.rich("v2", 9, "0 3 * * *", true, "a") },
			),
			[]string{"StopTrigger", "UpdateJob", "TagResource"},
		},
		"unschedule": {
			change(
				func(w *deployWorld) slipway.Target { return w.rich("v1", 2, "0 3 * * *", false, "a") },
				func(w *deployWorld) slipway.Target { return w.rich("v2", 9, "", false, "a") },
			),
			[]string{"DeleteTrigger", "UpdateJob", "TagResource"},
		},
		"rename": {
			change(
				func(w *deployWorld) slipway.Target { return w.rich("v1", 2, "0 3 * * *", false, "a") },
				func(w *deployWorld) slipway.Target {
					t := w.rich("v2", 2, "0 3 * * *", false, "a")
					t.Run["name"] = "Traffic ETL"
					return t
				},
			),
			[]string{"CreateJob", "CreateTrigger", "DeleteTrigger", "DeleteJob"},
		},
	}
}

// TestApplyWhateverBecomesOfACall lets each call of each Apply go wrong in each way.
// Apply then succeeds, or says what is wrong; a second one comes to the same end as
// if nothing had been; and no call that has an effect has it twice.
func TestApplyWhateverBecomesOfACall(t *testing.T) {
	t.Parallel()
	for name, r := range roads() {
		reads := []string{"GetJob", "GetTags", "GetTrigger"}
		clean := newDeployWorld(t)
		p, _ := r.begin(clean)
		clean.Forget()
		clean.apply(p)
		if diff := cmp.Diff(sortedCopy(r.calls), sortedCopy(clean.effects())); diff != "" {
			t.Fatalf("%s: the calls that change something (-want +got):\n%s", name, diff)
		}
		job := jobOf(p)
		want := clean.everything(job)
		how := []bool{true, false}
		if name != "create" && name != "update and resume" {
			reads, how = nil, how[:1]
		}
		for _, op := range slices.Concat(r.calls, reads) {
			for _, outcome := range gluetest.Faults(op) {
				for _, once := range how {
					if !once && strings.Contains(outcome.String(), "EntityNotFound") {
						continue // a Glue that always says so has no such job
					}
					t.Run(strings.Join([]string{name, op, outcome.String(), map[bool]string{true: "once", false: "always"}[once]}, "/"), func(t *testing.T) {
						t.Parallel()
						w := newDeployWorld(t)
						p, _ := r.begin(w)
						w.Forget()
						if once {
							w.Fault(gluetest.InTurn(op, outcome))
						} else {
							w.Fault(gluetest.Always(op, outcome))
						}
						ctx := t.Context()
						if strings.Contains(outcome.String(), "hangs") {
							ctx = impatient(t)
						}
						_, err := w.driver().Apply(ctx, p, blobsOf{w.store})
						w.Fault(nil)
						reached := cmp.Equal(want, w.everything(job))
						if err == nil && !reached {
							t.Fatalf("Apply succeeds, and there is another job (-want +got):\n%s", cmp.Diff(want, w.everything(job)))
						}
						var plain *slipway.Error
						if err != nil && ctx.Err() == nil && !errors.As(err, &plain) {
							t.Errorf("an error that nobody explained: %v", err)
						}
						if _, err := w.driver().Apply(t.Context(), p, blobsOf{w.store}); err != nil {
							t.Fatalf("Apply again: %v", err)
						}
						if diff := cmp.Diff(want, w.everything(job)); diff != "" {
							t.Errorf("the second Apply comes to another end (-want +got):\n%s", diff)
						}
						w.wantNoEffectTwice()
						if name == "rename" && w.Job("traffic") != nil {
							t.Error("the former job is still there")
						}
					})
				}
			}
		}
	}
}

func jobOf(p slipway.Plan) string {
	if name, ok := p.Target.Run["name"].(string); ok {
		return name
	}
	return p.Target.App
}

// effects are the calls that had one.
func (w *deployWorld) effects() []string {
	var out []string
	for _, c := range w.Effects() {
		out = append(out, c.Op)
	}
	return out
}

// wantNoEffectTwice holds the calls to one effect at most. What sets something to a
// value may be said again.
func (w *deployWorld) wantNoEffectTwice() {
	w.t.Helper()
	count := map[string]int{}
	for _, op := range w.effects() {
		count[op]++
	}
	for _, op := range slices.Sorted(maps.Keys(count)) {
		if count[op] > 1 && strings.HasPrefix(op, "Create") {
			w.t.Errorf("%s had an effect %d times", op, count[op])
		}
	}
}

// TestRemoveWhateverBecomesOfACall is the same for Remove.
func TestRemoveWhateverBecomesOfACall(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"GetJob", "GetTags", "GetTrigger", "DeleteTrigger", "DeleteJob", "GetJobRuns"} {
		for _, outcome := range gluetest.Faults(op) {
			t.Run(op+"/"+outcome.String(), func(t *testing.T) {
				t.Parallel()
				w := newDeployWorld(t)
				h := w.apply(w.plan(driver.PlanRequest{Target: w.rich("v1", 2, "0 3 * * *", false, "a")}))
				w.Fault(gluetest.Always(op, outcome))
				if strings.Contains(outcome.String(), "EntityNotFound") {
					w.Fault(gluetest.InTurn(op, outcome)) // a Glue that always says so has no such job
				}
				ctx := t.Context()
				if strings.Contains(outcome.String(), "hangs") {
					ctx = impatient(t)
				}
				err := w.driver().Remove(ctx, h)
				w.Fault(nil)
				gone := w.Job("traffic") == nil && w.Trigger("traffic-schedule") == nil
				if err == nil && !gone {
					t.Error("Remove succeeds, and the job is there")
				}
				if w.Job("traffic") == nil && w.Trigger("traffic-schedule") != nil {
					t.Error("the job is gone, and its schedule is there")
				}
				if err := w.driver().Remove(t.Context(), h); err != nil {
					t.Errorf("Remove again: %v", err)
				}
				if w.Job("traffic") != nil || w.Trigger("traffic-schedule") != nil {
					t.Error("it is still there")
				}
			})
		}
	}
}

// TestApplyWhileReadsAreLate deploys on a Glue that shows effects late.
func TestApplyWhileReadsAreLate(t *testing.T) {
	for name, r := range roads() {
		for _, reads := range []int{1, 3, 6} {
			w := newDeployWorld(t)
			p, _ := r.begin(w)
			w.Forget()
			w.Lag(reads)
			if _, err := w.driver().Apply(t.Context(), p, blobsOf{w.store}); err != nil {
				t.Errorf("%s, %d reads late: %v", name, reads, err)
			}
			if diff := cmp.Diff(sortedCopy(r.calls), sortedCopy(w.effects())); diff != "" {
				t.Errorf("%s, %d reads late: calls (-want +got):\n%s", name, reads, diff)
			}
		}
	}
}

func TestApplyOnAGlueThatNeverShowsIt(t *testing.T) {
	w := newDeployWorld(t)
	p := w.plan(driver.PlanRequest{Target: w.target("v1", nil)})
	w.Lag(1000)
	_, err := w.driver().Apply(t.Context(), p, blobsOf{w.store})
	wantRunError(t, err, slipway.Unavailable, "AWS Glue accepted to make the job, and does not show it (done before that: make the job)\n"+
		"deploy again: it goes on from here\ndeploy again in a minute; slipway status prod shows what is there")
}

// TestApplyWhileSomebodyElseIsAtWork edits the job between two calls of Apply.
func TestApplyWhileSomebodyElseIsAtWork(t *testing.T) {
	w := newDeployWorld(t)
	h := w.apply(w.plan(driver.PlanRequest{Target: w.target("v1", nil)}))
	p := w.plan(driver.PlanRequest{Target: w.target("v2", nil), Live: h})
	edited := false
	w.Meanwhile(func(c gluetest.Call) {
		if c.Op == "UpdateJob" && !edited {
			edited = true
			w.Edit("traffic", func(job map[string]any) { job["NumberOfWorkers"] = 7 })
		}
	})
	_, err := w.driver().Apply(t.Context(), p, blobsOf{w.store})
	wantRunError(t, err, slipway.Conflict, "somebody changed the job traffic while it was deployed: run.workers is 7\n"+
		"find out who: the AWS console shows it (CloudTrail, Event history, UpdateJob); then deploy again")
}

// TestAPlanGoesStale edits the job between Plan and Apply.
func TestAPlanGoesStale(t *testing.T) {
	w := newDeployWorld(t)
	h := w.apply(w.plan(driver.PlanRequest{Target: w.target("v1", nil)}))
	p := w.plan(driver.PlanRequest{Target: w.target("v2", nil), Live: h})
	w.edit(func(job map[string]any) { job["SecurityConfiguration"] = "kms" })
	_, err := w.driver().Apply(t.Context(), p, blobsOf{w.store})
	wantRunError(t, err, slipway.Conflict, "the job traffic changed after the plan was made: run.security_configuration is kms\n"+
		"make a new plan and look at it: slipway plan prod")
	if got := w.Job("traffic")["DefaultArguments"].(map[string]any)["--slipway-version"]; got != "v1" {
		t.Errorf("%v was deployed all the same", got)
	}
}

// TestTwoAppliesAtOnce lets two processes apply different plans, without the lease
// that keeps them apart. Each is told of a conflict or had its way, of which nothing
// may be left once the other's update came; what is there is one of the two, whole.
func TestTwoAppliesAtOnce(t *testing.T) {
	w := newDeployWorld(t)
	h := w.apply(w.plan(driver.PlanRequest{Target: w.target("v1", nil)}))
	two := w.plan(driver.PlanRequest{Target: w.target("v2", map[string]any{"workers": 5.0}), Live: h})
	three := w.plan(driver.PlanRequest{Target: w.target("v3", map[string]any{"workers": 9.0}), Live: h})
	done := make(chan error)
	for _, p := range []slipway.Plan{two, three} {
		go func() {
			_, err := w.driver().Apply(t.Context(), p, blobsOf{w.store})
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil && slipway.KindOf(err) != slipway.Conflict {
			t.Errorf("%v", err)
		}
	}
	job := w.Job("traffic")
	whole := map[any]float64{"v2": 5, "v3": 9}
	if version := job["DefaultArguments"].(map[string]any)["--slipway-version"]; asFloat(job["NumberOfWorkers"]) != whole[version] {
		t.Errorf("there is %v with %v workers", version, job["NumberOfWorkers"])
	}
}

func TestARoleThatWasJustMade(t *testing.T) {
	w := newDeployWorld(t)
	p := w.plan(driver.PlanRequest{Target: w.target("v1", nil)})
	young := gluetest.Fail("InvalidInputException").Saying("Service is unable to assume provided role. Please verify role's TrustPolicy")
	w.Fault(gluetest.InTurn("CreateJob", gluetest.Times(3, young)...))
	w.apply(p)
	w2 := newDeployWorld(t)
	p = w2.plan(driver.PlanRequest{Target: w2.target("v1", nil)})
	w2.Fault(gluetest.Always("CreateJob", young))
	_, err := w2.driver().Apply(t.Context(), p, blobsOf{w2.store})
	if err == nil || slipway.KindOf(err) != slipway.Invalid || !strings.Contains(err.Error(), "unable to assume provided role") {
		t.Errorf("a role that is never assumed: %v", err)
	}
	if w2.waited.Seconds() < 20 || w2.waited.Seconds() > 60 {
		t.Errorf("waited %s for the role", w2.waited)
	}
}

func TestARefusalNamesTheParameter(t *testing.T) {
	w := newDeployWorld(t)
	p := w.plan(driver.PlanRequest{Target: w.target("v1", nil)})
	w.Fault(gluetest.Always("CreateJob", gluetest.Fail("InvalidInputException").Saying("The worker type G.1X is not there in this Region.")))
	_, err := w.driver().Apply(t.Context(), p, blobsOf{w.store})
	wantRunError(t, err, slipway.Invalid, "run.worker_type: glue:CreateJob on job/traffic: AWS refuses the request: The worker type G.1X is not there in this Region")
}

func TestARefusalAfterOtherStepsSaysWhatWasDone(t *testing.T) {
	w := newDeployWorld(t)
	h := w.apply(w.plan(driver.PlanRequest{Target: w.target("v1", nil)}))
	p := w.plan(driver.PlanRequest{Target: w.target("v2", nil), Live: h})
	w.Fault(gluetest.Always("TagResource", gluetest.Fail("AccessDeniedException")))
	_, err := w.driver().Apply(t.Context(), p, blobsOf{w.store})
	if err == nil || slipway.KindOf(err) != slipway.Unavailable || !strings.Contains(err.Error(), "AWS refuses glue:TagResource on arn:aws:glue:") ||
		!strings.HasSuffix(err.Error(), "(done before that: change the job)") || !strings.Contains(slipway.FixOf(err), "glue:TagResource") {
		t.Errorf("%v\n%s", err, slipway.FixOf(err))
	}
	w.Fault(nil)
	begun := w.plan(driver.PlanRequest{Target: p.Target, Live: h, Begun: &p})
	wantFields(t, begun.Changes, "update version")
	w.apply(begun)
}
