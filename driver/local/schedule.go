package local

import (
	"context"
	"time"

	"github.com/adhocore/gronx"

	"github.com/slipway-cd/slipway"
)

// upcoming is how many times a status names.
const upcoming = 3

// checkSchedule refuses a schedule that means nothing.
func (j job) checkSchedule() error {
	if j.schedule == "" {
		return nil
	}
	if !gronx.IsValid(j.schedule) {
		return slipway.Errorf(slipway.Invalid, "run.schedule: %q is no cron expression", j.schedule).
			WithFix(`write five fields (minute hour day month weekday), such as "0 3 * * *"`)
	}
	if _, err := j.location(); err != nil {
		return slipway.Errorf(slipway.Invalid, "run.timezone: %q is no time zone that this machine knows", j.timezone).
			WithFix("write a name such as Europe/Berlin, or leave it out for UTC")
	}
	return nil
}

// location is the schedule's time zone; UTC, as in Glue, where none is named.
func (j job) location() (*time.Location, error) { return time.LoadLocation(j.timezone) }

// fires returns when the schedule fires after the one time and up to and
// including the other, at most limit times; 0 means all.
func (j job) fires(after, until time.Time, limit int) ([]time.Time, error) {
	if j.schedule == "" {
		return nil, nil
	}
	zone, err := j.location()
	if err != nil {
		return nil, err
	}
	var times []time.Time
	for at := after.In(zone); limit == 0 || len(times) < limit; {
		at, err = gronx.NextTickAfter(j.schedule, at, false)
		if err != nil || at.After(until) {
			return times, nil //nolint:nilerr // an expression that never fires again is no error
		}
		times = append(times, at)
	}
	return times, nil
}

// Due returns when the deployed job's schedule fires.
func (d *Driver) Due(_ context.Context, h slipway.Handle, after, until time.Time) ([]time.Time, error) {
	folder, err := d.jobFolder(h.App)
	if err != nil {
		return nil, err
	}
	def, err := readCurrent(folder)
	if err != nil || !def.present() {
		return nil, err
	}
	j, err := def.job()
	if err != nil {
		return nil, err
	}
	return j.fires(after, until, 0)
}
