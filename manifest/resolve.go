package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/shape"
)

// Resolved is what a manifest says for one environment, complete with defaults.
type Resolved struct {
	App         string
	Team        string
	Shape       string
	Environment Environment
	Build       Build
	Checks      map[string]Check
	// Run holds the parameters of the shape, in its order; none is null.
	Run *schema.Value

	version int // of the shape
	tree    *schema.Value
}

// Resolve returns what holds in an environment. Values come, the later ones
// winning, from the shape's defaults, the manifest's run, and the run under
// environments.<env>. Maps (arguments, tags) merge key by key; every other
// value, lists too, replaces the one before as a whole; null removes it.
// Defaults that depend on other parameters are chosen after the merge, and each
// value keeps its origin.
//
// Without a platform (nil) there is one environment, local, and the names under
// environments are not looked at. With one, a name that it does not have is a
// complaint. The error is of kind slipway.NotFound if the environment is
// unknown, and otherwise of kind slipway.Invalid, with schema.Problems: what
// the shape misses or refuses in that environment, at the places at fault.
func (m *Manifest) Resolve(env string, platform *Platform) (*Resolved, error) {
	return m.ResolveOver(nil, env, platform)
}

// ResolveOver is Resolve with what the source itself says about its run, such as
// a notebook's Glue magics, between the shape's defaults and the manifest.
func (m *Manifest) ResolveOver(found Found, env string, platform *Platform) (*Resolved, error) {
	e, ok := platform.Environment(env)
	if !ok {
		return nil, unknownEnvironment(env, platform)
	}
	problems := m.strangers(platform)
	if !m.Shape.RunsOn(e.Runtime) {
		_, pos := m.doc.Text("shape")
		p := m.doc.Problem(pos, "shape", fmt.Sprintf("the runtime %s of environment %s cannot run the shape %s", e.Runtime, env, m.Shape.Name))
		p.Expected = "an environment with the runtime " + strings.Join(m.Shape.Runtimes, " or ")
		problems = append(problems, p)
	}
	written := m.written(env)
	from, err := found.value(m.Shape, written)
	if err != nil {
		return nil, err
	}
	run := schema.Merge(from, written)
	full, broken := m.Shape.Resolve(run, shape.Place{Environment: env, Runtime: e.Runtime})
	for _, b := range broken {
		problems = append(problems, m.violation(env, b))
	}
	if len(problems) > 0 {
		return nil, invalid(problems)
	}
	return m.resolved(e, full), nil
}

// written is what the file says about how the app runs in an environment.
func (m *Manifest) written(env string) *schema.Value {
	return schema.Merge(m.tree.Get("run"), m.tree.Get("environments", env, "run"))
}

func (m *Manifest) resolved(e Environment, run *schema.Value) *Resolved {
	return &Resolved{
		App: m.App, Team: m.Team, Shape: m.Shape.Name, Environment: e,
		Build: m.Build, Checks: m.Checks, Run: run,
		version: m.Shape.Version, tree: m.tree,
	}
}

func unknownEnvironment(name string, platform *Platform) error {
	known := platform.EnvironmentNames()
	err := slipway.Errorf(slipway.NotFound, "unknown environment %q", name)
	if near := schema.Nearest(name, known); near != "" {
		return err.WithFix("did you mean %q?", near)
	}
	if len(known) > 0 && len(name) > 1 && name[0] == 'v' && '0' <= name[1] && name[1] <= '9' {
		return err.WithFix("if it is a release, put the environment behind it, such as: %s %s", name, known[0])
	}
	if platform == nil {
		return err.WithFix("without a %s there is one environment, local", PlatformFileName)
	}
	return err.WithFix("%s has: %s", platform.File, strings.Join(known, ", "))
}

