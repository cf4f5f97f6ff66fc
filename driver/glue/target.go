package glue

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// shapeName is the shape that runs here.
const shapeName = "glue-job"

// A want is a target in Glue's words.
type want struct {
	name   string // the job's
	target slipway.Target
	// set are the cells that the target sets. One with a nil value must not be.
	set cells
	// release are the cells that are the release itself, so that they are never
	// kept as somebody changed them.
	release  map[string]bool
	files    map[string]slipway.Artifact // by where they lie
	warnings []string
}

// wantOf says a target in Glue's words, or why it cannot run here.
func (d *Driver) wantOf(t slipway.Target) (want, error) {
	if t.Shape != shapeName {
		return want{}, slipway.Errorf(slipway.Invalid, "the shape %q does not run on AWS Glue", t.Shape).
			WithFix("take the shape %s, or an environment with another runtime; slipway shapes shows which goes where", shapeName)
	}
	w := want{name: t.JobName(), target: t, set: cells{}, release: map[string]bool{}, files: map[string]slipway.Artifact{}}
	for _, step := range []func() error{w.setParameters, w.setArguments, func() error { return w.setFiles(d.assets()) }, w.setTags, w.setTrigger, w.checkArguments} {
		if err := step(); err != nil {
			return want{}, err
		}
	}
	return w, nil
}

// setParameters sets what the table can say.
func (w *want) setParameters() error {
	for name, m := range model {
		parameter, ok := strings.CutPrefix(m.field, "run.")
		v := w.target.Run[parameter]
		if !ok || v == nil {
			continue
		}
		coded, err := m.code.encode(v)
		if err != nil {
			return slipway.Errorf(slipway.Invalid, "%s: %w", m.field, err)
		}
		w.set[name] = coded
	}
	return w.fit()
}

// fit makes the parameters a job that Glue takes.
func (w *want) fit() error {
	if _, ok := w.set["Command.Name"]; !ok {
		w.set["Command.Name"] = typeSpark
	}
	kind, _ := w.set["Command.Name"].(string)
	switch kind {
	case typeSpark, typeStreaming:
		w.unless("Command.PythonVersion", "3")
		if w.set["WorkerType"] != nil {
			w.set["MaxCapacity"] = nil
		}
		if kind == typeStreaming {
			delete(w.set, "ExecutionClass") // there is but one
		}
	case typeShell:
		w.unless("Command.PythonVersion", "3.9")
		w.set["WorkerType"], w.set["NumberOfWorkers"] = nil, nil
	default:
		return slipway.Errorf(slipway.Invalid, "run.type: %q is no type of job that Slipway deploys", kind).
			WithFix("write %s, %s or %s", typeSpark, typeStreaming, typeShell)
	}
	if list, ok := w.set["Connections.Connections"]; ok && len(texts(list)) == 0 {
		delete(w.set, "Connections.Connections")
	}
	return nil
}

func (w *want) unless(name string, v any) {
	if w.set[name] == nil {
		w.set[name] = v
	}
}

// setTags marks the job as Slipway's and sets what the manifest says besides.
func (w *want) setTags() error {
	tags, _ := w.target.Run["tags"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		v, err := encodeText(tags[key])
		switch {
		case err != nil:
			return slipway.Errorf(slipway.Invalid, "run.tags.%s: %w", key, err)
		case strings.HasPrefix(key, "slipway:") || strings.HasPrefix(key, "aws:"):
			return slipway.Errorf(slipway.Invalid, "run.tags.%s: tags that begin like this are not yours to set", key).WithFix("take another name")
		}
		w.set[tagCells+key] = v
	}
	t := w.target
	for key, v := range map[string]string{tagApp: t.App, tagEnvironment: t.Environment, tagVersion: t.Version, tagCommit: t.Commit} {
		if v != "" {
			w.set[tagCells+key] = v
			w.release[tagCells+key] = true
		}
	}
	return nil
}

// setTrigger sets the trigger of the schedule. Without one, there must be none.
func (w *want) setTrigger() error {
	s, err := driver.ScheduleOf(w.target)
	if err != nil {
		return err
	}
	text, err := glueCron(s)
	if err != nil || text == "" {
		return err
	}
	w.set[triggerCells+"Type"] = "SCHEDULED"
	w.set[triggerCells+"Schedule"] = text
	w.set[triggerCells+"Actions"] = []any{map[string]any{"JobName": w.name}}
	w.set[triggerCells+"Description"] = fmt.Sprintf("Starts %s in %s, by Slipway", w.target.App, w.target.Environment)
	w.set[triggerCells+"State"] = active
	if s.Paused() {
		w.set[triggerCells+"State"] = inactive
	}
	return nil
}

// setFiles says where the artifacts lie, and how a run gets them.
func (w *want) setFiles(assets string) error {
	script, ok := w.target.Artifact(slipway.KindScript)
	if !ok {
		return slipway.Errorf(slipway.Invalid, "the release of %s holds no script to run", w.target.App).
			WithFix("name a notebook or a script under build in slipway.yaml")
	}
	if assets == "" {
		return slipway.Errorf(slipway.Invalid, "%s has no bucket from which AWS Glue could fetch the script", w.target.Environment).
			WithFix("in platform.yaml, give environments.%s a repository in a bucket (repository: s3://bucket/prefix) or a place for what jobs fetch (assets: s3://bucket/prefix)", w.target.Environment)
	}
	for _, a := range w.target.Artifacts {
		if driver.FileField(a) == "" {
			continue
		}
		where := assets + "/" + a.Key
		w.files[where] = a
		if a.Kind == slipway.KindScript {
			continue
		}
		argument := w.argumentFor(a)
		if argument == "" {
			w.warnings = append(w.warnings, fmt.Sprintf("a Python shell job gets no files: its script has to read %s from %s", a.Name, where))
			continue
		}
		w.join(argument, where)
		w.release[defaultArgument+argument] = true
	}
	w.set["Command.ScriptLocation"] = assets + "/" + script.Key
	w.release["Command.ScriptLocation"] = true
	return nil
}

// argumentFor is the argument by which a run gets a file; empty: there is none.
func (w *want) argumentFor(a slipway.Artifact) string {
	shell := w.set["Command.Name"] == typeShell
	switch ext := path.Ext(a.Name); {
	case a.Kind == slipway.KindModules, ext == ".py", ext == ".zip", ext == ".egg", ext == ".whl" && shell:
		return pyFilesArgument
	case ext == ".whl":
		return modulesArgument
	case shell:
		return ""
	case ext == ".jar":
		return jarsArgument
	}
	return filesArgument
}

// assets is where artifacts lie for Glue to fetch them, without a slash at its end;
// empty: nowhere.
func (d *Driver) assets() string {
	at := d.cfg.Environment.Repository
	if d.cfg.Notes != nil {
		at = d.cfg.Notes.URL()
	}
	if !strings.HasPrefix(at, "s3://") {
		at = d.cfg.Environment.Assets
	}
	at, _, _ = strings.Cut(at, "?")
	return strings.TrimSuffix(at, "/")
}
