package glue

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// outsideNote marks what somebody else changed.
const outsideNote = "changed outside Slipway"

// fieldOf names a cell as the manifest does. What the manifest cannot say begins
// with job or trigger.
func fieldOf(name string) string {
	group, key, _ := strings.Cut(name, ".")
	argument := strings.TrimPrefix(key, "--")
	switch {
	case name == tagCells+tagVersion, name == defaultArgument+versionArgument:
		return "version"
	case name == tagCells+tagCommit:
		return "commit"
	case name == tagCells+tagEnvironment:
		return "environment"
	case group == "tags":
		return "run.tags." + key
	case name == triggerCells+"Schedule":
		return "run.schedule"
	case name == triggerCells+"State":
		return "run.paused"
	case group == "trigger":
		return name
	case name == defaultArgument+bookmarkArgument:
		return "run.bookmark"
	case group+"." == defaultArgument && listArguments[key] != "":
		return "run." + listArguments[key]
	case group+"." == defaultArgument:
		return "run.arguments." + argument
	case group+"." == fixedArgument:
		return "run.non_overridable_arguments." + argument
	case model[name].field != "":
		return model[name].field
	}
	return "job." + name
}

// A view shows what is there in the manifest's words, beside the target that it is
// compared with. What is the same is said in the target's own way.
type view struct {
	want  want
	there cells
	after cells // what is to be there
	// bytes are the digests of files that were looked at, by where they lie.
	bytes map[string]slipway.Digest
	// others are the cells that no field of a target stands for.
	others []string
}

// target says what is there, given the cells in which it differs.
func (v *view) target(differs []string) slipway.Target {
	t := v.want.target
	t.Run = maps.Clone(t.Run)
	if t.Run == nil {
		t.Run = map[string]any{}
	}
	t.Artifacts = slices.Clone(t.Artifacts)
	for i, a := range t.Artifacts {
		if where := v.where(a); where != "" {
			if digest, looked := v.bytes[where]; looked {
				t.Artifacts[i].Digest = digest
			}
		}
	}
	for _, name := range differs {
		v.take(&t, name)
	}
	return t
}

func (v *view) where(a slipway.Artifact) string {
	for where, other := range v.want.files {
		if other == a {
			return where
		}
	}
	return ""
}

// take puts one cell into the target.
func (v *view) take(t *slipway.Target, name string) {
	there, after := v.there[name], v.after[name]
	text, _ := there.(string)
	field := fieldOf(name)
	group, key, _ := strings.Cut(name, ".")
	switch {
	case name == tagCells+tagApp, after != nil && !equal(name, after, v.want.set[name]):
		v.others = append(v.others, name)
	case name == "Command.ScriptLocation":
		v.takeScript(t, text)
	case name == defaultArgument+pyFilesArgument, name == defaultArgument+modulesArgument,
		name == defaultArgument+jarsArgument, name == defaultArgument+filesArgument:
		v.takeFiles(t, name, text)
	case name == defaultArgument+bookmarkArgument:
		put(t.Run, "bookmark", optional(strings.TrimPrefix(text, "job-bookmark-")))
	case field == "version":
		if version, _ := v.there[defaultArgument+versionArgument].(string); version != v.want.target.Version {
			text = version
		}
		t.Version = text
	case field == "commit":
		t.Commit = text
	case field == "environment":
		t.Environment = text
	case name == triggerCells+"Schedule":
		put(t.Run, "schedule", there)
	case name == triggerCells+"State":
		v.takeState(t, text)
	case group == "tags":
		inner(t.Run, "tags", key, there)
	case isArgument(name):
		parameter := map[bool]string{true: "arguments", false: "non_overridable_arguments"}[strings.HasPrefix(name, defaultArgument)]
		inner(t.Run, parameter, strings.TrimPrefix(key, "--"), there)
	case strings.HasPrefix(field, "run."):
		if there != nil {
			there = model[name].code.decode(there)
		}
		put(t.Run, strings.TrimPrefix(field, "run."), there)
	case group == "trigger":
		if v.there[triggerCells+"Schedule"] != nil && v.want.set[triggerCells+"Schedule"] != nil {
			v.others = append(v.others, name)
		}
	default:
		v.others = append(v.others, name)
	}
}

func (v *view) takeState(t *slipway.Target, state string) {
	switch {
	case v.want.set[triggerCells+"Schedule"] == nil:
	case v.there[triggerCells+"Schedule"] == nil:
		if v.want.set[triggerCells+"State"] == inactive {
			put(t.Run, "paused", nil)
		}
	case state == inactive:
		put(t.Run, "paused", true)
	default:
		put(t.Run, "paused", nil)
	}
}

func put(run map[string]any, parameter string, v any) {
	if v == nil {
		delete(run, parameter)
		return
	}
	run[parameter] = v
}

func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// inner sets a value of a parameter that is a map, without touching the target's own.
func inner(run map[string]any, parameter, key string, v any) {
	m, _ := run[parameter].(map[string]any)
	m = maps.Clone(m)
	if m == nil {
		m = map[string]any{}
	}
	put(m, key, v)
	run[parameter] = m
}

// takeScript puts in the script that is there.
func (v *view) takeScript(t *slipway.Target, where string) {
	for i, a := range t.Artifacts {
		if a.Kind == slipway.KindScript {
			t.Artifacts[i] = v.file(a, where)
		}
	}
	if where == "" {
		t.Artifacts = slices.DeleteFunc(t.Artifacts, func(a slipway.Artifact) bool { return a.Kind == slipway.KindScript })
	}
}

