package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/pipeline"
)

// SignOffRequest asks to sign for a release on behalf of the caller.
type SignOffRequest struct {
	Version string         `json:"version,omitempty" maxLength:"128" doc:"The release. Default: the newest in the environment before."`
	Role    string         `json:"role" minLength:"1" maxLength:"63" doc:"The role in which the caller signs."`
	Answer  slipway.Answer `json:"answer,omitempty" enum:"yes,no,withdrawn" default:"yes" doc:"What the caller says to it."`
	Comment string         `json:"comment,omitempty" maxLength:"2000" doc:"What the caller has to say."`
	Until   *time.Time     `json:"until,omitempty" doc:"When a yes ends. Default: it has no end but the platform's."`
}

// GrantRequest asks to open a guard rail for an app.
type GrantRequest struct {
	Rail  string    `json:"rail" minLength:"1" maxLength:"63" doc:"The guard rail, of effect exception."`
	Why   string    `json:"why" minLength:"1" maxLength:"2000" doc:"Why."`
	Until time.Time `json:"until" doc:"When it ends."`
	Limit string    `json:"limit,omitempty" maxLength:"2000" doc:"Where it opens the rail: a condition over the facts. Default: everywhere."`
}

// RevokeRequest asks to take back what opens a guard rail.
type RevokeRequest struct {
	Why string `json:"why" minLength:"1" maxLength:"2000" doc:"Why."`
}

func (s *Server) wordRoutes(api huma.API) {
	const place = "/apps/{app}/environments/{environment}"
	handle(api, route{"sign-off", http.MethodPost, place + "/sign-offs", "Sign for a release: the server signs for the caller, where the platform lets it", "changes", 202}, func(ctx context.Context, in *change[SignOffRequest]) (*Job, error) {
		said := speaking{Version: in.Body.Version, Role: in.Body.Role, Answer: in.Body.Answer, Text: in.Body.Comment}
		if in.Body.Until != nil {
			said.Until = in.Body.Until.UTC()
		}
		return s.speech(ctx, in.PlacePath, in.Idempotent, jobSign, said)
	})
	handle(api, route{"grant", http.MethodPost, place + "/grants", "Open a guard rail for an app: the server signs for the caller, where the platform lets it", "changes", 202}, func(ctx context.Context, in *change[GrantRequest]) (*Job, error) {
		said := speaking{Rail: in.Body.Rail, Text: strings.TrimSpace(in.Body.Why), Limit: in.Body.Limit, Until: in.Body.Until.UTC()}
		return s.speech(ctx, in.PlacePath, in.Idempotent, jobGrant, said)
	})
	type revoke struct {
		PlacePath
		Idempotent
		Rail string `path:"rail" maxLength:"63" doc:"The guard rail."`
		Body RevokeRequest
	}
	handle(api, route{"revoke", http.MethodPost, place + "/grants/{rail}/revoke", "Take back all that opens a guard rail for an app", "changes", 202}, func(ctx context.Context, in *revoke) (*Job, error) {
		return s.speech(ctx, in.PlacePath, in.Idempotent, jobGrant, speaking{Rail: in.Rail, Text: strings.TrimSpace(in.Body.Why), Revoke: true})
	})
	type listed struct {
		PlacePath
		Page
	}
	handle(api, route{"list-grants", http.MethodGet, place + "/grants", "List who opened which guard rail for an app, and whether that still holds", "apps", 200}, func(ctx context.Context, in *listed) (*Body[List[pipeline.Granted]], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		if _, err := s.history(ctx, in.App, in.Environment); err != nil {
			return nil, err
		}
		var all []pipeline.Granted
		err := s.platformFlow(func(f *pipeline.Flow) (err error) {
			all, err = f.GrantsOf(ctx, in.App, in.Environment)
			return err
		})
		if err != nil {
			return nil, err
		}
		return &Body[List[pipeline.Granted]]{Body: paged(all, in.Page, func(g pipeline.Granted) string { return string(g.Statement) })}, nil
	})
}
