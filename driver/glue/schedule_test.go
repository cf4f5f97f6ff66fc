package glue_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// trigger is the state and the schedule of the job's own trigger.
func (w *deployWorld) trigger() string {
	t := w.Trigger("traffic-schedule")
	if t == nil {
		return "none"
	}
	return t["State"].(string) + " " + t["Schedule"].(string)
}

func TestAScheduleComesChangesPausesAndGoes(t *testing.T) {
	w := newDeployWorld(t)
	var h slipway.Handle
	for _, c := range []struct {
		run     map[string]any
		changes []string
		want    string
	}{
		{map[string]any{}, nil, "none"},
		{map[string]any{"schedule": "0 3 * * *"}, []string{"add run.schedule"}, "ACTIVATED cron(0 3 * * ? *)"},
		{map[string]any{"schedule": "cron(0 3 * * ? *)"}, nil, "ACTIVATED cron(0 3 * * ? *)"},
		{map[string]any{"schedule": "30 6 * * 1-5"}, []string{"update run.schedule"}, "ACTIVATED cron(30 6 ? * 2-6 *)"},
		{map[string]any{"schedule": "30 6 * * 1-5", "paused": true}, []string{"add run.paused"}, "DEACTIVATED cron(30 6 ? * 2-6 *)"},
		{map[string]any{"schedule": "0 3 * * *", "timezone": "Asia/Kolkata", "paused": true}, []string{"update run.schedule"}, "DEACTIVATED cron(30 21 * * ? *)"},
		{map[string]any{"schedule": "0 3 * * *", "timezone": "Asia/Kolkata"}, []string{"delete run.paused"}, "ACTIVATED cron(30 21 * * ? *)"},
		{map[string]any{}, []string{"delete run.schedule"}, "none"},
		{map[string]any{"schedule": "0 3 * * *", "paused": true}, []string{"add run.paused", "add run.schedule"}, "CREATED cron(0 3 * * ? *)"},
		{map[string]any{"schedule": "0 3 * * *"}, []string{"delete run.paused"}, "ACTIVATED cron(0 3 * * ? *)"},
	} {
		target := w.target("v1", c.run)
		p := w.plan(driver.PlanRequest{Target: target, Live: h})
		if h.Name != "" {
			wantFields(t, p.Changes, c.changes...)
		}
		h = w.apply(p)
		if diff := cmp.Diff(c.want, w.trigger()); diff != "" {
			t.Errorf("the trigger (-want +got):\n%s", diff)
		}
		if p := w.plan(driver.PlanRequest{Target: target, Live: h}); !p.Empty() {
			t.Errorf("%v: a second plan has changes: %v", c.run, p.Changes)
		}
	}
	if s, err := w.driver().Observe(t.Context(), h, w.target("v1", map[string]any{"schedule": "0 3 * * *"})); err != nil || len(s.Next) != 5 {
		t.Errorf("the next times: %v, %v", s.Next, err)
	}
}

func TestAScheduleThatWasEditedIsDrift(t *testing.T) {
	for _, c := range []struct {
		change types.TriggerUpdate
		want   string
	}{
		{types.TriggerUpdate{Schedule: aws.String("cron(0 5 * * ? *)")}, "update run.schedule *"},
		{types.TriggerUpdate{Actions: []types.Action{{JobName: aws.String("traffic"), Timeout: aws.Int32(5)}}}, "update trigger.Actions *"},
	} {
		w := newDeployWorld(t)
		target := w.target("v1", map[string]any{"schedule": "0 3 * * *"})
		h := w.apply(w.plan(driver.PlanRequest{Target: target}))
		want := w.everything("traffic")
		c.change.Description = aws.String("Starts traffic in prod, by Slipway")
		if c.change.Schedule == nil {
			c.change.Schedule = aws.String("cron(0 3 * * ? *)")
		}
		if c.change.Actions == nil {
			c.change.Actions = []types.Action{{JobName: aws.String("traffic")}}
		}
		if _, err := w.console().UpdateTrigger(t.Context(), &awsglue.UpdateTriggerInput{Name: aws.String("traffic-schedule"), TriggerUpdate: &c.change}); err != nil {
			t.Fatal(err)
		}
		if s, err := w.driver().Observe(t.Context(), h, target); err != nil || s.State != slipway.JobDrifted {
			t.Errorf("%+v, %v", s, err)
		} else {
			wantFields(t, s.Drift, c.want)
		}
		p := w.plan(driver.PlanRequest{Target: target, Live: h})
		wantFields(t, p.Changes, c.want)
		w.apply(p)
		if diff := cmp.Diff(want, w.everything("traffic")); diff != "" {
			t.Errorf("it was not put back (-want +got):\n%s", diff)
		}
	}
}

