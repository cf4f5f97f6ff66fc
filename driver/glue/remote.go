package glue

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/slipway-cd/slipway"
)

// A remote is what Glue has of a job now.
type remote struct {
	definition
	token   any               // SourceControlDetails.AuthToken: carried over, and kept and shown nowhere
	secrets map[string]string // what placeholders in the job stand for; as the token
	foreign bool              // the trigger of our name is somebody else's; it is not in the definition
}

func (r remote) present() bool { return r.Job != nil }

// base is the fingerprint for plans; empty where there is no job.
func (r remote) base() string {
	if !r.present() {
		return ""
	}
	return r.cells().fingerprint()
}

// owner says whose job it is by its tags, "app in environment"; empty: nobody's.
func (r remote) owner() string { return ownerOf(r.Tags) }

func ownerOf(tags map[string]string) string {
	if tags[tagApp] == "" && tags[tagEnvironment] == "" {
		return ""
	}
	return tags[tagApp] + " in " + tags[tagEnvironment]
}

// triggerName is the trigger of a job's schedule.
func triggerName(job string) string { return job + "-schedule" }

// read reads the job, its trigger and the tags of both.
func (d *Driver) read(ctx context.Context, name string) (remote, error) {
	return d.readWith(ctx, name, d.trigger)
}

// A triggerReader finds the trigger of a job's schedule, with its tags.
type triggerReader func(ctx context.Context, job string) (trigger map[string]any, tags map[string]string, err error)

// trigger asks for it by its name.
func (d *Driver) trigger(ctx context.Context, job string) (trigger map[string]any, tags map[string]string, err error) {
	err = all(
		func() (err error) { trigger, err = d.readTrigger(ctx, triggerName(job)); return err },
		func() (err error) { tags, err = d.readTags(ctx, "trigger", triggerName(job)); return err },
	)
	return trigger, tags, err
}

// noTrigger is for those who know that there is none, or that it does not matter.
func noTrigger(context.Context, string) (map[string]any, map[string]string, error) {
	return nil, nil, nil
}

// readWith reads the job and what goes with it. What is not there and has tags was made
// or deleted a moment ago, so it is looked for again.
func (d *Driver) readWith(ctx context.Context, name string, find triggerReader) (remote, error) {
	for _, pause := range pauses[:4] {
		out, settled, err := d.readOnce(ctx, name, find)
		if err != nil || settled {
			return out, err
		}
		if err := d.cfg.Pause(ctx, pause); err != nil {
			return out, err
		}
	}
	out, _, err := d.readOnce(ctx, name, find)
	return out, err
}

// readOnce reads all at once.
func (d *Driver) readOnce(ctx context.Context, name string, find triggerReader) (out remote, settled bool, err error) {
	var trigger map[string]any
	var triggerTags map[string]string
	err = all(
		func() (err error) { out.Job, err = d.readJob(ctx, name); return err },
		func() (err error) { out.Tags, err = d.readTags(ctx, "job", name); return err },
		func() (err error) { trigger, triggerTags, err = find(ctx, name); return err },
	)
	if err != nil {
		return remote{}, false, err
	}
	settled = (out.Job != nil || len(out.Tags) == 0) && (trigger != nil || len(triggerTags) == 0)
	if out.Job == nil {
		out.Tags = nil
	}
	out.hide()
	out.foreign = trigger != nil && triggerTags[tagApp] == ""
	if !out.foreign {
		out.Trigger = trigger
	}
	return out, settled, nil
}

// all does things at once and returns the first error, in their order.
func all(acts ...func() error) error {
	errs := make([]error, len(acts))
	var wait sync.WaitGroup
	for i, act := range acts {
		wait.Go(func() { errs[i] = act() })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// readJob returns the job's members without those that Glue takes from nobody; nil
// where there is no job.
func (d *Driver) readJob(ctx context.Context, name string) (map[string]any, error) {
	var body []byte
	_, err := d.glue.GetJob(ctx, &glue.GetJobInput{JobName: &name}, keepAnswer(&body))
	if codeOf(err) == codeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, d.explain(err, "glue:GetJob", "job/"+name)
	}
	var answer struct{ Job map[string]any }
	if err := decode(body, &answer); err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "glue:GetJob on job/%s: the answer cannot be read: %w", name, err)
	}
	return writable(answer.Job), nil
}

