package glue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

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
	var out []string
	pages := glue.NewGetTriggersPaginator(d.glue, &glue.GetTriggersInput{DependentJobName: &job})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		switch {
		case codeOf(err) == codeNotFound:
			return out // there is no such job
		case err != nil:
			return append(out, fmt.Sprintf("could not see which other triggers start the job: %v", d.explain(err, "glue:GetTriggers", "trigger/*")))
		}
		for _, t := range page.Triggers {
			if t.Name == nil || *t.Name == triggerName(job) {
				continue
			}
			text := fmt.Sprintf("the trigger %s starts the job too, and stays as it is", *t.Name)
			if t.Schedule != nil {
				text += ": " + *t.Schedule
			}
			out = append(out, text)
		}
	}
	return out
}
