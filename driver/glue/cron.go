package glue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// Glue's triggers have a notation of their own, cron(0 3 * * ? *): six fields, of
// which the day or the weekday is a question mark; Sunday is 1; and the clock is
// that of UTC.

// tightest is how close two runs may be: Glue refuses what is faster.
const tightest = 5 * time.Minute

// someDay is a day from which schedules are looked at where any day does.
//
//nolint:gochecknoglobals // immutable
var someDay = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// glueCron says a schedule in Glue's notation; empty for none.
func glueCron(s driver.Schedule) (string, error) {
	text := strings.Join(strings.Fields(s.String()), " ")
	if text == "" {
		return "", nil
	}
	if err := checkPace(s); err != nil {
		return "", err
	}
	if strings.HasPrefix(text, "cron(") {
		return text, nil
	}
	f := strings.Fields(strings.ToUpper(text))
	if len(f) != 5 {
		return "", slipway.Errorf(slipway.Invalid, "run.schedule: %q has %d fields, not five", text, len(f)).
			WithFix(`write minute, hour, day, month and weekday, such as "0 3 * * *"`)
	}
	if f[2] != "*" && f[4] != "*" {
		return "", slipway.Errorf(slipway.Invalid, "run.schedule: %q names days of the month and days of the week, and AWS Glue takes one of them", text).
			WithFix("write * as one of the two, or make an app for each")
	}
	if strings.Contains(f[4], "#") {
		return "", slipway.Errorf(slipway.Invalid, "run.schedule: AWS Glue does not know %s, a certain weekday of the month", f[4]).
			WithFix("write days of the month, such as 1-7, and let the script look at the weekday")
	}
	f, err := inUTC(f, s)
	if err != nil {
		return "", err
	}
	return "cron(" + strings.Join(sixFields(f), " ") + ")", nil
}

// checkPace refuses a schedule whose runs come closer than Glue allows.
func checkPace(s driver.Schedule) error {
	at := someDay
	for range 300 {
		next := s.Running().Next(at, 1)
		if len(next) == 0 {
			return nil
		}
		if at != someDay && next[0].Sub(at) < tightest {
			return slipway.Errorf(slipway.Invalid, "run.schedule: %s starts runs %s apart, and AWS Glue takes none that are closer than five minutes", s, slipway.DurationText(next[0].Sub(at))).
				WithFix(`write "*/5 * * * *", or a job of type gluestreaming`)
		}
		at = next[0]
	}
	return nil
}

// sixFields turns five fields, in UTC, into those of Glue.
func sixFields(f []string) []string {
	minute, hour, day, month, weekday := steps(f[0], "0"), steps(f[1], "0"), steps(f[2], "1"), steps(f[3], "1"), f[4]
	switch {
	case weekday != "*":
		day, weekday = "?", renumber(weekday)
	default:
		weekday = "?"
	}
	return []string{minute, hour, day, month, weekday, "*"}
}

// steps writes */5 as 0/5.
func steps(field, first string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		if step, ok := strings.CutPrefix(part, "*/"); ok {
			parts[i] = first + "/" + step
		}
	}
	return strings.Join(parts, ",")
}

//nolint:gochecknoglobals // an immutable table
var weekdays = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

var lastWeekday = regexp.MustCompile(`^(\w+)L$`)

// renumber gives weekdays the numbers of Glue, as few ranges as they need.
func renumber(field string) string {
	if m := lastWeekday.FindStringSubmatch(field); m != nil {
		return strconv.Itoa(weekdayNumber(m[1])+1) + "L"
	}
	if field == "L" {
		return "7" // Saturday, in both
	}
	return ranges(weekdaySet(field))
}

func weekdayNumber(text string) int {
	if i := slices.Index(weekdays, text); i >= 0 {
		return i
	}
	n, _ := strconv.Atoi(text)
	return n % 7
}

// weekdaySet is which days, Sunday first, a field of weekdays names.
func weekdaySet(field string) (on [7]bool) {
	for part := range strings.SplitSeq(field, ",") {
		part, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			step, _ = strconv.Atoi(stepText)
		}
		from, to := weekdaySpan(part, stepped)
		for day := from; day <= to; day += max(step, 1) {
			on[day%7] = true
		}
	}
	return on
}

func weekdaySpan(part string, open bool) (from, to int) {
	first, last, isRange := strings.Cut(part, "-")
	switch {
	case part == "*":
		return 0, 6
	case isRange:
		from, to = weekdayNumber(first), weekdayNumber(last)
		if to < from || last == "7" {
			to += 7 // up to Sunday, the seventh
		}
		return from, to
	case open:
		return weekdayNumber(first), 6
	}
	return weekdayNumber(first), weekdayNumber(first)
}

func ranges(on [7]bool) string {
	var out []string
	for day := 0; day < 7; day++ {
		if !on[day] {
			continue
		}
		end := day
		for end+1 < 7 && on[end+1] {
			end++
		}
		switch end - day {
		case 0:
			out = append(out, strconv.Itoa(day+1))
		case 1:
			out = append(out, strconv.Itoa(day+1), strconv.Itoa(end+1))
		default:
			out = append(out, fmt.Sprintf("%d-%d", day+1, end+1))
		}
		day = end
	}
	return strings.Join(out, ",")
}

