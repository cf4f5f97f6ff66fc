package server

import (
	"context"

	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/store"
)

// PromoteRequest asks to bring a release to an environment.
type PromoteRequest struct {
	Version string `json:"version,omitempty" maxLength:"128" doc:"The release. Default: the newest in the environment before."`
}

// promotion is the input of a job that promotes.
type promotion struct {
	App         string `json:"app"`
	Environment string `json:"environment"`
	PromoteRequest
}

// promote brings a release to an environment.
func (s *Server) promote(ctx context.Context, j store.Job) (done, error) {
	in, err := input[promotion](j)
	if err != nil {
		return done{}, err
	}
	return s.ofApp(ctx, j, in.App, func(f *pipeline.Flow) (any, error) {
		return f.Promote(ctx, promote.Input{App: in.App, Version: in.Version, By: j.By}, in.Environment)
	})
}
