package glue

import (
	"context"

	"github.com/slipway-cd/slipway"
)

// Remove takes the schedule away and then the job. What Glue knows of its runs is
// noted before, for it goes with the job.
func (d *Driver) Remove(ctx context.Context, h slipway.Handle) error {
	a := &application{
		Driver: d, want: want{name: h.Name}, acted: map[string]bool{},
		plan: slipway.Plan{Target: slipway.Target{App: h.App, Environment: h.Environment}},
	}
	for {
		now, err := d.read(ctx, h.Name)
		if err != nil {
			return a.partly(err)
		}
		left := removing(h, now)
		if len(left) == 0 {
			return nil
		}
		if err := mine(h, now); err != nil {
			return err
		}
		if err := a.work(ctx, now, left); err != nil {
			return a.partly(err)
		}
	}
}

// removing are the steps that take away what is there.
func removing(h slipway.Handle, now remote) []step {
	var out []step
	if now.Trigger != nil {
		out = append(out, step{"remove the schedule", "glue:DeleteTrigger", "trigger/" + triggerName(h.Name), deleteTrigger(h.Name)})
	}
	if now.present() {
		out = append(out, step{"remove the job", "glue:DeleteJob", "job/" + h.Name, deleteJob(h.Name)})
	}
	return out
}

// mine refuses to remove a job that is not the app's.
func mine(h slipway.Handle, now remote) error {
	switch owner := now.owner(); {
	case !now.present(), now.Tags[tagApp] == h.App && now.Tags[tagEnvironment] == h.Environment:
		return nil
	case owner != "":
		return slipway.Errorf(slipway.Conflict, "the job %s belongs to %s, so it is not removed", h.Name, owner)
	}
	return slipway.Errorf(slipway.Conflict, "the job %s has no tags that say it is Slipway's, so it is not removed", h.Name).
		WithFix("slipway adopt %q %s marks it; or delete it in the console", h.Name, h.Environment)
}
