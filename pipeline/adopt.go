package pipeline

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/shape"
)

// FindJob describes a job that was made by other means, by its name on the
// runtime of an environment.
func (f *Flow) FindJob(ctx context.Context, env, name string) (driver.Found, error) {
	a, err := f.adopter(ctx, env)
	if err != nil {
		return driver.Found{}, err
	}
	return a.Find(ctx, name)
}

// Claim marks a job as the project's app in an environment. The manifest must
// mean that job.
func (f *Flow) Claim(ctx context.Context, env, name string) error {
	r, err := f.Project.Manifest.Resolve(env, f.Project.Platform)
	if err != nil {
		return err
	}
	app := f.Project.Manifest.App
	if meant := (slipway.Target{App: app, Run: r.RunMap()}).JobName(); meant != name {
		return slipway.Errorf(slipway.Invalid, "the manifest of %s is for the job %q in %s, not for %q", app, meant, env, name).
			WithFix("set run.name: %s, or adopt it in another folder (--folder)", name)
	}
	a, err := f.adopter(ctx, env)
	if err != nil {
		return err
	}
	return a.Claim(ctx, slipway.Handle{App: app, Environment: env, Name: name})
}

func (f *Flow) adopter(ctx context.Context, env string) (driver.Adopter, error) {
	p, err := f.live(ctx, env)
	if err != nil {
		return nil, err
	}
	a, ok := p.Driver.(driver.Adopter)
	if !ok {
		return nil, slipway.Errorf(slipway.Invalid, "the runtime %s of %s has no jobs that were made by other means", p.Environment.Runtime, env).
			WithFix("name an environment whose runtime is glue")
	}
	return a, nil
}

// AdoptedManifest is a manifest that makes the job that was found, and the name
// of the file that its script goes to.
func AdoptedManifest(found driver.Found, menu shape.Menu) (text []byte, script string) {
	script = "job.py"
	if base := path.Base(found.Script); strings.HasSuffix(base, ".py") && base != ".py" {
		script = base
	}
	facts := manifest.Facts{App: found.Name, Shape: found.Shape, Scripts: []string{script}}
	for _, name := range slices.Sorted(maps.Keys(found.Run)) {
		from := "the job " + found.Name
		if all, ok := found.Run[name].(map[string]any); ok && name == "arguments" {
			for _, key := range slices.Sorted(maps.Keys(all)) {
				facts.Settings = append(facts.Settings, manifest.Setting{Name: "arguments." + key, Value: all[key], From: from})
			}
			continue
		}
		facts.Settings = append(facts.Settings, manifest.Setting{Name: name, Value: found.Run[name], From: from})
	}
	return manifest.Scaffold(facts, menu), script
}
