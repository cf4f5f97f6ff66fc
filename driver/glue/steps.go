package glue

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/slipway-cd/slipway"
)

// A step is one call that changes something. The calls go out once: whether to
// repeat one is decided by what is there.
type step struct {
	name     string // as people are told it
	action   string
	resource string
	act      func(ctx context.Context, a *application, now remote) error
}

// The steps that others ask about.
const (
	stepCreate = "make the job"
	stepUpdate = "change the job"
	stepTag    = "tag the job"
	stepUntag  = "take tags off the job"
)

// left are the steps that lead from what is there to what is wanted, in order: runs
// that are no longer wanted are stopped from starting first, and new ones start last.
func (a *application) left(ctx context.Context, now remote) ([]step, error) {
	cellsLeft, err := a.compare(now)
	if err != nil {
		return nil, err
	}
	schedule := a.wanted[triggerCells+"Schedule"] != nil
	on := a.wanted[triggerCells+"State"] == active
	job, trigger, name := "job/"+a.want.name, "trigger/"+triggerName(a.want.name), a.want.name
	var out []step
	add := func(when bool, s step) {
		if when {
			out = append(out, s)
		}
	}
	add(now.Trigger != nil && !schedule, step{"remove the schedule", "glue:DeleteTrigger", trigger, deleteTrigger(name)})
	add(now.Trigger["State"] == active && schedule && !on, step{"pause the schedule", "glue:StopTrigger", trigger, stopTrigger})
	add(!now.present(), step{stepCreate, "glue:CreateJob", job, createJob})
	add(now.present() && some(cellsLeft, isJobCell), step{stepUpdate, "glue:UpdateJob", job, updateJob})
	add(now.present() && some(cellsLeft, a.isTag), step{stepTag, "glue:TagResource", job, tagJob})
	add(now.present() && some(cellsLeft, a.isOldTag), step{stepUntag, "glue:UntagResource", job, untagJob})
	add(schedule && now.Trigger == nil, step{"make the schedule", "glue:CreateTrigger", trigger, createTrigger})
	add(schedule && now.Trigger != nil && some(cellsLeft, isTriggerDefinition), step{"change the schedule", "glue:UpdateTrigger", trigger, updateTrigger})
	add(schedule && now.Trigger != nil && on && now.Trigger["State"] != active, step{"resume the schedule", "glue:StartTrigger", trigger, startTrigger})
	former, err := a.former(ctx, len(out) == 0)
	return append(out, former...), err
}

// former are the steps that take away the job's former self, once all else is there.
func (a *application) former(ctx context.Context, now bool) ([]step, error) {
	if !now || a.wish.Replaces == "" {
		return nil, nil
	}
	old, err := a.read(ctx, a.wish.Replaces)
	if err != nil || old.Trigger == nil && !old.present() {
		return nil, err
	}
	if old.present() && (old.Tags[tagApp] != a.plan.Target.App || old.Tags[tagEnvironment] != a.plan.Target.Environment) {
		return nil, nil // somebody else's by now
	}
	var out []step
	if old.Trigger != nil {
		out = append(out, step{"remove the former schedule", "glue:DeleteTrigger", "trigger/" + triggerName(a.wish.Replaces), deleteTrigger(a.wish.Replaces)})
	}
	if old.present() {
		out = append(out, step{"remove the former job", "glue:DeleteJob", "job/" + a.wish.Replaces, deleteJob(a.wish.Replaces)})
	}
	return out, nil
}

func some(names map[string]bool, is func(string) bool) bool {
	for name := range names {
		if is(name) {
			return true
		}
	}
	return false
}

func isJobCell(name string) bool {
	return !strings.HasPrefix(name, triggerCells) && !strings.HasPrefix(name, tagCells)
}

func isTriggerDefinition(name string) bool {
	return strings.HasPrefix(name, triggerCells) && name != triggerCells+"State"
}

func (a *application) isTag(name string) bool {
	return strings.HasPrefix(name, tagCells) && a.wanted[name] != nil
}

func (a *application) isOldTag(name string) bool {
	return strings.HasPrefix(name, tagCells) && a.wanted[name] == nil
}

// whole is the wanted job with what is carried over and never kept.
func (a *application) whole(now remote) (map[string]any, error) {
	job, err := now.fillIn(a.wish.Job)
	if err != nil {
		return nil, err
	}
	if details, ok := job["SourceControlDetails"].(map[string]any); ok && now.token != nil {
		details = maps.Clone(details)
		details["AuthToken"] = now.token
		job["SourceControlDetails"] = details
	}
	return job, nil
}

