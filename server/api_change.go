package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/store"
)

// ShipRequest asks to take an app along the road.
type ShipRequest struct {
	Commit  string              `json:"commit,omitempty" pattern:"^[0-9a-f]{40}$" doc:"The commit. Default: the head of the default branch."`
	Version string              `json:"version,omitempty" maxLength:"128" pattern:"^([A-Za-z0-9]([A-Za-z0-9_+-]|[.][A-Za-z0-9_+-])*[.]?)?$" doc:"The release's version. Default: the commit's tag, else one made of its time and name."`
	Again   bool                `json:"again,omitempty" doc:"Ask checks again that have passed for the same bytes."`
	Drift   slipway.DriftPolicy `json:"drift,omitempty" enum:"keep,overwrite,refuse" doc:"What to do about changes made by hand on the runtime. Default: what the manifest sets is put back, the rest stays."`
}

// DeployRequest asks for a deployment.
type DeployRequest struct {
	Version string              `json:"version,omitempty" maxLength:"128" doc:"The release. Default: the newest."`
	Plan    *slipway.Plan       `json:"plan,omitempty" doc:"A plan that was seen: it is applied as it stands, or refused as stale."`
	Drift   slipway.DriftPolicy `json:"drift,omitempty" enum:"keep,overwrite,refuse" doc:"What to do about changes made by hand on the runtime. Default: what the manifest sets is put back, the rest stays."`
}

// RollbackRequest asks for a former deployment.
type RollbackRequest struct {
	To    int64               `json:"to,omitempty" minimum:"0" doc:"The number of the deployment that comes back. Default: the one that was live before."`
	Drift slipway.DriftPolicy `json:"drift,omitempty" enum:"keep,overwrite,refuse" doc:"What to do about changes made by hand on the runtime. Default: what the manifest sets is put back, the rest stays."`
}

// RunRequest asks for a run.
type RunRequest struct {
	Arguments map[string]string `json:"arguments,omitempty" maxProperties:"100" doc:"Arguments that differ from those that were deployed."`
}

// A Job is the answer to what changes something.
type Job struct {
	Location string `header:"Location"`
	Body     store.Job
}

type change[T any] struct {
	PlacePath
	Idempotent
	Body T
}

func (s *Server) changeRoutes(api huma.API) {
	s.entryRoutes(api)
	s.wordRoutes(api)
	s.setRoutes(api)
	s.roadRoutes(api)
	const place = "/apps/{app}/environments/{environment}"
	handle(api, route{"ship", http.MethodPost, place + "/ships", "Take an app along the road to an environment", "changes", 202}, func(ctx context.Context, in *change[ShipRequest]) (*Job, error) {
		return s.change(ctx, in.PlacePath, in.Idempotent, jobShip, access.Deploy, in.Body, func(a store.App) (any, error) {
			d, err := s.deliveryOf(a, in.Environment, in.Body.Commit, in.Body.Version)
			d.Again, d.Drift = in.Body.Again, in.Body.Drift
			return d, err
		})
	})
	handle(api, route{"deploy", http.MethodPost, place + "/deployments", "Deploy a release, or a plan that was seen", "changes", 202}, func(ctx context.Context, in *change[DeployRequest]) (*Job, error) {
		return s.change(ctx, in.PlacePath, in.Idempotent, jobDeploy, access.Deploy, in.Body, func(a store.App) (any, error) {
			return deployment{App: a.Name, Environment: in.Environment, DeployRequest: in.Body}, nil
		})
	})
	handle(api, route{"rollback", http.MethodPost, place + "/rollbacks", "Bring back, exactly, what was deployed before", "changes", 202}, func(ctx context.Context, in *change[RollbackRequest]) (*Job, error) {
		return s.change(ctx, in.PlacePath, in.Idempotent, jobRollback, access.Rollback, in.Body, func(a store.App) (any, error) {
			return deployment{App: a.Name, Environment: in.Environment, To: in.Body.To, DeployRequest: DeployRequest{Drift: in.Body.Drift}}, nil
		})
	})
	handle(api, route{"start-run", http.MethodPost, place + "/runs", "Start a run", "changes", 202}, func(ctx context.Context, in *change[RunRequest]) (*Job, error) {
		asked := RunRequest{Arguments: driver.MaskArguments(in.Body.Arguments)} // of a secret not even a digest is kept
		return s.change(ctx, in.PlacePath, in.Idempotent, jobRun, access.Run, asked, func(a store.App) (any, error) {
			return s.mask(running{App: a.Name, Environment: in.Environment, ID: newID(), Arguments: in.Body.Arguments}), nil
		})
	})
	type stop struct {
		PlacePath
		Idempotent
		Run string `path:"run" maxLength:"200" doc:"The run's id."`
	}
	handle(api, route{"stop-run", http.MethodPost, place + "/runs/{run}/stop", "Stop a run", "changes", 202}, func(ctx context.Context, in *stop) (*Job, error) {
		return s.change(ctx, in.PlacePath, in.Idempotent, jobStopRun, access.Stop, in.Run, func(a store.App) (any, error) {
			return running{App: a.Name, Environment: in.Environment, ID: in.Run}, nil
		})
	})
}

// change makes the job that a caller asks for, if they may.
func (s *Server) change(ctx context.Context, p PlacePath, key Idempotent, kind string, do access.Action, request any, in func(store.App) (any, error)) (*Job, error) {
	a, err := s.app(ctx, p.App, do, p.Environment)
	if err != nil {
		return nil, err
	}
	if _, err := s.history(ctx, p.App, p.Environment); err != nil { // that there is such an environment
		return nil, err
	}
	v, err := in(a)
	if err != nil {
		return nil, err
	}
	subject := subjectOf(p.App)
	switch kind { // some do not wait behind a build
	case jobRun, jobStopRun:
		subject = "runs/" + p.App + "/" + p.Environment
	case jobSign, jobGrant:
		subject = "words/" + p.App + "/" + p.Environment
	case jobPlan, jobPropose:
		subject = "plans/" + p.App + "/" + p.Environment
	}
	j, err := s.ask(ctx, key, store.Job{Kind: kind, Subject: subject, Input: toJSON(v)}, request)
	return &Job{Location: Root + "/jobs/" + number(j.ID), Body: j}, err
}
