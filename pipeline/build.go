package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/build"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/notebook"
)

// Built is what a build made. It is plain data; the bytes lie in Dir.
type Built struct {
	build.Result
	Source string `json:"source"` // the notebook or script, for those who point at it
}

// build runs the built-in steps and those of the team.
func (f *Flow) build(ctx context.Context, src slipway.Source) (Built, said, error) {
	tree, err := f.Project.Git.Tree(ctx, src)
	if err != nil {
		return Built{}, said{}, err
	}
	if err := f.committed(tree); err != nil {
		return Built{}, said{}, err
	}
	plan := buildPlan(f.Project.Manifest.Build)
	if plan.Notebook != "" {
		plan.Magics = f.Project.Platform.MagicActions()
	}
	stage := build.New(f.buildCache(), os.TempDir())
	stage.Keep(f.Clock)
	r, err := stage.Run(ctx, build.Input{
		App: f.Project.Manifest.App, Source: src, Plan: plan, Files: tree,
		Checkout: func(ctx context.Context, dir string) error { return f.checkout(ctx, src, "build", dir) },
		Environ:  f.box().Environ(f.Environ), Output: f.Log, Sandbox: f.box(), Cache: f.Packages,
	})
	if err != nil {
		return Built{}, said{}, err
	}
	for _, w := range r.Warnings {
		f.emit("build", Warned, w, 0)
	}
	return Built{Result: r, Source: plan.Notebook + plan.Script}, said{text: sizes(r.Artifacts), reused: r.Reused}, nil
}

// buildCache is where what was built is kept. A step may read what it does not name,
// so that what a proposed change builds must never be taken for what is merged.
func (f *Flow) buildCache() string {
	name := "builds"
	if f.Unmerged {
		name = "builds-unmerged"
	}
	return filepath.Join(f.Project.State, "cache", name)
}

// committed refuses a manifest that the source does not have: what is shipped is
// what is in the commit.
func (f *Flow) committed(tree build.Files) error {
	if _, err := tree.Read(manifest.FileName); err == nil {
		return nil
	}
	file := path.Join(f.Project.Folder, manifest.FileName)
	return slipway.Errorf(slipway.Invalid, "%s is not committed", file).
		WithFix("git add %s && git commit, or build the working tree with --dirty", file)
}

func (f *Flow) checkout(ctx context.Context, src slipway.Source, stage, dir string) error {
	warnings, err := f.Project.Git.Checkout(ctx, src, dir)
	for _, w := range warnings {
		f.emit(stage, Warned, w, 0)
	}
	return err
}

func buildPlan(b manifest.Build) build.Plan {
	p := build.Plan{Notebook: b.Notebook, Script: b.Script, Include: b.Include}
	for _, s := range b.Steps {
		p.Steps = append(p.Steps, build.Step{
			Name: s.Name, Shell: s.Run.Shell, Command: s.Run.Args, Inputs: s.Inputs, Outputs: s.Outputs, Env: s.Env, Timeout: s.Timeout, Network: s.Network,
		})
	}
	return p
}

// found gives the settings of the notebook's magics the names that run has.
func (b Built) found() manifest.Found {
	var found manifest.Found
	for _, s := range b.Settings {
		found = append(found, FoundIn(b.Source, notebook.Setting(s)))
	}
	return found
}

// FoundIn gives a setting of a notebook the name that run has for it.
func FoundIn(file string, s notebook.Setting) manifest.Setting {
	name := s.Name
	if arg, ok := strings.CutPrefix(name, "argument --"); ok {
		name = "arguments." + arg
	}
	return manifest.Setting{Name: name, Value: plain(s.Value), From: fmt.Sprintf("%s, cell %d line %d", file, s.Cell, s.Line)}
}

// plain gives a value the types that come out of JSON.
func plain(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		return fmt.Sprint(v)
	}
	return out
}

// open reads an artifact that was built.
func (b Built) open(a slipway.Artifact) (io.ReadSeekCloser, error) { return os.Open(b.Path(a)) }

// file returns where the first artifact of a kind lies; empty if there is none.
func (b Built) file(kind slipway.ArtifactKind) string {
	for _, a := range b.Artifacts {
		if a.Kind == kind {
			return b.Path(a)
		}
	}
	return ""
}

// sizes lists artifacts with their sizes.
func sizes(artifacts []slipway.Artifact) string {
	var all []string
	for _, a := range artifacts {
		all = append(all, fmt.Sprintf("%s %s", a.Name, size(a.Size)))
	}
	return strings.Join(all, ", ")
}

func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
