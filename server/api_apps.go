package server

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/store"
)

// AppPath names an app in a path.
type AppPath struct {
	App string `path:"app" maxLength:"63" pattern:"^[a-z][a-z0-9-]*$" doc:"The app's name."`
}

// PlacePath names an app in an environment.
type PlacePath struct {
	AppPath
	Environment string `path:"environment" maxLength:"63" pattern:"^[a-z][a-z0-9-]*$" doc:"The environment's name."`
}

// An AppOverview is an app on the server, and what is live of it.
type AppOverview struct {
	store.App
	Environments []AppEnvironment `json:"environments"`
}

// An AppEnvironment is what an environment has of an app.
type AppEnvironment struct {
	Environment string    `json:"environment"`
	Version     string    `json:"version,omitempty"`    // live there
	Deployment  int64     `json:"deployment,omitempty"` // its number
	Since       time.Time `json:"since,omitzero"`
}

func (s *Server) appRoutes(api huma.API) {
	type apps struct {
		Page
		Team string `query:"team" maxLength:"63" doc:"Only those of this team."`
	}
	handle(api, route{"list-apps", http.MethodGet, "/apps", "List the apps", "apps", 200}, func(ctx context.Context, in *apps) (*Body[List[store.App]], error) {
		if err := s.door.May(ctx, caller(ctx), access.Read, access.Object{}); err != nil {
			return nil, err
		}
		all, err := s.store.Apps(ctx, store.AppFilter{Team: in.Team}, in.After, in.Limit+1)
		return &Body[List[store.App]]{Body: listed(all, in.Limit, func(a store.App) string { return a.Name })}, err
	})
	handle(api, route{"get-app", http.MethodGet, "/apps/{app}", "Show an app, and what is live of it", "apps", 200}, func(ctx context.Context, in *AppPath) (*Body[AppOverview], error) {
		a, err := s.app(ctx, in.App, access.Read, "")
		if err != nil {
			return nil, err
		}
		out, err := s.whole(ctx, a)
		return &Body[AppOverview]{Body: out}, err
	})
	handle(api, route{"get-status", http.MethodGet, "/apps/{app}/environments/{environment}", "Show what is live of an app in an environment, and its last runs", "apps", 200}, func(ctx context.Context, in *PlacePath) (*Body[operate.Status], error) {
		return s.status(ctx, *in)
	})
	type entries struct {
		PlacePath
		After int64 `query:"after" minimum:"0" doc:"The number of the last entry that is known."`
	}
	handle(api, route{"get-history", http.MethodGet, "/apps/{app}/environments/{environment}/history", "List the entries of an app's ledger in an environment", "apps", 200}, func(ctx context.Context, in *entries) (*Body[List[ledger.Entry]], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		h, err := s.history(ctx, in.App, in.Environment)
		return &Body[List[ledger.Entry]]{Body: List[ledger.Entry]{Items: orNone(h.Entries[min(int(in.After), len(h.Entries)):])}}, err
	})
	handle(api, route{"list-releases", http.MethodGet, "/apps/{app}/environments/{environment}/releases", "List the releases of an app in an environment, the newest first", "apps", 200}, func(ctx context.Context, in *PlacePath) (*Body[List[ledger.Admission]], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		h, err := s.history(ctx, in.App, in.Environment)
		slices.Reverse(h.Admissions)
		return &Body[List[ledger.Admission]]{Body: List[ledger.Admission]{Items: orNone(h.Admissions)}}, err
	})
	type version struct {
		PlacePath
		Version string `path:"version" maxLength:"128" doc:"The release's version."`
	}
	handle(api, route{"get-release", http.MethodGet, "/apps/{app}/environments/{environment}/releases/{version}", "Show a release", "apps", 200}, func(ctx context.Context, in *version) (*Body[slipway.Release], error) {
		if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
			return nil, err
		}
		var out slipway.Release
		err := s.platformFlow(func(f *pipeline.Flow) error {
			p, err := f.Place(ctx, in.Environment)
			if err != nil {
				return err
			}
			out, _, err = repository.FindRelease(ctx, p.Repository, in.App, in.Version)
			return err
		})
		return &Body[slipway.Release]{Body: out}, err
	})
	s.runRoutes(api)
	s.factRoutes(api)
	s.fileRoutes(api)
	s.changeRoutes(api)
}

