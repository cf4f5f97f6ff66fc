package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
)

// LoadRails compiles the guard rails of a platform file: the one that is named,
// the one in the folder or above it, or that of the app in the folder.
func LoadRails(ctx context.Context, w Where) (*policy.Book, error) {
	file := w.Platform
	if file == "" && w.App == "" {
		file = platformAbove(w.Dir)
	}
	if file == "" {
		p, err := OpenProject(ctx, w)
		if err != nil {
			return nil, err
		}
		defer func() { _ = p.Close() }() // it only ends a process that reads
		return p.Rails(ctx)
	}
	file = absolute(w.Dir, file)
	p := &Project{shapes: w.Shapes}
	err := p.loadPlatform(file, w)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, slipway.Errorf(slipway.NotFound, "cannot read the platform file %s: %w", file, err).
			WithFix("--platform and SLIPWAY_PLATFORM name it")
	}
	if err != nil {
		return nil, err
	}
	return p.Rails(ctx)
}

// platformAbove is the platform file in a folder that has no app, or above it;
// empty if an app or nothing is met first.
func platformAbove(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, manifest.FileName)); err == nil {
			return ""
		}
		file := filepath.Join(dir, manifest.PlatformFileName)
		if _, err := os.Stat(file); err == nil {
			return file
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// A RailTrial is what a rail would have said to a deployment.
type RailTrial struct {
	Environment string                  `json:"environment"`
	Deployment  int64                   `json:"deployment"`
	Version     string                  `json:"version"`
	State       slipway.DeploymentState `json:"state"`
	Started     time.Time               `json:"started"`
	Hit         *slipway.RailHit        `json:"hit,omitempty"` // nil: it would have said nothing
}

// TryRail asks a rail about the last deployments to some environments, at the
// time and with the plan of each; to none, about those that it is for.
func (f *Flow) TryRail(ctx context.Context, rail string, envs []string, last int) ([]RailTrial, error) {
	book, err := f.Rails(ctx)
	if err != nil {
		return nil, err
	}
	r, err := book.Rail(rail)
	if err != nil {
		return nil, err
	}
	for _, env := range envs {
		if len(r.Environments) > 0 && !slices.Contains(r.Environments, env) {
			return nil, slipway.Errorf(slipway.Invalid, "rail %s is for %s alone, not for %s", rail, strings.Join(r.Environments, ", "), env).
				WithFix("name one of those, or none")
		}
	}
	if len(envs) == 0 {
		envs = r.Environments
	}
	if len(envs) == 0 {
		envs = f.Project.Platform.EnvironmentNames()
	}
	all := []RailTrial{}
	for _, env := range envs {
		trials, err := f.tryIn(ctx, book, rail, env, last)
		if err != nil {
			return nil, fmt.Errorf("try rail %s in %s: %w", rail, env, err)
		}
		all = append(all, trials...)
	}
	return all, nil
}

// tryIn asks a rail about the last deployments to one environment, newest first.
func (f *Flow) tryIn(ctx context.Context, book *policy.Book, rail, env string, last int) ([]RailTrial, error) {
	p, err := f.Place(ctx, env)
	if slipway.KindOf(err) == slipway.NotFound && err != nil {
		return nil, nil //nolint:nilerr // nothing was shipped from here
	}
	if err != nil {
		return nil, err
	}
	h, err := f.History(ctx, f.Project.Manifest.App, env)
	if err != nil {
		return nil, err
	}
	var trials []RailTrial
	known := map[string]about{}
	for _, d := range slices.Backward(h.Deployments[max(0, len(h.Deployments)-last):]) {
		version := d.Plan.Target.Version
		a, ok := known[version]
		if !ok {
			a = f.about(ctx, p, d.Plan, false)
			known[version] = a
		}
		a.rollback = d.RollbackOf != 0
		facts := f.facts(p, d.Plan, a, d.Started)
		trials = append(trials, RailTrial{
			Environment: env, Deployment: d.Number, Version: version, State: d.State, Started: d.Started, Hit: book.Judging(facts).Ask(rail),
		})
	}
	return trials, nil
}