// strangers complains about environments and a team that the platform does not
// have.
func (m *Manifest) strangers(platform *Platform) schema.Problems {
	if platform == nil {
		return nil
	}
	var problems schema.Problems
	known := platform.EnvironmentNames()
	for _, e := range m.tree.Get("environments").Members() {
		if !slices.Contains(known, e.Key) {
			p := m.doc.Problem(e.Pos, "environments."+e.Key, fmt.Sprintf("%s has no environment %q", platform.File, e.Key))
			explain(&p, e.Key, known)
			problems = append(problems, p)
		}
	}
	team := m.tree.Get("team")
	if teams := keys(platform.tree.Get("teams")); team.Given() && len(teams) > 0 && !slices.Contains(teams, team.Text()) {
		p := m.doc.Problem(team.Pos, "team", fmt.Sprintf("%s has no team %q", platform.File, team.Text()))
		explain(&p, team.Text(), teams)
		problems = append(problems, p)
	}
	return problems
}

// violation puts a broken rule of the shape at the value at fault, or at the
// part of the file that should hold it.
func (m *Manifest) violation(env string, b shape.Violation) schema.Problem {
	pos := m.place(env)
	if b.At != nil && b.At.Pos.Line > 0 {
		pos = b.At.Pos
	}
	p := m.doc.Problem(pos, "run."+b.Parameter, fmt.Sprintf("in environment %s, %s", env, b.Message))
	p.Expected = b.Expected
	return p
}

// place is the key that speaks about how the app runs in an environment: the
// environment's, else run, else the file.
func (m *Manifest) place(env string) schema.Pos {
	if m.tree.Get("environments", env) != nil {
		return m.tree.Get("environments").KeyPos(env)
	}
	return m.tree.KeyPos("run")
}

// RunMap returns the parameters as plain data, as encoding/json decodes them:
// text, float64, bool, lists and maps. Durations are text such as 1h; secrets
// are {"secret": name}.
func (r *Resolved) RunMap() map[string]any {
	run, ok := r.Run.Plain().(map[string]any)
	if !ok {
		return map[string]any{}
	}
	return run
}

// resolvedJSON is the stored form of Resolved.
type resolvedJSON struct {
	Slipway      string           `json:"slipway"`
	App          string           `json:"app"`
	Team         string           `json:"team,omitempty"`
	Shape        string           `json:"shape"`
	ShapeVersion int              `json:"shape_version"`
	Environment  string           `json:"environment"`
	Runtime      string           `json:"runtime"`
	Build        Build            `json:"build"`
	Checks       map[string]Check `json:"checks,omitempty"`
	Run          map[string]any   `json:"run"`
}

// JSON returns the canonical form: the same values give the same bytes, with
// sorted keys. Of the environment it holds the name and the runtime, which the
// values depend on, and nothing that is a fact of the platform or a machine.
// ParseResolved reads it.
func (r *Resolved) JSON() ([]byte, error) {
	plain := resolvedJSON{
		Slipway: "v1", App: r.App, Team: r.Team, Shape: r.Shape, ShapeVersion: r.version,
		Environment: r.Environment.Name, Runtime: r.Environment.Runtime,
		Build: r.Build, Checks: r.Checks, Run: r.RunMap(),
	}
	data, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("write resolved manifest: %w", err)
	}
	var tree map[string]any // a map's keys are written in order
	if err := json.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("write resolved manifest: %w", err)
	}
	data, err = json.MarshalIndent(tree, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write resolved manifest: %w", err)
	}
	return append(data, '\n'), nil
}

// ParseResolved reads what Resolved.JSON wrote, whatever the shapes of today
// are. Origins are not kept, and of the environment only its name and runtime.
func ParseResolved(data []byte) (*Resolved, error) {
	var plain resolvedJSON
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&plain); err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "read resolved manifest: %w", err)
	}
	if plain.Slipway != "v1" {
		return nil, slipway.Errorf(slipway.Invalid, "the resolved manifest is of version %q, not v1", plain.Slipway)
	}
	return &Resolved{
		App: plain.App, Team: plain.Team, Shape: plain.Shape, version: plain.ShapeVersion,
		Environment: Environment{Environment: slipway.Environment{Name: plain.Environment, Runtime: plain.Runtime}},
		Build:       plain.Build, Checks: plain.Checks,
		Run: schema.FromPlain(plain.Run, "the resolved manifest"),
	}, nil
}