// writable takes away what Glue only tells.
func writable(job map[string]any) map[string]any {
	for name, v := range job {
		if v == nil || model[name].class == readOnly {
			delete(job, name)
		}
	}
	if job["WorkerType"] != nil {
		delete(job, "MaxCapacity") // worked out from the workers, and refused beside them
	}
	return job
}

// hide takes out of the job what is kept and shown nowhere.
func (r *remote) hide() {
	r.token = takeToken(r.Job)
	r.Job, r.secrets = withhold(r.Job)
}

// takeToken takes the token out of the job's source control details.
func takeToken(job map[string]any) any {
	details, _ := job["SourceControlDetails"].(map[string]any)
	token := details["AuthToken"]
	delete(details, "AuthToken")
	return token
}

// readTrigger returns the trigger's members; nil where there is none.
func (d *Driver) readTrigger(ctx context.Context, name string) (map[string]any, error) {
	var body []byte
	_, err := d.glue.GetTrigger(ctx, &glue.GetTriggerInput{Name: &name}, keepAnswer(&body))
	if codeOf(err) == codeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, d.explain(err, "glue:GetTrigger", "trigger/"+name)
	}
	var answer struct{ Trigger map[string]any }
	if err := decode(body, &answer); err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "glue:GetTrigger on trigger/%s: the answer cannot be read: %w", name, err)
	}
	return ownWords(answer.Trigger), nil
}

// ownWords are the members of a trigger that are compared.
func ownWords(trigger map[string]any) map[string]any {
	delete(trigger, "Name")
	delete(trigger, "Id")
	maps.DeleteFunc(trigger, func(_ string, v any) bool { return v == nil })
	if state, _ := trigger["State"].(string); strings.HasPrefix(state, "ACTIVAT") {
		trigger["State"] = active
	} else {
		trigger["State"] = inactive
	}
	return trigger
}

// The states of a trigger that matter: whether it starts runs.
const (
	active   = "ACTIVATED"
	inactive = "DEACTIVATED"
)

// readTags returns the tags of a job or trigger; nil where there is none.
func (d *Driver) readTags(ctx context.Context, kind, name string) (map[string]string, error) {
	arn, err := d.resource(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	out, err := d.glue.GetTags(ctx, &glue.GetTagsInput{ResourceArn: &arn})
	if codeOf(err) == codeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, d.explain(err, "glue:GetTags", kind+"/"+name)
	}
	return out.Tags, nil
}

// resource is the ARN of a job or a trigger.
func (d *Driver) resource(ctx context.Context, kind, name string) (string, error) {
	account, err := d.account(ctx)
	if err != nil {
		return "", err
	}
	return "arn:" + partition(d.cfg.AWS.Region) + ":glue:" + d.cfg.AWS.Region + ":" + account + ":" + kind + "/" + name, nil
}

// partition is the part of AWS that a region is in.
func partition(region string) string {
	for prefix, name := range map[string]string{"cn-": "aws-cn", "us-gov-": "aws-us-gov"} {
		if strings.HasPrefix(region, prefix) {
			return name
		}
	}
	return "aws"
}

// account is the environment's account, or else that of the credentials, which is
// asked for once.
func (d *Driver) account(ctx context.Context) (string, error) {
	if d.cfg.Environment.Account != "" {
		return d.cfg.Environment.Account, nil
	}
	d.asked.Lock()
	defer d.asked.Unlock()
	if d.id != "" {
		return d.id, nil
	}
	out, err := sts.NewFromConfig(d.cfg.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", d.explain(err, "sts:GetCallerIdentity", "*")
	}
	if d.id = aws.ToString(out.Account); d.id == "" {
		return "", errors.New("AWS does not say which account this is")
	}
	return d.id, nil
}
