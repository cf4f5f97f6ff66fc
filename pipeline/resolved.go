package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/repository"
)

// A releasedManifest is what a release keeps of its manifest: all that is needed
// to deploy it anywhere, with nothing left to look up.
type releasedManifest struct {
	Slipway      string                        `json:"slipway"`
	App          string                        `json:"app"`
	Team         string                        `json:"team,omitempty"`
	Shape        string                        `json:"shape"`
	ShapeVersion int                           `json:"shape_version"`
	Environments map[string]releasedParameters `json:"environments"`
}

// releasedParameters are what the manifest says for one environment, or why it
// cannot be deployed there.
type releasedParameters struct {
	Run   map[string]any `json:"run,omitempty"`
	Error string         `json:"error,omitempty"`
}

// resolve resolves the manifest for every environment. What is wrong in one on
// the road is an error; what is wrong in another closes that one alone.
func (f *Flow) resolve(road []manifest.Environment, found manifest.Found) ([]byte, error) {
	m := f.Project.Manifest
	doc := releasedManifest{
		Slipway: "v1", App: m.App, Team: m.Team, Shape: m.Shape.Name, ShapeVersion: m.Shape.Version,
		Environments: map[string]releasedParameters{},
	}
	onRoad := map[string]bool{}
	for _, e := range road {
		onRoad[e.Name] = true
	}
	for _, name := range f.Project.Platform.EnvironmentNames() {
		r, err := m.ResolveOver(found, name, f.Project.Platform)
		switch {
		case err == nil:
			doc.Environments[name] = releasedParameters{Run: r.RunMap()}
		case onRoad[name]:
			return nil, err
		default:
			doc.Environments[name] = releasedParameters{Error: err.Error()}
		}
	}
	return json.MarshalIndent(doc, "", "  ")
}

// target makes the target of a release in an environment, from the release
// alone.
func target(ctx context.Context, repo repository.Repository, r slipway.Release, env string) (slipway.Target, error) {
	data, _, err := repo.Read(ctx, r.Manifest.Key)
	if err != nil {
		return slipway.Target{}, err
	}
	if d := slipway.DigestOf(data); d != r.Manifest.Digest {
		return slipway.Target{}, slipway.Errorf(slipway.Conflict, "the manifest of release %s was changed: it is %s, not %s", r.Version, d, r.Manifest.Digest).
			WithFix("somebody wrote to %s by hand; restore %s", repo.URL(), r.Manifest.Key)
	}
	var doc releasedManifest
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil {
		return slipway.Target{}, slipway.Errorf(slipway.Conflict, "the manifest of release %s cannot be read: %w", r.Version, err).
			WithFix("release it again under another version")
	}
	p, ok := doc.Environments[env]
	if !ok {
		return slipway.Target{}, slipway.Errorf(slipway.Blocked, "release %s was made before there was an environment %s", r.Version, env).
			WithFix("release it again under another version")
	}
	if p.Error != "" {
		return slipway.Target{}, slipway.Errorf(slipway.Blocked, "release %s cannot go to %s: %s", r.Version, env, p.Error).
			WithFix("correct the manifest and release it again")
	}
	return slipway.Target{
		App: r.App, Environment: env, Version: r.Version, Commit: r.Source.Commit,
		Shape: doc.Shape, Run: p.Run, Artifacts: r.Artifacts,
	}, nil
}

// compare tells where the notebook's magics and the manifest differ for an
// environment. The manifest holds; with run.strict_magics it is an error.
func (f *Flow) compare(b Built, env string) error {
	differences := f.Project.Manifest.Differences(b.found(), env)
	if len(differences) == 0 {
		return nil
	}
	r, err := f.Project.Manifest.ResolveOver(b.found(), env, f.Project.Platform)
	if err != nil {
		return err
	}
	if strict, _ := r.RunMap()["strict_magics"].(bool); strict {
		return slipway.Errorf(slipway.Invalid, "the notebook and the manifest differ: %s", strings.Join(differences, "; ")).
			WithFix("take one of the two away, or set run.strict_magics: false")
	}
	for _, d := range differences {
		f.emit(f.current, Warned, d, 0)
	}
	return nil
}
