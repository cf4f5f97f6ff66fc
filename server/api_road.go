package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// ReleaseRequest asks for a release.
type ReleaseRequest struct {
	Commit  string `json:"commit,omitempty" pattern:"^([0-9a-f]{40})?$" doc:"The commit. Default: the head of the default branch."`
	Version string `json:"version,omitempty" maxLength:"128" pattern:"^([A-Za-z0-9]([A-Za-z0-9_+-]|[.][A-Za-z0-9_+-])*[.]?)?$" doc:"Its version. Default: the commit's tag, else one made of its time and name."`
	Again   bool   `json:"again,omitempty" doc:"Ask checks again that have passed for the same bytes."`
}

// PlanRequest asks what a deployment would change.
type PlanRequest struct {
	Version string              `json:"version,omitempty" maxLength:"128" doc:"The release. Default: the newest."`
	Commit  string              `json:"commit,omitempty" pattern:"^([0-9a-f]{40})?$" doc:"A commit to build and plan for, instead of a release."`
	Drift   slipway.DriftPolicy `json:"drift,omitempty" enum:"keep,overwrite,refuse" doc:"What to do about changes made by hand on the runtime. Default: what the manifest sets is put back, the rest stays."`
}

// RemoveRequest asks that a job is taken away.
type RemoveRequest struct {
	Former string `json:"former,omitempty" maxLength:"63" pattern:"^([a-z][a-z0-9-]*)?$" doc:"Take away what this app, under a name that it had before, left behind."`
}

// removing is the input of a job that takes a job away.
type removing struct {
	App         string `json:"app"`
	Environment string `json:"environment"`
	RemoveRequest
	Number int64 `json:"number,omitempty"` // of the deployment that is taken away, once it is known
}

func (s *Server) roadRoutes(api huma.API) {
	const place = "/apps/{app}/environments/{environment}"
	handle(api, route{"plan", http.MethodPost, place + "/plans", "Say what deploying a release, or a commit, would change", "changes", 202}, func(ctx context.Context, in *change[PlanRequest]) (*Job, error) {
		do := access.Read
		if in.Body.Commit != "" {
			if in.Body.Version != "" {
				return nil, slipway.Errorf(slipway.Invalid, "a plan is for a release or for a commit, not for both")
			}
			do = access.Build
		}
		return s.change(ctx, in.PlacePath, in.Idempotent, jobPlan, do, in.Body, func(a store.App) (any, error) {
			d := delivery{at: at{a.Forge, a.Repository}, App: a.Name, Folder: a.Folder, Commit: in.Body.Commit, Version: in.Body.Version, Environment: in.Environment}
			d.Drift = in.Body.Drift
			return d, nil
		})
	})
	handle(api, route{"release", http.MethodPost, place + "/releases", "Build and check a commit, and fix it as a release on its way to an environment", "changes", 202}, func(ctx context.Context, in *change[ReleaseRequest]) (*Job, error) {
		return s.change(ctx, in.PlacePath, in.Idempotent, jobRelease, access.Release, in.Body, func(a store.App) (any, error) {
			d, err := s.deliveryOf(a, in.Environment, in.Body.Commit, in.Body.Version)
			d.Again = in.Body.Again
			return d, err
		})
	})
	handle(api, route{"promote", http.MethodPost, place + "/promotions", "Bring a release to an environment from the one that it follows", "changes", 202}, func(ctx context.Context, in *change[PromoteRequest]) (*Job, error) {
		return s.change(ctx, in.PlacePath, in.Idempotent, jobPromote, access.Deploy, in.Body, func(a store.App) (any, error) {
			return promotion{App: a.Name, Environment: in.Environment, PromoteRequest: in.Body}, nil
		})
	})
	handle(api, route{"remove", http.MethodPost, place + "/removals", "Take the job away from an environment", "changes", 202}, func(ctx context.Context, in *change[RemoveRequest]) (*Job, error) {
		return s.change(ctx, in.PlacePath, in.Idempotent, jobRemove, access.Deploy, in.Body, func(a store.App) (any, error) {
			return removing{App: a.Name, Environment: in.Environment, RemoveRequest: in.Body}, nil
		})
	})
}

// deliveryOf is an app at a commit, by default at the head of the default branch.
func (s *Server) deliveryOf(a store.App, env, commit, version string) (delivery, error) {
	d := delivery{at: at{a.Forge, a.Repository}, App: a.Name, Folder: a.Folder, Commit: a.Commit, Environment: env, Version: version}
	if commit != "" {
		d.Commit = commit
	}
	if d.Version != "" {
		return d, slipway.CheckVersion(d.Version)
	}
	return d, nil
}
