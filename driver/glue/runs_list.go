package glue

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

var _ driver.Sampler = (*Driver)(nil)

// Runs returns the newest runs, newest first: those that Glue lists, and behind
// them those that only notes tell of, because their job was removed, or Glue has
// forgotten them, or nobody can say whether they were started.
func (d *Driver) Runs(ctx context.Context, h slipway.Handle, limit int) ([]slipway.Run, error) {
	listed, err := d.listed(ctx, h, limit)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	runs := make([]slipway.Run, 0, len(listed))
	for _, s := range listed {
		run := s.run()
		known[run.ID] = true
		runs = append(runs, run)
	}
	if limit <= 0 || len(runs) < limit {
		noted, err := d.notes(ctx, h, known)
		if err != nil {
			return nil, err
		}
		for _, s := range noted {
			runs = append(runs, s.run())
		}
	}
	slices.SortStableFunc(runs, func(a, b slipway.Run) int { return b.Created.Compare(a.Created) })
	if limit > 0 {
		runs = runs[:min(limit, len(runs))]
	}
	return runs, nil
}

// listed are the newest runs that Glue lists, each once, whatever the number of
// its attempts.
func (d *Driver) listed(ctx context.Context, h slipway.Handle, limit int) ([]*sighting, error) {
	all, err := d.list(ctx, h, limit)
	if err != nil {
		return nil, err
	}
	return all, d.nameReleases(ctx, h.Name, slices.Clone(all)...)
}

// Sample returns the newest runs that Glue lists, as far as that tells of them.
func (d *Driver) Sample(ctx context.Context, h slipway.Handle, limit int) ([]slipway.Run, error) {
	all, err := d.list(ctx, h, limit)
	var runs []slipway.Run
	for _, s := range all[:min(limit, len(all))] {
		runs = append(runs, s.run())
	}
	return runs, err
}

func (d *Driver) list(ctx context.Context, h slipway.Handle, limit int) ([]*sighting, error) {
	var page []types.JobRun
	runs := map[string]*sighting{}
	var order []string
	err := d.eachRun(ctx, h.Name, time.Time{}, func(r types.JobRun) bool {
		first := firstAttempt(r)
		if runs[first] == nil {
			s := d.unseen(h)
			runs[first] = &s
			order = append(order, first)
		}
		runs[first].see(r)
		page = append(page, r)
		// One more, for the attempts of the last may go on.
		return limit <= 0 || len(order) <= limit || !newestFirst(page)
	})
	if err != nil {
		return nil, err
	}
	if len(page) > 1 && timeOf(page[0].StartedOn).Before(timeOf(page[len(page)-1].StartedOn)) {
		slices.Reverse(order)
	}
	all := make([]*sighting, 0, len(order))
	for _, first := range order {
		all = append(all, runs[first])
	}
	return all, nil
}

// keepRuns notes all that Glue still knows of a job's runs. To be called before the
// job is removed, for Glue may forget them with it.
func (d *Driver) keepRuns(ctx context.Context, h slipway.Handle) error {
	listed, err := d.listed(ctx, h, pageSize)
	if err != nil {
		return err
	}
	for _, seen := range listed {
		run := seen.run()
		s, err := d.readNote(ctx, h, run.ID)
		if err != nil {
			return err
		}
		if s.note.Ended != nil {
			continue
		}
		if s.open() {
			s.note = note{
				ID: run.ID, App: run.App, Environment: run.Environment, Job: h.Name, Version: run.Version,
				Trigger: run.Trigger, By: run.By, Arguments: driver.MaskArguments(seen.latest.Arguments), Asked: run.Created,
			}
		}
		s.latest, s.note.GlueRun = seen.latest, firstAttempt(*seen.latest)
		if run.State.Ended() {
			s.note.Ended = &run
		}
		s.note.Logs.Group = cmp.Or(strings.TrimRight(aws.ToString(seen.latest.LogGroupName), "/"), s.note.Logs.Group)
		if err := d.writeNote(ctx, &s); err != nil && slipway.KindOf(err) != slipway.Conflict {
			return err
		}
	}
	return nil
}
