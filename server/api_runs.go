package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/operate"
)

// RunPath names a run in a path.
type RunPath struct {
	PlacePath
	Run string `path:"run" maxLength:"200" doc:"The run's id."`
}

func (s *Server) runRoutes(api huma.API) {
	const place = "/apps/{app}/environments/{environment}"
	type runs struct {
		PlacePath
		Limit int `query:"limit" minimum:"1" maximum:"200" default:"20" doc:"The most runs."`
	}
	handle(api, route{"list-runs", http.MethodGet, place + "/runs", "List runs, the newest first", "runs", 200}, func(ctx context.Context, in *runs) (*Body[List[slipway.Run]], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		var all []slipway.Run
		err := s.operating(ctx, in.Environment, func(o operate.Stage) (err error) {
			all, err = o.Runs(ctx, in.App, in.Limit)
			return err
		})
		return &Body[List[slipway.Run]]{Body: List[slipway.Run]{Items: orNone(all)}}, err
	})
	handle(api, route{"get-run", http.MethodGet, place + "/runs/{run}", "Show a run", "runs", 200}, func(ctx context.Context, in *RunPath) (*Body[slipway.Run], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		var r slipway.Run
		err := s.operating(ctx, in.Environment, func(o operate.Stage) (err error) {
			r, err = o.Run(ctx, in.App, in.Run)
			return err
		})
		return &Body[slipway.Run]{Body: r}, err
	})
	type log struct {
		RunPath
		Follow bool `query:"follow" doc:"Go on until the run has ended."`
	}
	op := text("get-run-log", place+"/runs/{run}/log", "Read what a run printed", "runs")
	huma.Register(api, op, func(ctx context.Context, in *log) (*huma.StreamResponse, error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, problem(err)
		}
		err := s.operating(ctx, in.Environment, func(o operate.Stage) error {
			_, err := o.Run(ctx, in.App, in.Run)
			return err
		})
		if err != nil {
			return nil, problem(err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) { //nolint:contextcheck // it has its own
			ctx, cancel := s.untilLeave(c.Context())
			defer cancel()
			w := s.textBody(c)
			err := s.operating(ctx, in.Environment, func(o operate.Stage) error {
				return o.Logs(ctx, in.App, in.Run, in.Follow, w)
			})
			if err != nil && ctx.Err() == nil {
				s.Log.WarnContext(c.Context(), "send a run's log", "app", in.App, "run", in.Run, "error", err)
			}
		}}, nil
	})
}
