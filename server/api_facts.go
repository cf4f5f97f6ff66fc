package server

import (
	"bytes"
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

// The types of files that are answered.
const (
	bytesType   = "application/octet-stream"
	dossierType = "application/jsonl"
)

// fileRoutes are those that answer with a file of a release, or with its dossier.
func (s *Server) fileRoutes(api huma.API) {
	type artifact struct {
		PlacePath
		Version string         `path:"version" maxLength:"128" doc:"The release's version."`
		Digest  slipway.Digest `path:"digest" pattern:"^sha256:[0-9a-f]{64}$" doc:"The digest of one of the release's artifacts, of its manifest or of its check results."`
	}
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	huma.Register(api, raw("get-artifact", "/apps/{app}/environments/{environment}/releases/{version}/artifacts/{digest}", "Fetch a file of a release, proved to be what was released", "apps", bytesType, binary), func(ctx context.Context, in *artifact) (*File, error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, problem(err)
		}
		var data []byte
		err := s.platformFlow(func(f *pipeline.Flow) error {
			r, err := f.FindRelease(ctx, in.App, in.Version, in.Environment)
			if err != nil {
				return err
			}
			for _, a := range r.Files() {
				if a.Digest == in.Digest {
					data, err = f.Fetch(ctx, in.Environment, a)
					return err
				}
			}
			return slipway.Errorf(slipway.NotFound, "release %s of %s has no file %s", in.Version, in.App, in.Digest)
		})
		return fileOf(bytesType, data), problem(err)
	})
	type wanted struct {
		AppPath
		Version     string `path:"version" maxLength:"128" doc:"The release's version."`
		Environment string `query:"environment" maxLength:"63" doc:"The last environment on the road; none: the farthest that has the release."`
	}
	huma.Register(api, raw("get-dossier", "/apps/{app}/releases/{version}/dossier", "Write one file that proves a release, from commit to production", "apps", dossierType, binary), func(ctx context.Context, in *wanted) (*File, error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, problem(err)
		}
		var out bytes.Buffer
		err := s.platformFlow(func(f *pipeline.Flow) error {
			h, err := f.WriteDossier(ctx, &out, in.App, in.Version, in.Environment, caller(ctx).String())
			if err != nil {
				return err
			}
			for _, env := range h.Environments {
				if _, err := s.app(ctx, in.App, access.Read, env); err != nil {
					return err
				}
			}
			return nil
		})
		return fileOf(dossierType, out.Bytes()), problem(err)
	})
}
