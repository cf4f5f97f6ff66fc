package build

import (
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook"
)

// A Plan says what is built. All paths have slashes and are relative to the
// app's folder; those that may be patterns know *, ?, [a-z] and **.
type Plan struct {
	Notebook string   `json:"notebook,omitempty"` // becomes <name>.py
	Script   string   `json:"script,omitempty"`   // in place of a notebook
	Include  []string `json:"include,omitempty"`  // helper modules: folders, files or patterns
	Steps    []Step   `json:"steps,omitempty"`    // before everything else, in order
	// Magics say what happens to magics that cannot be part of a job, where that is
	// not what notebook.Rules says.
	Magics map[string]notebook.Action `json:"magics,omitempty"`
}

// A Step is a command of the team's own. It runs in the app's folder of a clean
// copy of the repository.
type Step struct {
	Name    string            `json:"name"`
	Shell   string            `json:"shell,omitempty"`   // for sh -c
	Command []string          `json:"command,omitempty"` // executed as it stands, in place of Shell
	Inputs  []string          `json:"inputs,omitempty"`  // patterns; none: whatever is in the repository
	Outputs []string          `json:"outputs,omitempty"` // patterns, each of which must match
	Env     map[string]string `json:"env,omitempty"`
	Timeout time.Duration     `json:"timeout,omitempty"` // 0: no limit
	Network bool              `json:"network,omitempty"` // it may reach the network where steps are isolated
}

// argv returns the program and its arguments.
func (s Step) argv() []string {
	if s.Shell != "" {
		return []string{"sh", "-c", s.Shell}
	}
	return s.Command
}

// main returns the path of the notebook or script, empty if there is neither.
func (p Plan) main() string { return p.Notebook + p.Script }

// check finds what can be seen to be wrong in the plan alone.
func (p Plan) check() error {
	if p.Notebook != "" && p.Script != "" {
		return slipway.Errorf(slipway.Invalid, "build has both a notebook, %s, and a script, %s", p.Notebook, p.Script).
			WithFix("keep the one that the job runs; helper modules belong in build.include")
	}
	if p.main() == "" && len(p.outputs()) == 0 {
		return slipway.Errorf(slipway.Invalid, "there is nothing to build").
			WithFix("name a notebook or a script in build, or a step with outputs")
	}
	if p.Notebook != "" && path.Ext(p.Notebook) != ".ipynb" {
		return slipway.Errorf(slipway.Invalid, "build.notebook is %s, which does not end in .ipynb", p.Notebook).
			WithFix("for a Python file say build.script: %s", p.Notebook)
	}
	if p.Script != "" && path.Ext(p.Script) != ".py" {
		return slipway.Errorf(slipway.Invalid, "build.script is %s, which does not end in .py", p.Script).
			WithFix("for a notebook say build.notebook: %s", p.Script)
	}
	if err := p.checkPaths(); err != nil {
		return err
	}
	for _, s := range p.Steps {
		if (s.Shell == "") == (len(s.Command) == 0) {
			return slipway.Errorf(slipway.Invalid, "build step %s has no command", s.Name).
				WithFix("give it one: a text for the shell, or a list")
		}
	}
	return nil
}

// checkPaths refuses paths that leave the app's folder.
func (p Plan) checkPaths() error {
	if p.main() != "" {
		if err := checkPath("build", p.main()); err != nil {
			return err
		}
	}
	for _, name := range p.Include {
		if err := checkPath("build.include", name); err != nil {
			return err
		}
	}
	for _, s := range p.Steps {
		for _, name := range s.Inputs {
			if err := checkPath("inputs of build step "+s.Name, name); err != nil {
				return err
			}
		}
		for _, name := range s.Outputs {
			if err := checkPath("outputs of build step "+s.Name, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkPath(where, name string) error {
	if !filepath.IsLocal(name) || strings.ContainsAny(name, "\\\x00\n") {
		return slipway.Errorf(slipway.Invalid, "%s: %q leaves the app's folder", where, name).
			WithFix("use a path below the folder of slipway.yaml, with slashes")
	}
	if _, err := path.Match(name, ""); err != nil {
		return slipway.Errorf(slipway.Invalid, "%s: %q is not a pattern: a bracket is left open", where, name)
	}
	return nil
}

func (p Plan) outputs() []string {
	var all []string
	for _, s := range p.Steps {
		all = append(all, s.Outputs...)
	}
	return all
}
