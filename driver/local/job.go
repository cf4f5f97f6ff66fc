package local

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// The types of job that run here. A python-job has no type of its own.
const (
	typeSpark     = "glueetl"
	typeStreaming = "gluestreaming"
	typeShell     = "pythonshell"
	typePython    = "python"
)

// A job is a target's parameters, typed. What only matters in a cloud, such as
// workers or a role, is not in it.
type job struct {
	kind           string // one of the types above
	name           string // as the runtime calls the job
	glueVersion    string
	pythonVersion  string        // empty: the Glue version's, or any
	timeout        time.Duration // of each attempt; 0: none
	retries        int
	concurrent     int // runs at once
	queuing        bool
	arguments      map[string]value
	nonOverridable map[string]value
	environment    map[string]value
	modules        []string // requirements for pip
	pyFiles        []string // beside the released modules
	jars           []string
	bookmark       string // enable, disable; empty: disable
	tables         map[string]any
	script         string   // file name in the definition
	archives       []string // zips of modules in the definition
}

// A value is text, or a reference to a secret.
type value struct {
	text   string
	secret string
}

// spark reports whether the job needs Spark.
func (j job) spark() bool { return j.kind == typeSpark || j.kind == typeStreaming }

// parseJob types a target's parameters, or says what cannot run here.
func parseJob(t slipway.Target) (job, error) {
	r := &reader{}
	data, err := json.Marshal(t.Run)
	if err == nil {
		err = json.Unmarshal(data, &r.run)
	}
	if err != nil {
		return job{}, slipway.Errorf(slipway.Invalid, "run: %w", err)
	}
	j := job{
		name:           r.textOr("name", t.App),
		glueVersion:    r.textOr("glue_version", defaultGlueVersion),
		pythonVersion:  r.text("python_version"),
		timeout:        r.duration("timeout"),
		retries:        r.count("max_retries", 0),
		concurrent:     r.count("max_concurrent_runs", 1),
		queuing:        r.flag("queuing"),
		arguments:      r.values("arguments"),
		nonOverridable: r.values("non_overridable_arguments"),
		environment:    r.values("env"),
		modules:        r.texts("additional_python_modules"),
		pyFiles:        r.texts("extra_py_files"),
		jars:           r.texts("extra_jars"),
		bookmark:       r.bookmark(),
		tables:         r.mapping("tables"),
	}
	r.text("schedule")
	r.text("timezone")
	j.kind = r.kind(t.Shape)
	if r.err != nil {
		return job{}, r.err
	}
	if _, err := driver.ScheduleOf(t); err != nil {
		return job{}, err
	}
	if err := j.takeFiles(t); err != nil {
		return job{}, err
	}
	return j, j.check()
}

// takeFiles finds the script and the modules among the artifacts.
func (j *job) takeFiles(t slipway.Target) error {
	for _, a := range t.Artifacts {
		if a.Name != filepath.Base(a.Name) || strings.HasPrefix(a.Name, ".") || a.Name == definitionFile {
			return slipway.Errorf(slipway.Invalid, "%q cannot be the name of an artifact", a.Name)
		}
		if a.Kind == slipway.KindModules {
			j.archives = append(j.archives, a.Name)
		}
	}
	script, ok := t.Artifact(slipway.KindScript)
	if !ok {
		return slipway.Errorf(slipway.Invalid, "the release of %s holds no script to run", t.App).
			WithFix("name a notebook or a script under build in slipway.yaml")
	}
	j.script = script.Name
	return nil
}

func (j job) check() error {
	for _, m := range j.modules {
		if strings.HasPrefix(m, "-") || strings.TrimSpace(m) == "" {
			return slipway.Errorf(slipway.Invalid, "run.additional_python_modules: %q is no requirement", m).
				WithFix("write each as for pip, such as pandas==2.2.3")
		}
	}
	for _, f := range j.pyFiles {
		if elsewhere(f) {
			return slipway.Errorf(slipway.Invalid, "run.extra_py_files: %s cannot be read on this machine", f).
				WithFix("name a file of the app under environments.local.run.extra_py_files, or put the modules under build.include")
		}
	}
	for _, f := range j.jars {
		if elsewhere(f) {
			return slipway.Errorf(slipway.Invalid, "run.extra_jars: %s cannot be read on this machine", f).
				WithFix("name a file of the app under environments.local.run.extra_jars, or write [] there")
		}
	}
	if j.concurrent < 1 {
		return slipway.Errorf(slipway.Invalid, "run.max_concurrent_runs: %d lets no run start", j.concurrent).WithFix("write 1 or more")
	}
	return nil
}

