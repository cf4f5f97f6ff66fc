package glue

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A definition is what Glue has of a job: the Job itself, the trigger of its
// schedule, and its tags.
type definition struct {
	Job     map[string]any    `json:"job,omitempty"`     // as in JobUpdate; nil: there is no job
	Trigger map[string]any    `json:"trigger,omitempty"` // nil: there is none
	Tags    map[string]string `json:"tags,omitempty"`
}

// cells are a definition, spread out: "Role", "Command.Name", "DefaultArguments.--x",
// "trigger.Schedule", "tags.team". They are what is compared, kept and changed.
type cells map[string]any

// The groups of cells that are no members of the job.
const (
	triggerCells = "trigger."
	tagCells     = "tags."
	ownTags      = tagCells + "slipway:"
)

// The tags that mark a job as Slipway's.
const (
	tagApp         = "slipway:app"
	tagEnvironment = "slipway:environment"
	tagVersion     = "slipway:version"
	tagCommit      = "slipway:commit"
)

func (d definition) cells() cells {
	out := cells{}
	for name, v := range d.Job {
		inner, ok := v.(map[string]any)
		if !ok || !spreadMembers[name] {
			out.put(name, v)
			continue
		}
		for key, v := range inner {
			out.put(name+"."+key, v)
		}
	}
	for name, v := range d.Trigger {
		out.put(triggerCells+name, v)
	}
	for key, v := range d.Tags {
		out[tagCells+key] = v
	}
	return out
}

func (c cells) put(name string, v any) {
	if v != nil {
		c[name] = v
	}
}

// definition gathers what cells spreads.
func (c cells) definition() definition {
	d := definition{Job: map[string]any{}}
	for name, v := range c {
		group, key, inner := strings.Cut(name, ".")
		switch {
		case strings.HasPrefix(name, triggerCells):
			d.Trigger = set(d.Trigger, key, v)
		case strings.HasPrefix(name, tagCells):
			d.Tags = setTag(d.Tags, key, v)
		case inner && spreadMembers[group]:
			m, _ := d.Job[group].(map[string]any)
			d.Job[group] = set(m, key, v)
		default:
			d.Job[name] = v
		}
	}
	return d
}

func set(m map[string]any, key string, v any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	m[key] = v
	return m
}

func setTag(m map[string]string, key string, v any) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[key], _ = v.(string)
	return m
}

// union gives the names of the cells of all, in order.
func union(all ...cells) []string {
	names := map[string]bool{}
	for _, c := range all {
		for name := range c {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// foreign reports whether a cell is a tag that is not Slipway's by its name.
func foreignTag(name string) bool {
	return strings.HasPrefix(name, tagCells) && !strings.HasPrefix(name, ownTags)
}

// fingerprint names what is there; the tags of others make no difference.
func (c cells) fingerprint() string {
	own := cells{}
	for name, v := range c {
		if !foreignTag(name) {
			own[name] = plain(v)
		}
	}
	data, err := json.Marshal(own)
	if err != nil {
		panic(err) // cells come out of JSON
	}
	return slipway.DigestOf(data).Hex()[:20]
}

// equal reports whether a cell has one value in both. A role is the same by its name
// and by its ARN.
func equal(name string, a, b any) bool {
	if name == "Role" {
		x, _ := a.(string)
		y, _ := b.(string)
		if strings.HasPrefix(x, "arn:") != strings.HasPrefix(y, "arn:") {
			return roleName(x) == roleName(y)
		}
	}
	x, errX := json.Marshal(plain(a))
	y, errY := json.Marshal(plain(b))
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// roleName is a role's name without what an ARN has before it.
func roleName(role string) string { return role[strings.LastIndex(role, "/")+1:] }

// plain writes numbers in one way: 2 and 2.0 are one.
func plain(v any) any {
	switch v := v.(type) {
	case number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(string(v), ".eE") {
			return f
		}
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = plain(item)
		}
		return out
	}
	return v
}

// filled reports whether Glue gives the cell that value by itself in such a job.
func filled(name string, v any, job cells) bool {
	fill := model[name].fill
	return fill != nil && equal(name, v, fill(job))
}

// known reports whether this version knows the member that a cell is.
func known(name string) bool {
	if strings.HasPrefix(name, triggerCells) || strings.HasPrefix(name, tagCells) || isArgument(name) {
		return true
	}
	_, ok := model[name]
	return ok
}

// isArgument reports whether a cell is an argument of the job.
func isArgument(name string) bool {
	return strings.HasPrefix(name, defaultArgument) || strings.HasPrefix(name, fixedArgument)
}

// What the names of arguments' cells begin with.
const (
	defaultArgument = "DefaultArguments."
	fixedArgument   = "NonOverridableArguments."
)

// as reports whether there and wanted have the same in a cell, where what Glue fills
// in by itself is as good as nothing.
func as(name string, there, wanted cells) bool {
	a, b := there[name], wanted[name]
	switch {
	case equal(name, a, b):
		return true
	case b == nil:
		return filled(name, a, there)
	case a == nil:
		return filled(name, b, wanted)
	}
	return false
}

// decode reads JSON with its numbers as they are written.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}
