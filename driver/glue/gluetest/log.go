package gluetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Stream says where a run's line goes: the log group below the run's, and the
// stream in it, with %s for the run.
type Stream string

// Streams of the driver, by what Glue writes to them.
const (
	Output      Stream = "output/%s"               // what it prints
	Stderr      Stream = "error/%s"                // what it prints to the standard error
	Driver      Stream = "logs-v2/%s-driver"       // its continuous log
	ProgressBar Stream = "logs-v2/%s-progress-bar" // its progress bar
)

// Executor is the continuous log of an executor.
func Executor(n int) Stream { return Stream("logs-v2/%s-" + strconv.Itoa(n)) }

type event struct {
	seq     int
	time    int64 // milliseconds
	arrived int64 // milliseconds
	message string
}

// Print writes a line of a run to its logs, at the fake's time. It says whether
// there is such a run.
func (f *Fake) Print(runID string, stream Stream, line string) bool {
	there := false
	f.change(func(w *world) {
		run := w.anyRun(runID)
		if run == nil {
			return
		}
		there = true
		below, name, _ := strings.Cut(fmt.Sprintf(string(stream), runID), "/")
		w.log(str(run, "LogGroupName")+"/"+below, name, line)
	})
	return there
}

// Log writes a line to any stream of any log group.
func (f *Fake) Log(group, stream, line string) {
	f.change(func(w *world) { w.log(group, stream, line) })
}

// Retain makes a log group keep its lines for so many days; older ones are gone.
// The group is there from then on, even without a line.
func (f *Fake) Retain(group string, days int) {
	f.change(func(w *world) {
		if w.logs[group] == nil {
			w.logs[group] = map[string][]event{}
		}
		w.retention[group] = days
	})
}

func (w *world) log(group, stream, line string) {
	if w.logs[group] == nil {
		w.logs[group] = map[string][]event{}
	}
	w.ids++
	at := w.now.UnixMilli()
	w.logs[group][stream] = append(w.logs[group][stream], event{seq: w.ids, time: at, arrived: at, message: line})
}

func badParameter(format string, args ...any) error {
	return refuse("InvalidParameterException", format, args...)
}

// group finds a log group by name, or by ARN.
func (w *world) group(in object) (map[string][]event, error) {
	name := str(in, "logGroupName")
	if id := str(in, "logGroupIdentifier"); id != "" {
		if name != "" {
			return nil, badParameter("Give logGroupName or logGroupIdentifier, not both")
		}
		name = strings.TrimSuffix(id[strings.LastIndex(id, ":")+1:], ":*")
	}
	streams := w.logs[name]
	if streams == nil {
		return nil, refuse("ResourceNotFoundException", "The specified log group does not exist.")
	}
	return w.kept(streams, w.retention[name]), nil
}

// kept are the streams with what has not grown too old; those without anything are gone.
func (w *world) kept(streams map[string][]event, days int) map[string][]event {
	if days == 0 {
		return streams
	}
	oldest := w.now.AddDate(0, 0, -days).UnixMilli()
	out := map[string][]event{}
	for name, events := range streams {
		from := slices.IndexFunc(events, func(e event) bool { return e.time >= oldest })
		if from >= 0 {
			out[name] = events[from:]
		}
	}
	return out
}

// limit is how many items an answer holds.
func (w *world) limit(in object, usual, most int) (int, error) {
	n := usual
	if has(in, "limit") {
		n = int(number(in, "limit"))
	}
	if n < 1 || n > most {
		return 0, badParameter("limit must be between 1 and %d", most)
	}
	if w.most > 0 {
		n = min(n, w.most)
	}
	return n, nil
}

// after drops what a former page has shown, by name, and cuts the next page.
func after(names []string, token string, most int) ([]string, string) {
	if at := slices.Index(names, token); at >= 0 {
		names = names[at+1:]
	}
	if len(names) <= most {
		return names, ""
	}
	return names[:most], names[most-1]
}

