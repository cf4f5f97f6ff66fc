package server

import (
	"context"
	"errors"
	"maps"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// deployment is the input of a job that deploys or rolls back.
type deployment struct {
	App         string `json:"app"`
	Environment string `json:"environment"`
	DeployRequest
	To int64 `json:"to,omitempty"` // of a rollback
}

// running is the input of a job that starts or stops a run.
type running struct {
	App         string            `json:"app"`
	Environment string            `json:"environment"`
	ID          string            `json:"id"`
	Arguments   map[string]string `json:"arguments,omitempty"` // secrets masked
	Sealed      []byte            `json:"sealed,omitempty"`    // those that are masked, until the run has begun
}

// deploy brings a release to an environment.
func (s *Server) deploy(ctx context.Context, j store.Job) (done, error) {
	in, err := input[deployment](j)
	if err != nil {
		return done{}, err
	}
	return s.ofApp(ctx, j, in.App, func(f *pipeline.Flow) (any, error) {
		return f.Deploy(ctx, pipeline.DeployInput{App: in.App, Environment: in.Environment, Version: in.Version, Plan: in.Plan, Drift: in.Drift, By: j.By})
	})
}

// rollback brings back a former deployment.
func (s *Server) rollback(ctx context.Context, j store.Job) (done, error) {
	in, err := input[deployment](j)
	if err != nil {
		return done{}, err
	}
	return s.ofApp(ctx, j, in.App, func(f *pipeline.Flow) (any, error) {
		if err := s.choose(ctx, f, j, &in); err != nil {
			return nil, err
		}
		return f.Rollback(ctx, pipeline.RollbackInput{App: in.App, Environment: in.Environment, To: in.To, Drift: in.Drift, By: j.By})
	})
}

// choose keeps which deployment comes back. Once it is live again, the one before
// would be another: a server that dies then must not go back once more.
func (s *Server) choose(ctx context.Context, f *pipeline.Flow, j store.Job, in *deployment) (err error) {
	if in.To != 0 {
		return nil
	}
	if in.To, err = f.Former(ctx, in.App, in.Environment); err != nil {
		return err
	}
	return s.store.Change(ctx, func(tx *store.Tx) error { return tx.KeepInput(ctx, j.ID, toJSON(in)) })
}

// ofApp opens an app at the commit that the server knows of it.
func (s *Server) ofApp(ctx context.Context, j store.Job, name string, fn func(*pipeline.Flow) (any, error)) (done, error) {
	a, err := s.appNow(ctx, name)
	if err != nil {
		return done{}, err
	}
	var out done
	err = s.atCommit(ctx, j, delivery{at: at{a.Forge, a.Repository}, App: a.Name, Folder: a.Folder, Commit: a.Commit}, func(f *pipeline.Flow) (err error) {
		out.value, err = fn(f)
		return err
	})
	return out, err
}

// appNow is an app that a job is about, if there still is one.
func (s *Server) appNow(ctx context.Context, name string) (store.App, error) {
	a, ok, err := s.store.App(ctx, name)
	if err == nil && !ok {
		err = slipway.Errorf(slipway.NotFound, "there is no app %s on this server any more", name)
	}
	return a, err
}

// startRun starts a run. Its id was chosen when it was asked for, so it is started
// once, however often the job begins.
func (s *Server) startRun(ctx context.Context, j store.Job) (done, error) {
	in, err := input[running](j)
	if err != nil {
		return done{}, err
	}
	arguments, err := s.unmask(in)
	if err != nil {
		return done{}, err
	}
	var r slipway.Run
	err = s.operating(ctx, in.Environment, func(o operate.Stage) (err error) {
		if j.Attempt > 1 {
			if r, err = o.Run(ctx, in.App, in.ID); err == nil || slipway.KindOf(err) != slipway.NotFound {
				return err
			}
		}
		r, err = o.Start(ctx, in.App, driver.RunRequest{ID: in.ID, Trigger: "api", By: j.By, Arguments: maps.Clone(arguments)})
		return err
	})
	r.Arguments = driver.MaskArguments(r.Arguments)
	return done{value: r}, err
}

// stopRun stops a run.
func (s *Server) stopRun(ctx context.Context, j store.Job) (done, error) {
	in, err := input[running](j)
	if err != nil {
		return done{}, err
	}
	var r slipway.Run
	err = s.operating(ctx, in.Environment, func(o operate.Stage) (err error) {
		r, err = o.Stop(ctx, in.App, in.ID)
		return err
	})
	return done{value: r}, errors.Join(err)
}
