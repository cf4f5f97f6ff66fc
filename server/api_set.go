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
	Members []slipway.SetMember `json:"members" minItems:"1" maxItems:"50" doc:"The releases, one of each app. Their records are looked up."`
}

func (s *Server) setRoutes(api huma.API) {
	type request struct {
		Environment string `path:"environment" maxLength:"63" pattern:"^[a-z][a-z0-9-]*$" doc:"The environment's name."`
		Idempotent
		Body SetRequest
	}
	handle(api, route{"promote-set", http.MethodPost, "/environments/{environment}/promotions", "Bring releases of several apps to an environment, all or none", "changes", 202}, func(ctx context.Context, in *request) (*Job, error) {
		set := pipeline.SetInput{Environment: in.Environment, Members: in.Body.Members, By: caller(ctx).String()}
		for _, m := range set.Members {
			if err := slipway.CheckVersion(m.Version); err != nil {
				return nil, err
			}
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
