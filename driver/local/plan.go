package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

const outside = "changed outside Slipway"

// Plan says what Apply would do.
func (d *Driver) Plan(_ context.Context, r driver.PlanRequest) (slipway.Plan, error) {
	t := r.Target
	folder, err := d.jobFolder(t.App)
	if err != nil {
		return slipway.Plan{}, err
	}
	j, err := parseJob(t)
	if err != nil {
		return slipway.Plan{}, err
	}
	_, warnings, err := d.toolsFor(j)
	if err != nil {
		return slipway.Plan{}, err
	}
	now, err := readCurrent(folder)
	if err != nil {
		return slipway.Plan{}, err
	}
	if now.tampered() {
		warnings = append(warnings, "the job was "+outside+"; applying this plan puts it right")
	}
	return slipway.Plan{Target: t, Base: now.fingerprint(), Changes: changes(now, t), Warnings: warnings}, nil
}

// changes says what leads from what is there to the target.
func changes(now definition, t slipway.Target) []slipway.Change {
	list := driver.Diff(now.target, t)
	for i, c := range list {
		if slices.Contains(now.edited, c.Field) {
			list[i].Note = outside
		}
	}
	return list
}

// Apply carries out a plan as it stands. It builds the virtual environment that
// the job needs, if it is not there yet, before it changes anything.
func (d *Driver) Apply(ctx context.Context, p slipway.Plan, blobs driver.Blobs) (_ slipway.Handle, err error) {
	defer explainDisk(&err)
	folder, err := d.jobFolder(p.Target.App)
	if err != nil {
		return slipway.Handle{}, err
	}
	j, err := parseJob(p.Target)
	if err != nil {
		return slipway.Handle{}, err
	}
	h := slipway.Handle{App: p.Target.App, Environment: p.Target.Environment, Name: j.name}
	if done, err := applied(folder, p); done || err != nil {
		return h, err
	}
	if err := d.prepare(ctx, j); err != nil {
		return slipway.Handle{}, err
	}
	name, err := writeDefinition(ctx, folder, p.Target, blobs, d.cfg.Clock())
	if err != nil {
		return slipway.Handle{}, err
	}
	return h, d.replace(ctx, folder, p, name)
}

// prepare puts in place what runs of the job need on this machine.
func (d *Driver) prepare(ctx context.Context, j job) error {
	tools, _, err := d.toolsFor(j)
	if err != nil {
		return err
	}
	shim, err := d.installShim()
	if err != nil {
		return err
	}
	if _, err := d.interpreter(ctx, tools, d.cfg.Progress); err != nil || !j.spark() {
		return err
	}
	return d.quicken(ctx, shim, tools)
}

// applied reports whether the job is as the plan wants it. If it is not, and is
// not as the plan found it either, the plan is stale.
func applied(folder string, p slipway.Plan) (bool, error) {
	now, err := readCurrent(folder)
	if err != nil {
		return false, err
	}
	switch now.fingerprint() {
	case driver.Fingerprint(p.Target):
		return true, nil
	case p.Base:
		return false, nil
	}
	return false, slipway.Errorf(slipway.Conflict, "the job %s changed after the plan was made", p.Target.App).
		WithFix("make a new plan and look at it: slipway plan %s --out FILE", p.Target.Environment)
}

// replace switches the job to a definition if it is still as the plan found it.
func (d *Driver) replace(ctx context.Context, folder string, p slipway.Plan, definition string) error {
	lock, err := takeLock(ctx, filepath.Join(folder, "lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	if done, err := applied(folder, p); done || err != nil {
		return err
	}
	return switchTo(folder, definition)
}

// Observe says what is there now.
func (d *Driver) Observe(_ context.Context, h slipway.Handle, deployed slipway.Target) (slipway.JobStatus, error) {
	folder, err := d.jobFolder(h.App)
	if err != nil {
		return slipway.JobStatus{}, err
	}
	now, err := readCurrent(folder)
	if err != nil {
		return slipway.JobStatus{}, err
	}
	if !now.present() {
		return slipway.JobStatus{State: slipway.JobAbsent}, nil
	}
	status := slipway.JobStatus{State: slipway.JobLive, Target: now.target, Drift: drift(now, deployed)}
	if len(status.Drift) > 0 {
		status.State = slipway.JobDrifted
	}
	if s, err := driver.ScheduleOf(now.target); err == nil {
		status.Schedule, status.Next = s.String(), s.Next(d.cfg.Clock(), upcoming)
	}
	return status, nil
}

// drift says how what is there differs from what was deployed.
func drift(now definition, deployed slipway.Target) []slipway.Change {
	if now.damaged != "" {
		return []slipway.Change{{Field: definitionFile, Action: slipway.Update, Note: outside + ": " + now.damaged}}
	}
	list := driver.Diff(deployed, now.target)
	for i := range list {
		list[i].Note = outside
	}
	return list
}

// Remove takes the job away. Its definitions and runs stay, so runs that are
// under way finish and the history can be read.
func (d *Driver) Remove(ctx context.Context, h slipway.Handle) (err error) {
	defer explainDisk(&err)
	folder, err := d.jobFolder(h.App)
	if err != nil || !exists(folder) {
		return err
	}
	lock, err := takeLock(ctx, filepath.Join(folder, "lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := os.Remove(filepath.Join(folder, "current")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFolder(folder)
}