func createJob(ctx context.Context, a *application, now remote) error {
	job, err := a.whole(now)
	if err != nil {
		return err
	}
	job["Name"], job["Tags"] = a.want.name, a.wish.Tags
	_, err = a.once.CreateJob(ctx, &glue.CreateJobInput{Name: &a.want.name, Role: aws.String("-"), Command: &types.JobCommand{}}, sendInstead(job))
	return err
}

func updateJob(ctx context.Context, a *application, now remote) error {
	job, err := a.whole(now)
	if err != nil {
		return err
	}
	_, err = a.once.UpdateJob(ctx, &glue.UpdateJobInput{JobName: &a.want.name, JobUpdate: &types.JobUpdate{}},
		sendInstead(map[string]any{"JobName": a.want.name, "JobUpdate": job}))
	return err
}

func tagJob(ctx context.Context, a *application, _ remote) error {
	arn, err := a.resource(ctx, "job", a.want.name)
	if err != nil {
		return err
	}
	_, err = a.once.TagResource(ctx, &glue.TagResourceInput{ResourceArn: &arn, TagsToAdd: a.wish.Tags})
	return err
}

func untagJob(ctx context.Context, a *application, _ remote) error {
	arn, err := a.resource(ctx, "job", a.want.name)
	if err != nil {
		return err
	}
	_, err = a.once.UntagResource(ctx, &glue.UntagResourceInput{ResourceArn: &arn, TagsToRemove: a.oldTags()})
	return err
}

// oldTags are those that are to be there no more.
func (a *application) oldTags() []string {
	var gone []string
	for name := range a.wish.From {
		if a.isOldTag(name) {
			gone = append(gone, strings.TrimPrefix(name, tagCells))
		}
	}
	slices.Sort(gone)
	return gone
}

// triggerTags mark the trigger as Slipway's.
func (a *application) triggerTags() map[string]string {
	return map[string]string{tagApp: a.plan.Target.App, tagEnvironment: a.plan.Target.Environment}
}

func createTrigger(ctx context.Context, a *application, _ remote) error {
	name := triggerName(a.want.name)
	body := maps.Clone(a.wish.Trigger)
	delete(body, "State")
	body["Name"], body["Tags"] = name, a.triggerTags()
	if a.wish.Trigger["State"] == active {
		body["StartOnCreation"] = true
	}
	_, err := a.once.CreateTrigger(ctx, &glue.CreateTriggerInput{Name: &name, Type: types.TriggerTypeScheduled, Actions: []types.Action{}}, sendInstead(body))
	return err
}

func updateTrigger(ctx context.Context, a *application, _ remote) error {
	name := triggerName(a.want.name)
	body := maps.Clone(a.wish.Trigger)
	for _, fixed := range []string{"State", "Type", "WorkflowName"} {
		delete(body, fixed)
	}
	_, err := a.once.UpdateTrigger(ctx, &glue.UpdateTriggerInput{Name: &name, TriggerUpdate: &types.TriggerUpdate{}},
		sendInstead(map[string]any{"Name": name, "TriggerUpdate": body}))
	return err
}

func startTrigger(ctx context.Context, a *application, _ remote) error {
	_, err := a.once.StartTrigger(ctx, &glue.StartTriggerInput{Name: aws.String(triggerName(a.want.name))})
	return err
}

func stopTrigger(ctx context.Context, a *application, _ remote) error {
	_, err := a.once.StopTrigger(ctx, &glue.StopTriggerInput{Name: aws.String(triggerName(a.want.name))})
	return err
}

func deleteTrigger(job string) func(context.Context, *application, remote) error {
	return func(ctx context.Context, a *application, _ remote) error {
		_, err := a.once.DeleteTrigger(ctx, &glue.DeleteTriggerInput{Name: aws.String(triggerName(job))})
		return err
	}
}

// deleteJob notes the runs first, for Glue forgets them with their job.
func deleteJob(job string) func(context.Context, *application, remote) error {
	return func(ctx context.Context, a *application, _ remote) error {
		h := slipway.Handle{App: a.plan.Target.App, Environment: a.plan.Target.Environment, Name: job}
		if err := a.keepRuns(ctx, h); err != nil {
			return err
		}
		_, err := a.once.DeleteJob(ctx, &glue.DeleteJobInput{JobName: &job})
		return err
	}
}