// inUTC moves five fields from the schedule's zone to UTC, where that can be said.
func inUTC(f []string, s driver.Schedule) ([]string, error) {
	zone := s.Zone()
	offset, fixed := fixedOffset(zone)
	if !fixed {
		example := ""
		if next := s.Running().Next(someDay.AddDate(0, 6, 0), 1); len(next) > 0 && !strings.ContainsAny(f[0]+f[1], "*,-/") {
			winter := s.Running().Next(someDay, 1)[0].UTC()
			summer := next[0].UTC()
			example = fmt.Sprintf(": %02d:%02d in winter is %02d:%02d in UTC, in summer %02d:%02d", number2(f[1]), number2(f[0]), winter.Hour(), winter.Minute(), summer.Hour(), summer.Minute())
		}
		return nil, slipway.Errorf(slipway.Invalid, "run.timezone: AWS Glue knows the time of UTC alone, and the clocks of %s change%s", zone, example).
			WithFix("write run.schedule in UTC, and leave run.timezone out")
	}
	if offset == 0 {
		return f, nil
	}
	moved, ok := shift(f, -offset)
	if !ok {
		return nil, slipway.Errorf(slipway.Invalid, "run.schedule: %q in %s cannot be said in UTC, which is all that AWS Glue knows", s, zone).
			WithFix("write run.schedule in UTC, and leave run.timezone out")
	}
	return moved, nil
}

func number2(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// fixedOffset is how far a zone's clocks are ahead of UTC, if they never change
// within the next years.
func fixedOffset(zone *time.Location) (time.Duration, bool) {
	_, offset := someDay.In(zone).Zone()
	for day := range 5 * 366 {
		if _, other := someDay.AddDate(0, 0, day).In(zone).Zone(); other != offset {
			return 0, false
		}
	}
	return time.Duration(offset) * time.Second, true
}

// shift moves minutes and hours by a duration, and weekdays where all of them go
// past midnight.
func shift(f []string, by time.Duration) ([]string, bool) {
	minutes, ok1 := expand(f[0], 60)
	hours, ok2 := expand(f[1], 24)
	if !ok1 || !ok2 {
		return nil, false
	}
	if f[1] == "*" && by%time.Hour == 0 {
		return f, f[2] == "*" && f[3] == "*" && f[4] == "*"
	}
	var newMinutes, newHours []int
	days, pairs := map[int]bool{}, map[[2]int]bool{}
	for _, h := range hours {
		for _, m := range minutes {
			at := h*60 + m + int(by/time.Minute)
			day := (at+2*1440)/1440 - 2
			at -= day * 1440
			days[day], pairs[[2]int{at / 60, at % 60}] = true, true
			newHours, newMinutes = append(newHours, at/60), append(newMinutes, at%60)
		}
	}
	slices.Sort(newHours)
	slices.Sort(newMinutes)
	newHours, newMinutes = slices.Compact(newHours), slices.Compact(newMinutes)
	everyDay := f[2] == "*" && f[3] == "*" && f[4] == "*"
	if len(pairs) != len(newHours)*len(newMinutes) || len(days) > 1 && !everyDay {
		return nil, false
	}
	out := []string{join(newMinutes), join(newHours), f[2], f[3], f[4]}
	if days[0] || everyDay {
		return out, true
	}
	if f[2] != "*" || f[3] != "*" || strings.Contains(f[4], "L") {
		return nil, false // the day before the first is in another month
	}
	out[4] = moveWeekdays(f[4], days[1])
	return out, true
}

// moveWeekdays names the days after, or before, those of a field.
func moveWeekdays(field string, after bool) string {
	var out []string
	for day, on := range weekdaySet(field) {
		switch {
		case on && after:
			out = append(out, strconv.Itoa((day+1)%7))
		case on:
			out = append(out, strconv.Itoa((day+6)%7))
		}
	}
	return strings.Join(out, ",")
}

func join(numbers []int) string {
	out := make([]string, len(numbers))
	for i, n := range numbers {
		out[i] = strconv.Itoa(n)
	}
	return strings.Join(out, ",")
}

// expand lists the values of a field that has only numbers.
func expand(field string, limit int) ([]int, bool) {
	on := make([]bool, limit)
	for part := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		first, last, isRange := strings.Cut(span, "-")
		step, from, to := 1, 0, limit-1
		var err1, err2, err3 error
		if stepped {
			step, err1 = strconv.Atoi(stepText)
		}
		if span != "*" {
			from, err2 = strconv.Atoi(first)
			switch {
			case isRange:
				to, err3 = strconv.Atoi(last)
			case !stepped:
				to = from
			}
		}
		if err1 != nil || err2 != nil || err3 != nil || step < 1 || from < 0 || to >= limit {
			return nil, false
		}
		for n := from; n <= to; n += step {
			on[n] = true
		}
	}
	var out []int
	for n, set := range on {
		if set {
			out = append(out, n)
		}
	}
	return out, true
}
