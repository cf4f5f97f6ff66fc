package glue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/slipway-cd/slipway"
)

// look finds out which bytes lie where the target's files are to lie, for the console
// writes a script that is edited there back to where it was. What cannot be looked
// at is a warning; what is not there is left to Apply.
func (d *Driver) look(ctx context.Context, w want) (map[string]slipway.Digest, []string) {
	found := map[string]slipway.Digest{}
	var warnings []string
	var wait sync.WaitGroup
	var mu sync.Mutex
	for where := range w.files {
		wait.Go(func() {
			digest, err := d.digest(ctx, where)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case slipway.KindOf(err) == slipway.NotFound:
			case err != nil:
				warnings = append(warnings, fmt.Sprintf("could not see which bytes lie at %s: %v", where, err))
			case digest != "":
				found[where] = digest
			}
		})
	}
	wait.Wait()
	slices.Sort(warnings)
	return found, warnings
}

// digest is that of the bytes at an address in the artifact repository; empty for
// other places.
func (d *Driver) digest(ctx context.Context, where string) (slipway.Digest, error) {
	if d.cfg.Notes == nil {
		return "", nil
	}
	key, ok := strings.CutPrefix(where, d.cfg.Notes.URL()+"/")
	if !ok {
		return "", nil
	}
	o, err := d.cfg.Notes.Stat(ctx, key)
	return o.Digest, err
}

// otherTriggers tells of triggers that start the job and are not Slipway's.
func (d *Driver) otherTriggers(ctx context.Context, job string) []string {
	list, err := d.listTriggers(ctx, job)
	if err != nil {
		return []string{fmt.Sprintf("could not see which other triggers start the job: %v", err)}
	}
	return othersIn(list, job)
}

func othersIn(list []map[string]any, job string) []string {
	var out []string
	for _, t := range list {
		name, _ := t["Name"].(string)
		if name == "" || name == triggerName(job) {
			continue
		}
		text := fmt.Sprintf("the trigger %s starts the job too, and stays as it is", name)
		if schedule, _ := t["Schedule"].(string); schedule != "" {
			text += ": " + schedule
		}
		out = append(out, text)
	}
	return out
}

// listTriggers reads the triggers that start the job.
func (d *Driver) listTriggers(ctx context.Context, job string) ([]map[string]any, error) {
	var list []map[string]any
	in := &glue.GetTriggersInput{DependentJobName: &job}
	for {
		var body []byte
		out, err := d.glue.GetTriggers(ctx, in, keepAnswer(&body))
		switch {
		case codeOf(err) == codeNotFound:
			return list, nil // there is no such job
		case err != nil:
			return nil, d.explain(err, "glue:GetTriggers", "trigger/*")
		}
		var answer struct{ Triggers []map[string]any }
		if err := decode(body, &answer); err != nil {
			return nil, slipway.Errorf(slipway.Unavailable, "glue:GetTriggers on trigger/*: the answer cannot be read: %w", err)
		}
		list = append(list, answer.Triggers...)
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return list, nil
		}
	}
}

// triggerAmong finds the trigger of a job's schedule among those that start the job,
// and tells of the others: one question where there is none. Where the list cannot be
// had, it is asked for by its name.
func (d *Driver) triggerAmong(others *[]string) triggerReader {
	return func(ctx context.Context, job string) (map[string]any, map[string]string, error) {
		list, err := d.listTriggers(ctx, job)
		if err != nil {
			*others = []string{fmt.Sprintf("could not see which other triggers start the job: %v", err)}
			return d.trigger(ctx, job)
		}
		*others = othersIn(list, job)
		for _, t := range list {
			if t["Name"] == triggerName(job) {
				tags, err := d.readTags(ctx, "trigger", triggerName(job))
				return ownWords(t), tags, err
			}
		}
		return nil, nil, nil
	}
}
