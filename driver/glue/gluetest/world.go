package gluetest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// A world is everything that the fake remembers.
type world struct {
	now         time.Time
	ids         int
	most        int
	jobs        map[string]object
	runs        map[string][]object // of a job, oldest first
	triggers    map[string]object
	connections map[string]object
	tags        map[string]object // by ARN
	logs        map[string]map[string][]event
	retention   map[string]int // days, by log group
	progress    []types.JobRunState
	ahead       map[string][]types.JobRunState // states to come, by run
}

func newWorld() *world {
	return &world{
		jobs:        map[string]object{},
		runs:        map[string][]object{},
		triggers:    map[string]object{},
		connections: map[string]object{},
		tags:        map[string]object{},
		logs:        map[string]map[string][]event{},
		retention:   map[string]int{},
		ahead:       map[string][]types.JobRunState{},
	}
}

// clone copies what reads that lag behind are answered from.
func (w *world) clone() *world {
	old := *w
	old.jobs = cloneAll(w.jobs)
	old.triggers = cloneAll(w.triggers)
	old.connections = cloneAll(w.connections)
	old.tags = cloneAll(w.tags)
	old.runs = map[string][]object{}
	for job, runs := range w.runs {
		for _, run := range runs {
			old.runs[job] = append(old.runs[job], clone(run))
		}
	}
	return &old
}

func cloneAll(all map[string]object) map[string]object {
	out := make(map[string]object, len(all))
	for key, o := range all {
		out[key] = clone(o)
	}
	return out
}

// id is a new name for a thing, in hex.
func (w *world) id() string {
	w.ids++
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, w.ids)))
}

func arn(kind, name string) string {
	return "arn:aws:glue:" + Region + ":" + Account + ":" + kind + "/" + name
}

// An operation is a call of the API. It changes nothing where it answers an error.
type operation struct {
	service string
	writes  bool
	do      func(*world, object) (object, error)
}

//nolint:gochecknoglobals // an immutable table
var operations = map[string]operation{
	"CreateJob":    {"AWSGlue", true, (*world).createJob},
	"UpdateJob":    {"AWSGlue", true, (*world).updateJob},
	"DeleteJob":    {"AWSGlue", true, (*world).deleteJob},
	"GetJob":       {"AWSGlue", false, (*world).getJob},
	"GetJobs":      {"AWSGlue", false, (*world).getJobs},
	"ListJobs":     {"AWSGlue", false, (*world).listJobs},
	"BatchGetJobs": {"AWSGlue", false, (*world).batchGetJobs},

	"StartJobRun":     {"AWSGlue", true, (*world).startJobRun},
	"BatchStopJobRun": {"AWSGlue", true, (*world).batchStopJobRun},
	"GetJobRun":       {"AWSGlue", false, (*world).getJobRun},
	"GetJobRuns":      {"AWSGlue", false, (*world).getJobRuns},

	"CreateTrigger": {"AWSGlue", true, (*world).createTrigger},
	"UpdateTrigger": {"AWSGlue", true, (*world).updateTrigger},
	"DeleteTrigger": {"AWSGlue", true, (*world).deleteTrigger},
	"StartTrigger":  {"AWSGlue", true, (*world).startTrigger},
	"StopTrigger":   {"AWSGlue", true, (*world).stopTrigger},
	"GetTrigger":    {"AWSGlue", false, (*world).getTrigger},
	"GetTriggers":   {"AWSGlue", false, (*world).getTriggers},
	"ListTriggers":  {"AWSGlue", false, (*world).listTriggers},

	"TagResource":   {"AWSGlue", true, (*world).tagResource},
	"UntagResource": {"AWSGlue", true, (*world).untagResource},
	"GetTags":       {"AWSGlue", false, (*world).getTags},

	"CreateConnection": {"AWSGlue", true, (*world).createConnection},
	"DeleteConnection": {"AWSGlue", true, (*world).deleteConnection},
	"GetConnection":    {"AWSGlue", false, (*world).getConnection},
	"GetConnections":   {"AWSGlue", false, (*world).getConnections},

	"DescribeLogGroups":  {"Logs_20140328", false, (*world).describeLogGroups},
	"DescribeLogStreams": {"Logs_20140328", false, (*world).describeLogStreams},
	"GetLogEvents":       {"Logs_20140328", false, (*world).getLogEvents},
	"FilterLogEvents":    {"Logs_20140328", false, (*world).filterLogEvents},
}

// A past is the world before an effect, and how often each operation has read since.
type past struct {
	world *world
	reads map[string]int
}

// act lets an operation act in the world, or read it as late as Lag says.
func (f *Fake) act(name string, input object, late bool) (object, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.world.now = f.now()
	op := operations[name]
	if !op.writes {
		f.world.pass(name, input)
		output, err := op.do(f.view(name, late), input)
		return clone(output), err
	}
	var before *world
	if len(f.lags) > 0 {
		before = f.world.clone()
	}
	output, err := op.do(f.world, clone(input))
	if err == nil && before != nil {
		f.past = append(f.past, past{world: before, reads: map[string]int{}})
	}
	return clone(output), err
}

// view is the world as an operation sees it: as it was before the oldest effect
// that has not reached it.
func (f *Fake) view(op string, late bool) *world {
	seen := f.world
	if !late {
		return seen
	}
	for i, p := range slices.Backward(f.past) {
		if p.reads[op] < f.lags[op] {
			f.past[i].reads[op]++
			seen = p.world
		}
	}
	seen.now, seen.most = f.world.now, f.world.most
	return seen
}

// page takes one page of a list, as NextToken and MaxResults say. The key names an
// item for good, so that the next page begins where this one ended even if
// something was added in between.
func (w *world) page(in object, items []object, most int, key string) ([]object, string, error) {
	if has(in, "MaxResults") {
		n := int(number(in, "MaxResults"))
		if n < 1 || n > most {
			return nil, "", invalid("MaxResults must be between 1 and %d", most)
		}
		most = n
	}
	if w.most > 0 {
		most = min(most, w.most)
	}
	if token := str(in, "NextToken"); token != "" {
		after, err := base64.URLEncoding.DecodeString(token)
		at := slices.IndexFunc(items, func(o object) bool { return str(o, key) == string(after) })
		if err != nil || at < 0 {
			return nil, "", invalid("Invalid NextToken")
		}
		items = items[at+1:]
	}
	if len(items) <= most {
		return items, "", nil
	}
	return items[:most], base64.URLEncoding.EncodeToString([]byte(str(items[most-1], key))), nil
}

// answerPage is a page as an answer.
func (w *world) answerPage(in object, items []object, most int, key, member string) (object, error) {
	part, next, err := w.page(in, items, most, key)
	if err != nil {
		return nil, err
	}
	out := object{member: anyList(part)}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// answerNames is a page of names as an answer: of things with these tags.
func (w *world) answerNames(in object, kind string, items []object, most int, member string) (object, error) {
	items = slices.DeleteFunc(items, func(o object) bool {
		tags := w.tags[arn(kind, str(o, "Name"))]
		for key, value := range sub(in, "Tags") {
			if tags[key] != value {
				return true
			}
		}
		return false
	})
	out, err := w.answerPage(in, items, most, "Name", member)
	if err != nil {
		return nil, err
	}
	names := list(out, member)
	for i, item := range names {
		o, _ := item.(object)
		names[i] = str(o, "Name")
	}
	return out, nil
}

func anyList(items []object) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

// sorted are the things of a map by name.
func sorted(all map[string]object) []object {
	var out []object
	for _, name := range slices.SortedFunc(maps.Keys(all), strings.Compare) {
		out = append(out, all[name])
	}
	return out
}