// file is an artifact as it is there: the same under another address if its bytes
// are, and else one by its address.
func (v *view) file(a slipway.Artifact, where string) slipway.Artifact {
	if digest, looked := v.bytes[where]; looked {
		a.Digest = digest
		return a
	}
	short := releasedKey.FindStringSubmatch(where)
	switch {
	case short == nil:
		return slipway.Artifact{Kind: a.Kind, Name: where}
	case short[1] == a.Digest.Short() && nameIn(where) == a.Name:
		return a
	}
	return slipway.Artifact{Kind: a.Kind, Name: nameIn(where), Digest: slipway.Digest("sha256:" + short[1])}
}

// releasedKey is an address in an artifact repository: the digest's beginning stands
// before the name.
var releasedKey = regexp.MustCompile(`/([0-9a-f]{8})/[^/]+_[^/_]+$`)

// nameIn is the file's name in a key of the artifact repository, where the commit is
// between it and the extension.
func nameIn(where string) string {
	name := where[strings.LastIndex(where, "/")+1:]
	dot := strings.LastIndex(name, ".")
	if dot < 0 {
		dot = len(name)
	}
	if bar := strings.LastIndex(name[:dot], "_"); bar > 0 {
		return name[:bar] + name[dot:]
	}
	return name
}

// takeFiles takes a list of files apart: artifacts of this release, artifacts of a
// former one, and what the manifest names by its address.
func (v *view) takeFiles(t *slipway.Target, name, list string) {
	_, argument, _ := strings.Cut(name, ".")
	var rest []any
	former, there := map[string]string{}, map[string]bool{}
	for _, item := range split(list) {
		there[item] = true
		switch _, released := v.want.files[item]; {
		case released:
		case v.stored(item):
			former[nameIn(item)] = item
		default:
			rest = append(rest, item)
		}
	}
	var artifacts []slipway.Artifact
	for _, a := range t.Artifacts {
		where := v.where(a)
		switch {
		case where == "" || a.Kind == slipway.KindScript || v.want.argumentFor(a) != argument || there[where]:
			artifacts = append(artifacts, a)
		case former[a.Name] != "":
			artifacts = append(artifacts, v.file(a, former[a.Name]))
			delete(former, a.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(former)) {
		artifacts = append(artifacts, v.file(slipway.Artifact{Kind: slipway.KindFile}, former[name]))
	}
	t.Artifacts = artifacts
	v.takeRest(t, argument, rest)
}

// takeRest puts in the files that the manifest names by their address.
func (v *view) takeRest(t *slipway.Target, argument string, rest []any) {
	parameter := listArguments[argument]
	switch {
	case parameter == "" && len(rest) > 0:
		inner(t.Run, "arguments", strings.TrimPrefix(argument, "--"), rest)
	case parameter == "":
	case len(rest) == 0:
		put(t.Run, parameter, nil)
	default:
		t.Run[parameter] = rest
	}
}

// stored reports whether a file lies where artifacts of the app do.
func (v *view) stored(where string) bool {
	for known, a := range v.want.files {
		if strings.HasPrefix(where, strings.TrimSuffix(known, a.Key)+v.want.target.App+"/") {
			return releasedKey.MatchString(where)
		}
	}
	return false
}

// changes says what leads from what is there to what is to be, in the manifest's
// words. Every cell that differs is behind one of them.
func (v *view) changes(differs []string) []slipway.Change {
	list := driver.Diff(v.target(differs), v.want.target)
	told := map[string]bool{}
	for i, c := range list {
		told[c.Field] = true
		list[i].From, list[i].To = hidden(c.Field, c.From), hidden(c.Field, c.To)
	}
	for _, name := range differs {
		if slices.Contains(v.others, name) || !v.covered(name, told) {
			list = append(list, change(fieldOf(name), spell(name, v.there[name]), spell(name, v.after[name])))
		}
	}
	return list
}

// covered reports whether a change was told that stands for the cell.
func (v *view) covered(name string, told map[string]bool) bool {
	switch {
	case told[fieldOf(name)]:
		return true
	case strings.HasPrefix(name, triggerCells):
		return told["run.schedule"] && (v.there[triggerCells+"Schedule"] == nil || v.after[triggerCells+"Schedule"] == nil)
	case v.want.release[name]:
		if told["commit"] || told["version"] {
			return true // the same bytes under the key of another commit
		}
		for _, a := range v.want.files {
			if told[driver.FileField(a)] && name != "Command.ScriptLocation" {
				return true
			}
		}
	}
	return false
}

// spell says a value as the manifest does.
func spell(name string, v any) any {
	if code := model[name].code; v != nil && code.decode != nil {
		return code.decode(v)
	}
	return v
}

func change(field string, from, to any) slipway.Change {
	c := slipway.Change{Field: field, Action: slipway.Update, From: driver.Normal(hidden(field, from)), To: driver.Normal(hidden(field, to))}
	switch {
	case from == nil:
		c.Action, c.From = slipway.Add, nil
	case to == nil:
		c.Action, c.To = slipway.Delete, nil
	}
	return c
}

// hidden is a value without a secret: what others put into a job may be one.
func hidden(field string, v any) any {
	name, isArgument := strings.CutPrefix(field, "run.arguments.")
	if !isArgument {
		name, isArgument = strings.CutPrefix(field, "run.non_overridable_arguments.")
	}
	text, isText := v.(string)
	if isText && (isWithheld(text) || isArgument && suspicious("."+name, text) || driver.SecretValue(text)) {
		return driver.Masked
	}
	return v
}
