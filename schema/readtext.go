package schema

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// text reads the kinds that are written as text.
func (r *reader) text(n *node, t *Type, path string) *Value {
	if m := n.meaning(); m != isText {
		suggestion := ""
		if m != isNull && r.fits(n.text, t) {
			suggestion = strconv.Quote(n.text)
		}
		r.wrong(n, path, t, "is "+n.what(), suggestion)
		return nil
	}
	if why := r.objection(n.text, t); why != "" {
		r.wrong(n, path, t, "is "+n.what()+why, t.nearestValue(n.text))
	}
	return r.made(n, t.Kind)
}

func (t *Type) nearestValue(text string) string {
	if right := Nearest(text, t.Enum); right != "" {
		return strconv.Quote(right)
	}
	return ""
}

func (r *reader) fits(text string, t *Type) bool { return r.objection(text, t) == "" }

// matches reports whether a key is text of the type.
func (r *reader) matches(key string, t *Type) bool { return r.fits(key, t) }

// objection says why text is not a value of the type: " " and a reason, or ","
// and a clause; empty if it is one.
func (r *reader) objection(text string, t *Type) string {
	switch t.Kind {
	case String:
		return r.objectToString(text, t)
	case Duration:
		return r.objectToDuration(text, t)
	case Size:
		if n, err := ParseSize(text); err != nil || !r.regexp(sizePattern).MatchString(text) || !r.within(float64(n), t) {
			return ", which does not fit"
		}
	case Cron:
		if err := checkCron(text); err != nil {
			return ", which " + err.Error()
		}
	case Schedule:
		if err := checkSchedule(text); err != nil {
			return ", which " + err.Error()
		}
	case Timezone:
		if _, err := time.LoadLocation(text); err != nil || text == "Local" || !r.regexp(timezonePattern).MatchString(text) {
			return ", which is no time zone"
		}
	case Date:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return ", which is not a date"
		}
	case Path:
		if err := checkPath(text); err != nil {
			return ", which " + err.Error()
		}
	case Folder:
		if text == "" {
			return ", which names no folder"
		}
	case URL:
		if !r.regexp(urlPattern).MatchString(text) {
			return ", which is not a URL"
		}
	default:
	}
	return ""
}

func (r *reader) objectToString(text string, t *Type) string {
	switch {
	case len(t.Enum) > 0 && !slices.Contains(t.Enum, text):
		return ", which is not allowed here"
	case t.Pattern != "" && !r.regexp(t.Pattern).MatchString(text):
		return ", which does not fit"
	case !r.within(float64(len([]rune(text))), t):
		return fmt.Sprintf(", which has %d characters", len([]rune(text)))
	default:
		return ""
	}
}

func (r *reader) objectToDuration(text string, t *Type) string {
	d, err := ParseDuration(text)
	switch {
	case errors.Is(err, errTooLong):
		return ", which is " + err.Error()
	case err != nil:
		return ", which is not a duration"
	case !r.within(d.Seconds(), t):
		return ", which is out of bounds"
	default:
		return ""
	}
}

func (r *reader) regexp(pattern string) *regexp.Regexp {
	if r.patterns == nil {
		r.patterns = map[string]*regexp.Regexp{}
	}
	re, ok := r.patterns[pattern]
	if !ok {
		re = regexp.MustCompile(pattern)
		r.patterns[pattern] = re
	}
	return re
}
