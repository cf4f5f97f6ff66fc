package schema

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// The patterns hold in the reader and in the JSON Schema alike.
const (
	durationPattern = `^([0-9]{1,7}d)?([0-9]{1,7}h)?([0-9]{1,7}m)?([0-9]{1,7}s)?([0-9]{1,7}ms)?$`
	sizePattern     = `^[0-9]{1,9}(\.[0-9]{1,3})?(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`
	cronPattern     = `^\S+( +\S+){4}$`
	awsCronPattern  = `^cron\( *[0-9*,/-]+ +[0-9*,/-]+ +[0-9*?,/LW-]+ +[0-9A-Za-z*,/-]+ +[0-9A-Za-z*?,/-]+ +[0-9*,/-]+ *\)$`
	schedulePattern = `(` + cronPattern + `)|(` + awsCronPattern + `)`
	timezonePattern = `^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`
	datePattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	pathSegment     = `([^/.\\][^/\\]*|\.[^/.\\][^/\\]*|\.\.[^/\\]+|\.)`
	pathPattern     = `^` + pathSegment + `(/` + pathSegment + `)*/?$`
	urlPattern      = `^[a-z][a-z0-9+.-]*://[^\s]+$`
	secretPattern   = `^[A-Za-z0-9][A-Za-z0-9_./+=@:-]*$`
)

// maxDuration keeps sums of durations far from the end of time.Duration.
const maxDuration = 10 * 366 * 24 * time.Hour

// errTooLong is the complaint about a duration beyond maxDuration.
var errTooLong = errors.New("longer than ten years")

// ParseDuration reads a duration such as 2h30m: days, hours, minutes, seconds
// and milliseconds, in this order.
func ParseDuration(text string) (time.Duration, error) {
	units := []struct {
		name string
		unit time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}
	var total time.Duration
	rest, next := text, 0
	for rest != "" {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		rest = rest[len(digits):]
		name := rest[:len(rest)-len(strings.TrimLeft(rest, "dhms"))]
		rest = rest[len(name):]
		for next < len(units) && units[next].name != name {
			next++
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || next == len(units) || len(digits) > 7 {
			return 0, fmt.Errorf("%q is not a duration", text)
		}
		if n > int64(maxDuration/units[next].unit) {
			return 0, errTooLong
		}
		total += time.Duration(n) * units[next].unit
		next++
	}
	switch {
	case text == "":
		return 0, errors.New("empty")
	case total > maxDuration:
		return 0, errTooLong
	}
	return total, nil
}

// FormatDuration writes a duration in its shortest form, such as 2h30m.
func FormatDuration(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.unit
		}
	}
	return b.String()
}

// ParseSize reads a size such as 20GB (powers of 1000) or 512MiB (of 1024) as a
// number of bytes.
func ParseSize(text string) (int64, error) {
	number := text[:len(text)-len(strings.TrimLeft(text, "0123456789."))]
	unit, ok := sizeUnits()[text[len(number):]]
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || n*unit > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	return int64(math.Round(n * unit)), nil
}

func sizeUnits() map[string]float64 {
	return map[string]float64{
		"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}
}

// FormatSize writes a number of bytes in its shortest exact form.
func FormatSize(bytes int64) string {
	units := sizeUnits()
	for _, name := range []string{"TB", "TiB", "GB", "GiB", "MB", "MiB", "KB", "KiB"} {
		if unit := int64(units[name]); bytes >= unit && bytes%unit == 0 {
			return strconv.FormatInt(bytes/unit, 10) + name
		}
	}
	return strconv.FormatInt(bytes, 10) + "B"
}

// checkCron says what is wrong with a cron expression.
func checkCron(text string) error {
	fields := strings.Fields(text)
	switch {
	case strings.HasPrefix(text, "cron(") || strings.HasPrefix(text, "rate("):
		return errors.New("is in AWS notation")
	case len(fields) == 1:
		return errors.New("has one field")
	case len(fields) != 5:
		return fmt.Errorf("has %d fields", len(fields))
	case !gronx.IsValid(strings.Join(fields, " ")):
		return errors.New("is not a cron expression")
	}
	return nil
}

// checkSchedule says what is wrong with a cron expression of either form.
func checkSchedule(text string) error {
	inner, ok := strings.CutPrefix(text, "cron(")
	if !ok {
		return checkCron(text)
	}
	fields := strings.Fields(strings.TrimSuffix(inner, ")"))
	switch {
	case len(fields) != 6:
		return fmt.Errorf("has %d fields in its parentheses, not six", len(fields))
	case (fields[2] == "?") == (fields[4] == "?"):
		return errors.New("needs a ? as its day or as its weekday, and not as both")
	}
	fields[4] = strings.NewReplacer("?", "*", "L", "").Replace(fields[4]) // weekdays have other numbers there
	if !regexp.MustCompile(awsCronPattern).MatchString(text) || !gronx.IsValid("0 "+strings.Join(fields, " ")) {
		return errors.New("is not a cron expression")
	}
	return nil
}

// checkPath says what is wrong with a path that must stay inside its folder.
func checkPath(text string) error {
	switch {
	case text == "":
		return errors.New("is empty")
	case strings.HasPrefix(text, "/"):
		return errors.New("is absolute")
	case strings.Contains(text, `\`):
		return errors.New(`holds a \; folders are separated by /`)
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(text, "/"), "/") {
		switch segment {
		case "..":
			return errors.New("leads out of its folder")
		case "":
			return errors.New("holds an empty folder name")
		}
	}
	return nil
}
