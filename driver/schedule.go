package driver

import (
	"time"

	"github.com/adhocore/gronx"

	"github.com/slipway-cd/slipway"
)

// A Schedule says when runs are due: the parameters schedule and timezone of a
// target. The zero Schedule is never due.
type Schedule struct {
	cron string
	zone *time.Location
}

// ScheduleOf reads the schedule of a target. What means nothing is an error of
// kind Invalid.
func ScheduleOf(t slipway.Target) (Schedule, error) {
	cron, ok := t.Run["schedule"].(string)
	if !ok || cron == "" {
		return Schedule{}, nil
	}
	if !gronx.IsValid(cron) {
		return Schedule{}, slipway.Errorf(slipway.Invalid, "run.schedule: %q is no cron expression", cron).
			WithFix(`write five fields (minute hour day month weekday), such as "0 3 * * *"`)
	}
	name, _ := t.Run["timezone"].(string)
	zone, err := time.LoadLocation(name)
	if err != nil {
		return Schedule{}, slipway.Errorf(slipway.Invalid, "run.timezone: %q is no time zone that this machine knows", name).
			WithFix("write a name such as Europe/Berlin, or leave it out for UTC")
	}
	return Schedule{cron, zone}, nil
}

// String is the cron expression; empty for no schedule.
func (s Schedule) String() string { return s.cron }

// Between returns when the schedule fires after the one time and up to and
// including the other, at most limit times; 0 means all.
func (s Schedule) Between(after, until time.Time, limit int) []time.Time {
	if s.cron == "" {
		return nil
	}
	var times []time.Time
	for at := after.In(s.zone); limit == 0 || len(times) < limit; {
		next, err := gronx.NextTickAfter(s.cron, at, false)
		if err != nil || next.After(until) {
			break // an expression may never fire again: the 30th of February
		}
		times = append(times, next)
		at = next
	}
	return times
}

// Next returns the next times the schedule fires after at, at most limit and
// within the next five years.
func (s Schedule) Next(at time.Time, limit int) []time.Time {
	return s.Between(at, at.AddDate(5, 0, 0), limit)
}