// elsewhere reports whether a path leads off this machine.
func elsewhere(path string) bool {
	return strings.Contains(path, "://") && !strings.HasPrefix(path, "file://")
}

// A reader takes typed values out of a target's parameters and keeps the first
// complaint.
type reader struct {
	run map[string]any
	err error
}

func (r *reader) complain(key string, v any, want string) {
	if r.err == nil {
		r.err = slipway.Errorf(slipway.Invalid, "run.%s: %s is not %s", key, shown(v), want)
	}
}

// shown is v as JSON has it.
func shown(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func (r *reader) kind(shape string) string {
	switch shape {
	case "python-job", "custom":
		return typePython
	case "glue-job":
	default:
		r.err = slipway.Errorf(slipway.Invalid, "the shape %q does not run on this machine", shape).
			WithFix("the shapes that do: glue-job, python-job")
		return ""
	}
	kind := r.textOr("type", typeSpark)
	if !slices.Contains([]string{typeSpark, typeStreaming, typeShell}, kind) {
		r.complain("type", kind, "a type of job that runs on this machine (glueetl, gluestreaming, pythonshell)")
	}
	return kind
}

func (r *reader) text(key string) string { return r.textOr(key, "") }

func (r *reader) textOr(key, or string) string {
	v, ok := r.run[key]
	if !ok || v == nil {
		return or
	}
	s, ok := v.(string)
	if !ok {
		r.complain(key, v, "text; put it in quotes")
	}
	return s
}

func (r *reader) flag(key string) bool {
	v, ok := r.run[key]
	if !ok || v == nil {
		return false
	}
	b, ok := v.(bool)
	if !ok {
		r.complain(key, v, "true or false")
	}
	return b
}

func (r *reader) count(key string, or int) int {
	v, ok := r.run[key]
	if !ok || v == nil {
		return or
	}
	n, ok := v.(float64)
	if !ok || n != math.Trunc(n) || n < 0 || n > math.MaxInt32 {
		r.complain(key, v, "a whole number")
		return or
	}
	return int(n)
}

// duration reads "60m" as well as seconds.
func (r *reader) duration(key string) time.Duration {
	switch v := r.run[key].(type) {
	case nil:
		return 0
	case float64:
		if v >= 0 && v < math.MaxInt32 {
			return time.Duration(v * float64(time.Second))
		}
	case string:
		if n, err := strconv.ParseUint(v, 10, 31); err == nil {
			return time.Duration(n) * time.Second
		}
		if d, err := time.ParseDuration(v); err == nil && d >= 0 {
			return d
		}
	}
	r.complain(key, r.run[key], "a duration such as 90s, 60m or 2h")
	return 0
}

func (r *reader) mapping(key string) map[string]any {
	v, ok := r.run[key]
	if !ok || v == nil {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		r.complain(key, v, "a mapping")
	}
	return m
}

func (r *reader) texts(key string) []string {
	v, ok := r.run[key]
	if !ok || v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		r.complain(key, v, "a list")
	}
	var out []string
	for i, item := range list {
		s, ok := item.(string)
		if !ok {
			r.complain(fmt.Sprintf("%s[%d]", key, i), item, "text; put it in quotes")
		}
		out = append(out, s)
	}
	return out
}

// values reads a mapping of text, numbers, true and false, and references to
// secrets. Leading dashes of a name are dropped.
func (r *reader) values(key string) map[string]value {
	m := r.mapping(key)
	out := map[string]value{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		short := strings.TrimLeft(name, "-")
		switch v := m[name].(type) {
		case string:
			out[short] = value{text: v}
		case float64, bool:
			out[short] = value{text: shown(v)}
		case map[string]any:
			ref, ok := v["secret"].(string)
			if !ok || len(v) != 1 {
				r.complain(key+"."+name, v, "a value; write text, or {secret: name}")
			}
			out[short] = value{secret: ref}
		default:
			r.complain(key+"."+name, v, "a value; write text, or {secret: name}")
		}
	}
	return out
}

func (r *reader) bookmark() string {
	switch v := r.run["bookmark"].(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "enable"
		}
		return "disable"
	case string:
		mode := strings.TrimPrefix(v, "job-bookmark-")
		if slices.Contains([]string{"enable", "disable", "pause"}, mode) {
			return mode
		}
	}
	r.complain("bookmark", r.run["bookmark"], "enable, disable or pause")
	return ""
}