// app finds an app and asks whether the caller may do something with it.
func (s *Server) app(ctx context.Context, name string, do access.Action, env string) (store.App, error) {
	a, ok, err := s.store.App(ctx, name)
	if err != nil {
		return a, err
	}
	if err := s.door.May(ctx, caller(ctx), do, access.Object{App: name, Team: a.Team, Environment: env}); err != nil {
		return a, err // who may not is not told either whether there is such an app
	}
	if !ok {
		return a, slipway.Errorf(slipway.NotFound, "there is no app %s on this server", name).WithFix("slipway apps lists those there are; an app comes with the first push of its manifest to the default branch")
	}
	return a, nil
}

// history reads the ledger of an app in an environment that there is.
func (s *Server) history(ctx context.Context, app, env string) (ledger.History, error) {
	p, err := s.platform()
	if err != nil {
		return ledger.History{}, err
	}
	e, ok := p.Environment(env)
	if !ok {
		return ledger.History{}, slipway.Errorf(slipway.NotFound, "there is no environment %s", env)
	}
	if e.LedgerInRepository {
		return ledger.History{}, pipeline.ErrNotTheServers(env)
	}
	return ledger.ReadHistory(ctx, s.host.State().Ledger(), ledger.Subject{App: app, Environment: env})
}

// whole adds to an app what is live of it.
func (s *Server) whole(ctx context.Context, a store.App) (AppOverview, error) {
	out := AppOverview{App: a, Environments: []AppEnvironment{}}
	p, err := s.platform()
	if err != nil {
		return out, err
	}
	for _, env := range p.EnvironmentNames() {
		h, err := s.history(ctx, a.Name, env)
		if err != nil {
			return out, err
		}
		if live, ok := h.Current(); ok {
			out.Environments = append(out.Environments, AppEnvironment{
				Environment: env, Version: live.Plan.Target.Version, Deployment: live.Number, Since: live.Ended,
			})
		}
	}
	return out, nil
}

func (s *Server) status(ctx context.Context, in PlacePath) (*Body[operate.Status], error) {
	if _, err := s.app(ctx, in.App, access.Read, in.Environment); err != nil {
		return nil, err
	}
	var out operate.Status
	err := s.operating(ctx, in.Environment, func(o operate.Stage) (err error) {
		out, err = o.Status(ctx, in.App, 5)
		return err
	})
	return &Body[operate.Status]{Body: out}, err
}

// platformFlow opens a flow of no app, for what needs only the platform.
func (s *Server) platformFlow(fn func(*pipeline.Flow) error) error {
	return s.platformFlowBy(s.settings.Load().text, fn)
}

// platformFlowBy is platformFlow, by a platform file that may hold some time.
func (s *Server) platformFlowBy(platform []byte, fn func(*pipeline.Flow) error) error {
	p, err := pipeline.OpenPlatform(s.whereBy(s.Folder, platform))
	if err != nil {
		return err
	}
	f := s.host.Flow(s.flowConfig(p, "look"))
	defer func() { _ = f.Close() }() // it only clears a folder away that is not there
	return fn(f)
}

// operating opens the stage that looks after an environment.
func (s *Server) operating(ctx context.Context, env string, fn func(operate.Stage) error) error {
	return s.platformFlow(func(f *pipeline.Flow) error {
		o, err := f.Operating(ctx, env)
		if err != nil {
			return err
		}
		return fn(o)
	})
}

func orNone[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
