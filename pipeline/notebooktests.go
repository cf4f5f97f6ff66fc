package pipeline

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/check"
	"github.com/slipway-cd/slipway/manifest"
)

// A question is a check to ask about what was built.
type question struct {
	manifest.Check
	spec check.Spec
}

// questions are the checks of the manifest and of the platform and, unless it has one of that name, the
// test cells of the notebook. They are ordered by name.
func (f *Flow) questions(b Built) ([]question, error) {
	m := f.Project.Manifest
	var all []question
	checks, err := m.AllChecks(f.Project.Platform)
	if err != nil {
		return nil, err
	}
	for _, c := range checks {
		all = append(all, question{c, spec(c)})
	}
	own := slices.ContainsFunc(checks, func(c manifest.Check) bool { return c.Name == check.NotebookTests })
	if b.Tests == "" || own {
		return all, nil
	}
	s, err := f.notebookTests(b)
	if err != nil {
		return nil, err
	}
	all = append(all, question{manifest.Check{Name: s.Name, Required: s.Required, Run: manifest.Command{Args: s.Run.Args}, Env: s.Env, JUnit: s.JUnit}, s})
	slices.SortFunc(all, func(x, y question) int { return strings.Compare(x.Name, y.Name) })
	return all, nil
}

// notebookTests is the check that runs the notebook's test cells, with the
// parameters that the job has on this machine.
func (f *Flow) notebookTests(b Built) (check.Spec, error) {
	r, err := f.Project.Manifest.ResolveOver(b.found(), slipway.LocalEnvironment, f.Project.Platform)
	if err != nil {
		return check.Spec{}, err
	}
	run := r.RunMap()
	n := check.Notebook{
		Name: b.Source, Script: b.file(slipway.KindScript), Tests: filepath.Join(b.Dir, b.Tests),
		Modules: []string{}, Arguments: f.localArguments(run),
	}
	if zip := b.file(slipway.KindModules); zip != "" {
		n.Modules = append(n.Modules, zip)
	}
	s, err := n.Spec()
	s.Env = texts(run["env"])
	return s, err
}

// localArguments are the words that the job is started with on this machine.
// References to secrets are left out: checks get none.
func (f *Flow) localArguments(run map[string]any) []string {
	arguments := texts(run["arguments"])
	if f.Project.Manifest.Shape.Name == "glue-job" {
		name, _ := run["name"].(string)
		if name == "" {
			name = f.Project.Manifest.App
		}
		arguments["JOB_NAME"], arguments["JOB_RUN_ID"] = name, check.NotebookTests
	}
	maps.Copy(arguments, texts(run["non_overridable_arguments"]))
	words := []string{}
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		words = append(words, "--"+name, arguments[name])
	}
	return words
}

// texts takes the values that are known out of a mapping. Leading dashes of a
// name are dropped.
func texts(v any) map[string]string {
	known := map[string]string{}
	mapping, _ := v.(map[string]any)
	for name, value := range mapping {
		switch value.(type) {
		case string, bool, float64, int, int64:
			known[strings.TrimLeft(name, "-")] = fmt.Sprint(value)
		}
	}
	return known
}
