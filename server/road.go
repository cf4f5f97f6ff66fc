package server

import (
	"context"
	"path/filepath"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// The kinds of jobs for single stages of the road.
const (
	jobPlan    = "plan"
	jobRelease = "release"
	jobRemove  = "remove"
)

// plan says what a deployment would change.
func (s *Server) plan(ctx context.Context, j store.Job) (done, error) {
	in, err := input[delivery](j)
	if err != nil {
		return done{}, err
	}
	source := in.Commit != ""
	if !source {
		a, err := s.appNow(ctx, in.App)
		if err != nil {
			return done{}, err
		}
		in.at, in.Folder, in.Commit = at{a.Forge, a.Repository}, a.Folder, a.Commit
	}
	var out slipway.Plan
	err = s.checkedOut(ctx, in.at, in.Commit, func(dir string) error {
		return s.inCopyAs(ctx, j, filepath.Join(dir, filepath.FromSlash(in.Folder)), true, func(f *pipeline.Flow) (err error) {
			if !source {
				out, err = f.Plan(ctx, pipeline.DeployInput{App: in.App, Environment: in.Environment, Version: in.Version, Drift: in.Drift})
				return err
			}
			src, _, err := f.Project.Git.Source(ctx, f.Project.Folder, false)
			if err != nil {
				return err
			}
			out, err = f.PlanSource(ctx, src, in.Environment, in.Drift)
			return err
		})
	})
	return done{value: out}, err
}

// release builds and checks an app at a commit, and fixes it.
func (s *Server) release(ctx context.Context, j store.Job) (done, error) {
	in, err := input[delivery](j)
	if err != nil {
		return done{}, err
	}
	var out slipway.Release
	err = s.atCommit(ctx, j, in, func(f *pipeline.Flow) error {
		src, _, err := f.Project.Git.Source(ctx, f.Project.Folder, false)
		if err != nil {
			return err
		}
		out, err = f.Release(ctx, pipeline.ShipInput{
			App: f.Project.Manifest.App, Environment: in.Environment, Version: in.Version, Source: src, Again: in.Again, By: j.By,
		})
		return err
	})
	return done{value: out}, err
}

// remove takes a job away from an environment.
func (s *Server) remove(ctx context.Context, j store.Job) (done, error) {
	in, err := input[removing](j)
	if err != nil {
		return done{}, err
	}
	return s.ofApp(ctx, j, in.App, func(f *pipeline.Flow) (any, error) {
		o, err := f.Operating(ctx, in.Environment)
		if err != nil {
			return nil, err
		}
		app := in.App
		if in.Former != "" {
			if app, err = former(ctx, f, in); err != nil {
				return nil, err
			}
		}
		if d, ok, err := s.removedBefore(ctx, app, in); ok || err != nil {
			return d, err
		}
		if err := s.keepRemoval(ctx, j, o, app, &in); err != nil {
			return nil, err
		}
		d, err := o.Remove(ctx, app, j.By)
		if err == nil {
			f.Settle(ctx, app, in.Environment)
		}
		return d, err
	})
}

// former is the name that the app had before, if it did and left something behind.
func former(ctx context.Context, f *pipeline.Flow, in removing) (string, error) {
	if in.Number != 0 { // it was found so when the job began first
		return in.Former, nil
	}
	src, _, err := f.Project.Git.Source(ctx, f.Project.Folder, false)
	if err != nil {
		return "", err
	}
	return in.Former, f.WasCalled(ctx, in.Environment, in.App, in.Former, src)
}

// keepRemoval keeps which deployment is taken away: a server that dies after it was
// does not take it for one that never was.
func (s *Server) keepRemoval(ctx context.Context, j store.Job, o operate.Stage, app string, in *removing) error {
	live, err := o.Live(ctx, app)
	if err != nil {
		return err
	}
	in.Number = live.Number
	return s.store.Change(ctx, func(tx *store.Tx) error { return tx.KeepInput(ctx, j.ID, toJSON(in)) })
}

// removedBefore is the deployment that this job took away before it was cut short.
func (s *Server) removedBefore(ctx context.Context, app string, in removing) (slipway.Deployment, bool, error) {
	if in.Number == 0 {
		return slipway.Deployment{}, false, nil
	}
	h, err := s.history(ctx, app, in.Environment)
	if err != nil {
		return slipway.Deployment{}, false, err
	}
	if live, ok := h.Current(); ok && live.Number == in.Number {
		return slipway.Deployment{}, false, nil
	}
	for _, d := range h.Deployments {
		if d.Number == in.Number {
			return d, true, nil
		}
	}
	return slipway.Deployment{}, false, nil
}