func (w *world) describeLogGroups(in object) (object, error) {
	most, err := w.limit(in, 50, 50)
	if err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(w.logs)), func(name string) bool {
		return !strings.HasPrefix(name, str(in, "logGroupNamePrefix")) || !strings.Contains(name, str(in, "logGroupNamePattern"))
	})
	names, next := after(names, str(in, "nextToken"), most)
	groups := []any{}
	for _, name := range names {
		id := "arn:aws:logs:" + Region + ":" + Account + ":log-group:" + name
		group := object{"logGroupName": name, "arn": id + ":*", "logGroupArn": id}
		if days := w.retention[name]; days > 0 {
			group["retentionInDays"] = days
		}
		groups = append(groups, group)
	}
	return withToken(object{"logGroups": groups}, next), nil
}

func withToken(out object, next string) object {
	if next != "" {
		out["nextToken"] = next
	}
	return out
}

func (w *world) describeLogStreams(in object) (object, error) {
	streams, err := w.group(in)
	if err != nil {
		return nil, err
	}
	most, err := w.limit(in, 50, 50)
	if err != nil {
		return nil, err
	}
	byTime := str(in, "orderBy") == "LastEventTime"
	if byTime && has(in, "logStreamNamePrefix") {
		return nil, badParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	names := withPrefix(streams, str(in, "logStreamNamePrefix"))
	if byTime {
		slices.SortStableFunc(names, func(a, b string) int {
			return cmp.Compare(streams[a][len(streams[a])-1].time, streams[b][len(streams[b])-1].time)
		})
	}
	if flag(in, "descending") {
		slices.Reverse(names)
	}
	names, next := after(names, str(in, "nextToken"), most)
	out := []any{}
	for _, name := range names {
		events := streams[name]
		out = append(out, object{
			"logStreamName": name, "creationTime": events[0].arrived, "firstEventTimestamp": events[0].time,
			"lastEventTimestamp": events[len(events)-1].time, "lastIngestionTime": events[len(events)-1].arrived,
		})
	}
	return withToken(object{"logStreams": out}, next), nil
}

func withPrefix(streams map[string][]event, prefix string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(streams)), func(name string) bool {
		return !strings.HasPrefix(name, prefix)
	})
}

// getLogEvents reads on from a token. At the end of the stream it answers the same
// token again, which reads what comes later.
func (w *world) getLogEvents(in object) (object, error) {
	streams, err := w.group(in)
	if err != nil {
		return nil, err
	}
	events, ok := streams[str(in, "logStreamName")]
	if !ok {
		return nil, refuse("ResourceNotFoundException", "The specified log stream does not exist.")
	}
	most, err := w.limit(in, 10000, 10000)
	if err != nil {
		return nil, err
	}
	from, to, err := span(in, len(events), most)
	if err != nil {
		return nil, err
	}
	shown := []any{}
	for _, e := range events[from:to] {
		if within(e, in) {
			shown = append(shown, object{"timestamp": e.time, "ingestionTime": e.arrived, "message": e.message})
		}
	}
	return object{
		"events":            shown,
		"nextForwardToken":  fmt.Sprintf("f/%056d/s", to),
		"nextBackwardToken": fmt.Sprintf("b/%056d/s", from),
	}, nil
}

// span is the part of a stream that a token, or its absence, asks for.
func span(in object, length, most int) (from, to int, err error) {
	token := str(in, "nextToken")
	if token == "" {
		if flag(in, "startFromHead") {
			return 0, min(length, most), nil
		}
		return max(0, length-most), length, nil
	}
	var way rune
	var at int
	if n, err := fmt.Sscanf(token, "%c/%d/s", &way, &at); n != 2 || err != nil || at < 0 || at > length {
		return 0, 0, badParameter("The specified nextToken is invalid.")
	}
	if way == 'b' {
		return max(0, at-most), at, nil
	}
	return at, min(length, at+most), nil
}

func within(e event, in object) bool {
	return (!has(in, "startTime") || e.time >= int64(number(in, "startTime"))) &&
		(!has(in, "endTime") || e.time < int64(number(in, "endTime")))
}
