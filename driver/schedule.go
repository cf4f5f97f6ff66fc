package driver

import (
	"slices"
	"strings"
	"time"

	"github.com/adhocore/gronx"

	"github.com/slipway-cd/slipway"
)

// A Schedule says when runs are due: the parameters schedule, timezone and paused
// of a target. The zero Schedule is never due.
type Schedule struct {
	text   string // as the manifest has it
	cron   string // as gronx reads it
	zone   *time.Location
	paused bool
}

// ScheduleOf reads the schedule of a target: five fields, or six in the notation of
// AWS, cron(0 3 * * ? *). What means nothing is an error of kind Invalid.
func ScheduleOf(t slipway.Target) (Schedule, error) {
	text, ok := t.Run["schedule"].(string)
	if !ok || text == "" {
		return Schedule{}, nil
	}
	cron, err := readCron(text)
	if err != nil {
		return Schedule{}, err
	}
	name, _ := t.Run["timezone"].(string)
	zone, err := time.LoadLocation(name)
	if err != nil {
		return Schedule{}, slipway.Errorf(slipway.Invalid, "run.timezone: %q is no time zone that this machine knows", name).
			WithFix("write a name such as Europe/Berlin, or leave it out for UTC")
	}
	if strings.HasPrefix(text, "cron(") && zone.String() != time.UTC.String() {
		return Schedule{}, slipway.Errorf(slipway.Invalid, "run.schedule: %s is in UTC by its nature, and run.timezone says %s", text, name).
			WithFix("write five fields, which have a time zone, or leave out the time zone")
	}
	paused, _ := t.Run["paused"].(bool)
	return Schedule{text, cron, zone, paused}, nil
}

// readCron returns an expression as gronx reads it.
func readCron(text string) (string, error) {
	inner, aws := strings.CutPrefix(text, "cron(")
	if !aws {
		if !gronx.IsValid(text) {
			return "", badCron(text)
		}
		return text, nil
	}
	inner, closed := strings.CutSuffix(inner, ")")
	fields := strings.Fields(inner)
	if !closed || len(fields) != 6 || (fields[2] == "?") == (fields[4] == "?") {
		return "", badCron(text)
	}
	weekday, ok := fromAWSWeekday(fields[4])
	fields[4] = weekday
	cron := "0 " + strings.Join(fields, " ")
	if !ok || !gronx.IsValid(cron) {
		return "", badCron(text)
	}
	return cron, nil
}

func badCron(text string) error {
	err := slipway.Errorf(slipway.Invalid, "run.schedule: %q is no cron expression", text)
	if strings.HasPrefix(text, "cron(") {
		return err.WithFix("write six fields as AWS has them, with a ? as the day or as the weekday, such as cron(0 3 * * ? *); or five fields, such as \"0 3 * * *\"")
	}
	return err.WithFix(`write five fields (minute hour day month weekday), such as "0 3 * * *"`)
}

// fromAWSWeekday gives the weekdays of AWS, where Sunday is 1, the numbers that they
// have in five fields, where it is 0.
func fromAWSWeekday(field string) (string, bool) {
	if field == "L" {
		return "6", true
	}
	var out strings.Builder
	step := false
	for _, r := range field {
		switch {
		case r == '/':
			step = true
		case r == ',':
			step = false
		case r >= '1' && r <= '7' && !step:
			r--
		case (r == '0' || r == '8' || r == '9') && !step, r == '#':
			return "", false
		}
		out.WriteRune(r)
	}
	return out.String(), true
}

// String is the expression as the manifest has it; empty for no schedule.
func (s Schedule) String() string { return s.text }

// Zone is the time zone in which the expression is meant.
func (s Schedule) Zone() *time.Location {
	if s.zone == nil {
		return time.UTC
	}
	return s.zone
}

// Paused reports whether the schedule starts no runs for now.
func (s Schedule) Paused() bool { return s.paused }

// Running is the schedule as if it were not paused.
func (s Schedule) Running() Schedule {
	s.paused = false
	return s
}

// Between returns when the schedule fires after the one time and up to and
// including the other, at most limit times; 0 means all. A paused one never does.
func (s Schedule) Between(after, until time.Time, limit int) []time.Time {
	if s.cron == "" || s.paused {
		return nil
	}
	var times []time.Time
	for at := after.In(s.zone); limit == 0 || len(times) < limit; {
		next, err := gronx.NextTickAfter(s.cron, at, false)
		if err != nil || next.After(until) || !next.After(at) {
			break // an expression may never fire again: the 30th of February, a year that is over
		}
		times = append(times, next)
		at = next
	}
	return times
}

// shown is how many times a plan names.
const shown = 5

// NextOf are the next times that the schedule of a plan's target fires, if the plan
// adds it or changes it. A schedule that nobody can read, or that is paused, never does.
func NextOf(p slipway.Plan, now time.Time) []time.Time {
	touched := func(c slipway.Change) bool {
		return c.Field == "run.schedule" || c.Field == "run.timezone" || c.Field == "run.paused"
	}
	if !slices.ContainsFunc(p.Changes, touched) {
		return nil
	}
	s, err := ScheduleOf(p.Target)
	if err != nil {
		return nil
	}
	return s.Next(now, shown)
}

// Next returns the next times the schedule fires after at, at most limit and
// within the next five years.
func (s Schedule) Next(at time.Time, limit int) []time.Time {
	return s.Between(at, at.AddDate(5, 0, 0), limit)
}
