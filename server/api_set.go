package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// SetRequest asks to bring releases of several apps to an environment, all or none.
type SetRequest struct {
	Members []SetRelease `json:"members" minItems:"1" maxItems:"50" nullable:"false" doc:"The releases, one of each app."`
}

// A SetRelease is a release by its name.
type SetRelease struct {
	App     string `json:"app" minLength:"1" maxLength:"63" doc:"The app's name."`
	Version string `json:"version" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9][A-Za-z0-9_+-]*([.][A-Za-z0-9_+-]+)*[.]?$" doc:"The release's version."`
}

func (s *Server) setRoutes(api huma.API) {
	type request struct {
		Environment string `path:"environment" maxLength:"63" pattern:"^[a-z][a-z0-9-]*$" doc:"The environment's name."`
		Idempotent
		Body SetRequest
	}
	handle(api, route{"promote-set", http.MethodPost, "/environments/{environment}/promotions", "Bring releases of several apps to an environment, all or none", "changes", 202}, func(ctx context.Context, in *request) (*Job, error) {
		if len(in.Body.Members) == 0 {
			return nil, slipway.Errorf(slipway.Invalid, "a set has at least one release")
		}
		set := pipeline.SetInput{Environment: in.Environment, By: caller(ctx).String()}
		for _, m := range in.Body.Members {
			set.Members = append(set.Members, slipway.SetMember{App: m.App, Version: m.Version})
			if _, err := s.app(ctx, m.App, access.Deploy, in.Environment); err != nil {
				return nil, err
			}
			if _, err := s.history(ctx, m.App, in.Environment); err != nil {
				return nil, err
			}
		}
		j, err := s.ask(ctx, in.Idempotent, store.Job{Kind: jobPromoteSet, Subject: "sets/" + in.Environment, Input: toJSON(set)}, in.Body)
		return &Job{Location: Root + "/jobs/" + number(j.ID), Body: j}, err
	})
}

// promoteSet brings releases of several apps to an environment.
func (s *Server) promoteSet(ctx context.Context, j store.Job) (done, error) {
	in, err := input[pipeline.SetInput](j)
	if err != nil {
		return done{}, err
	}
	return s.ofApp(ctx, j, in.Members[0].App, func(f *pipeline.Flow) (any, error) { return f.PromoteSet(ctx, in) })
}
