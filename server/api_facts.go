package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
)

// ReleaseFacts is a release with what was found out about it, and what people said.
type ReleaseFacts struct {
	Release  slipway.Release       `json:"release"`
	Checks   []slipway.CheckResult `json:"checks"`
	Set      *slipway.ReleaseSet   `json:"set,omitempty" doc:"The releases that it came there with; none: it came alone."`
	SignOffs []promote.Said        `json:"sign_offs" doc:"What people said before it came there, and whether that is still so."`
}

func (s *Server) factRoutes(api huma.API) {
	const place = "/apps/{app}/environments/{environment}"
	type version struct {
		PlacePath
		Version string `path:"version" maxLength:"128" doc:"The release's version."`
	}
	handle(api, route{"get-release-facts", http.MethodGet, place + "/releases/{version}/facts", "Show a release, what its checks answered and who signed for it", "apps", 200}, func(ctx context.Context, in *version) (*Body[ReleaseFacts], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		var out ReleaseFacts
		err := s.platformFlow(func(f *pipeline.Flow) (err error) {
			if out.Release, err = f.FindRelease(ctx, in.App, in.Version, in.Environment); err != nil {
				return err
			}
			if out.Checks, err = f.CheckResults(ctx, out.Release, in.Environment); err != nil {
				return err
			}
			if out.Set, err = f.SetOf(ctx, out.Release, in.Environment); err != nil {
				return err
			}
			out.SignOffs, err = f.SignOffs(ctx, out.Release, in.Environment)
			return err
		})
		out.Checks, out.SignOffs = orNone(out.Checks), orNone(out.SignOffs)
		return &Body[ReleaseFacts]{Body: out}, err
	})
	type cost struct {
		PlacePath
		Last int `query:"last" minimum:"0" maximum:"200" default:"5" doc:"How many of the last runs are with it."`
	}
	handle(api, route{"get-cost", http.MethodGet, place + "/cost", "Say what runs cost, and will cost", "apps", 200}, func(ctx context.Context, in *cost) (*Body[slipway.Cost], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		var out slipway.Cost
		err := s.operating(ctx, in.Environment, func(o operate.Stage) (err error) {
			out, err = o.Cost(ctx, in.App, in.Last)
			return err
		})
		return &Body[slipway.Cost]{Body: out}, err
	})
	handle(api, route{"get-running", http.MethodGet, place + "/running", "Hold what really runs against what was approved, by digest", "apps", 200}, func(ctx context.Context, in *PlacePath) (*Body[pipeline.Running], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		var out pipeline.Running
		err := s.platformFlow(func(f *pipeline.Flow) (err error) {
			out, err = f.Running(ctx, in.App, in.Environment)
			return err
		})
		return &Body[pipeline.Running]{Body: out}, err
	})
}