func TestTheTriggersOfOthers(t *testing.T) {
	w := newDeployWorld(t)
	h := w.apply(w.plan(driver.PlanRequest{Target: w.target("v1", nil)}))
	for _, name := range []string{"nightly", "traffic-schedule"} {
		if _, err := w.console().CreateTrigger(t.Context(), &awsglue.CreateTriggerInput{
			Name: &name, Type: types.TriggerTypeScheduled, Schedule: aws.String("cron(0 1 * * ? *)"), Actions: []types.Action{{JobName: aws.String("traffic")}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	p := w.plan(driver.PlanRequest{Target: w.target("v1", nil), Live: h})
	wantFields(t, p.Changes)
	want := []string{
		"the trigger nightly starts the job too, and stays as it is: cron(0 1 * * ? *)",
		"the trigger traffic-schedule is not Slipway's, and stays as it is",
	}
	if diff := cmp.Diff(want, warnings(p)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	_, err := w.driver().Plan(t.Context(), driver.PlanRequest{Target: w.target("v1", map[string]any{"schedule": "0 3 * * *"}), Live: h})
	wantRunError(t, err, slipway.Conflict, "the trigger traffic-schedule is there already, and Slipway did not make it\n"+
		"delete or rename it, or take run.schedule out of the manifest and leave the schedule to it")
	if err := w.driver().Remove(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if w.Trigger("traffic-schedule") == nil || w.Trigger("nightly") == nil {
		t.Error("a trigger of others was removed")
	}
}

func TestStreamingAndShellJobs(t *testing.T) {
	w := newDeployWorld(t)
	streaming := w.target("v1", map[string]any{"type": "gluestreaming", "timeout": nil, "maintenance_window": "Mon:10", "notify_delay_after": "90s"})
	h := w.deploy(driver.PlanRequest{Target: streaming})
	job := w.Job("traffic")
	if job["Timeout"] != nil || job["MaintenanceWindow"] != "Mon:10" || job["ExecutionClass"] != nil ||
		asFloat(job["NotificationProperty"].(map[string]any)["NotifyDelayAfter"]) != 2 {
		t.Errorf("the streaming job is %v", job)
	}
	shell := w.target("v2", map[string]any{
		"type": "pythonshell", "worker_type": nil, "workers": nil, "glue_version": nil, "execution_class": nil, "bookmark": nil, "max_capacity": 1.0, "timeout": "90s",
	})
	w.deploy(driver.PlanRequest{Target: shell, Live: h})
	job = w.Job("traffic")
	if job["WorkerType"] != nil || asFloat(job["MaxCapacity"]) != 1 || asFloat(job["Timeout"]) != 2 || job["MaintenanceWindow"] != nil ||
		job["Command"].(map[string]any)["PythonVersion"] != "3.9" {
		t.Errorf("the shell job is %v", job)
	}
}

func TestARenamedJobLeavesNothingBehind(t *testing.T) {
	w := newDeployWorld(t)
	h := w.apply(w.plan(driver.PlanRequest{Target: w.target("v1", map[string]any{"schedule": "0 3 * * *"})}))
	p := w.plan(driver.PlanRequest{Target: w.target("v1", map[string]any{"schedule": "0 3 * * *", "name": "Traffic ETL"}), Live: h})
	last := p.Changes[len(p.Changes)-1]
	if last.Field != "run.name" || last.From != "traffic" || last.To != "Traffic ETL" {
		t.Errorf("the plan does not tell: %+v", last)
	}
	second := w.apply(p)
	if w.Job("traffic") != nil || w.trigger() != "none" || w.Job("Traffic ETL") == nil || second.Name != "Traffic ETL" {
		t.Error("the former job, or its schedule, is still there, or there is no new one")
	}
}
