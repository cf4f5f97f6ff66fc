package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/telemetry"
)

// hands are what servers and workers do jobs with.
type hands struct {
	Labels  []string      `name:"label" placeholder:"LABEL,..." env:"SLIPWAY_LABELS" help:"What it can do that not every server or worker can: it does the builds and environments with such runs_on. Default: none."`
	Workers int           `placeholder:"N" default:"4" env:"SLIPWAY_WORKERS" help:"How many builds, checks and deployments at once. Default: 4."`
	Drain   time.Duration `placeholder:"TIME" default:"30s" help:"How long what is under way may take when it is to end. Default: 30s."`
	Lost    time.Duration `placeholder:"TIME" default:"6s" help:"How long it may say nothing until others with its --database go on with what it did. Default: 6s."`
}

// runProcess runs a server or a worker that open opens, until the command is to end.
// The listener is nil where it listens nowhere.
func (s *session) runProcess(open func(*session, *telemetry.Telemetry) (*server.Server, net.Listener, error)) error {
	if s.globals.Platform == "" {
		s.globals.Platform = nearestPlatform(s.env.Dir)
	}
	told, err := telemetry.Open(s.ctx, telemetry.Config{
		Environ: s.env.Environ, Version: s.env.Version, Log: serverLog(s.env), Clock: s.env.Clock,
	})
	if err != nil {
		return err
	}
	srv, listener, err := open(s, told)
	if err == nil {
		err = errors.Join(s.watched(srv, listener), srv.Close())
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, told.Close(late))
}

// serverLog is where a server tells what happens to it: structured lines.
func serverLog(e Env) slog.Handler { return slog.NewJSONHandler(e.Stderr, nil) }

// listen listens on an address.
func (s *session) listen(address string) (net.Listener, error) {
	open, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", address)
	if err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "cannot listen on %s: %w", address, err).WithFix("name another address with --listen, such as 127.0.0.1:0 for any port that is free")
	}
	return open, nil
}

// processConfig is what servers and workers have in common. It makes their data folder.
func (s *session) processConfig(told *telemetry.Telemetry, folder string, with hands) (server.Config, error) {
	menu, err := shapes()
	if err != nil {
		return server.Config{}, err
	}
	data := s.path(folder)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return server.Config{}, slipway.Errorf(slipway.Unavailable, "cannot make the folder %s: %w", data, err).WithFix("name a folder that this user may write, with --data")
	}
	for _, label := range with.Labels {
		if err := manifest.CheckLabel(label); err != nil {
			return server.Config{}, err
		}
	}
	workers := with.Workers
	if workers == 0 {
		workers = -1 // none
	}
	return server.Config{
		Folder: data, Platform: filepath.Clean(s.path(s.globals.Platform)), Store: s.env.Store, Forge: s.env.Forge, Shapes: menu,
		Me: ledger.Holder{Who: s.env.User, Process: s.env.Process, Doing: "serve"}, Environ: withoutKey(s.env.Environ), Secrets: s.env.Secrets, Signer: s.signer(filepath.Join(data, "state")),
		PlanText: markdownPlan, HTTP: &http.Client{Timeout: 30 * time.Second}, Clock: s.env.Clock, Log: told.Log(), Telemetry: told, Version: s.env.Version,
		Labels: with.Labels, Workers: workers, Drain: with.Drain, Lost: with.Lost,
	}, nil
}

// parts are those of the program, with the database that servers and workers share, and
// its name; empty: there is none.
func (d inDatabase) parts(s *session) (parts pipeline.Parts, name string, err error) {
	parts = s.env.Parts
	at, err := d.where(s)
	if err != nil || at == "" {
		return parts, "", err
	}
	parts.State = s.env.Shared(at)
	return parts, store.NameOf(at), nil
}

// needPlatform says that a server or a worker does not do without a platform file.
func (s *session) needPlatform(who string) error {
	if s.globals.Platform != "" {
		return nil
	}
	return slipway.Errorf(slipway.Invalid, "a %s needs a platform file, and there is no %s here or above", who, manifest.PlatformFileName).
		WithFix("name it with --platform; its server.forges says where the repositories are")
}

// openProcess opens a server or a worker in its data folder.
func (s *session) openProcess(c server.Config) (*server.Server, error) {
	srv, err := server.New(s.ctx, c)
	if slipway.KindOf(err) == slipway.Busy {
		return nil, &slipway.Error{Kind: slipway.Busy, Message: err.Error(), Fix: "a data folder has one server or worker: stop that one first, or name another folder with --data"}
	}
	return srv, err
}

// watched is serve, of which whoever started this process is told.
func (s *session) watched(srv *server.Server, listener net.Listener) error {
	boss := supervisorOf(s.env)
	boss.say(s.ctx, "READY=1")
	defer context.AfterFunc(s.ctx, func() { boss.say(context.WithoutCancel(s.ctx), "STOPPING=1") })()
	watching, stop := context.WithCancel(context.WithoutCancel(s.ctx)) // while it drains, too
	done := make(chan struct{})
	go func() {
		defer close(done)
		boss.watched(watching, srv.Well)
	}()
	defer func() {
		stop()
		<-done
	}()
	return serve(s.ctx, srv, listener)
}

// serve answers requests and does jobs until ctx is done. It stops answering once
// what is under way has had its time.
func serve(ctx context.Context, srv *server.Server, listener net.Listener) error {
	h := &http.Server{Handler: srv.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	defer context.AfterFunc(ctx, srv.Leave)()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if listener == nil {
			return nil
		}
		if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		err := srv.Run(ctx)
		srv.Leave()
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return errors.Join(err, h.Shutdown(late))
	})
	return g.Wait()
}
