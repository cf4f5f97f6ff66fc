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
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/server/signin"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/telemetry"
)

type serveCommand struct {
	inDatabase

	Data    string        `placeholder:"DIR" default:"slipway-data" env:"SLIPWAY_DATA" help:"The folder in which the server keeps what it has. Default: slipway-data."`
	Listen  string        `placeholder:"ADDRESS" default:"127.0.0.1:8420" env:"SLIPWAY_LISTEN" help:"Where it listens. Default: 127.0.0.1:8420, this machine alone."`
	URL     string        `name:"url" placeholder:"URL" help:"Its address, as people and forges reach it. Default: server.url of the platform file."`
	Workers int           `placeholder:"N" default:"4" help:"How many builds, checks and deployments at once. Default: 4."`
	Drain   time.Duration `placeholder:"TIME" default:"30s" help:"How long what is under way may take when the server is to end. Default: 30s."`
	Lost    time.Duration `placeholder:"TIME" default:"6s" help:"How long a server may say nothing until others with its --database go on with what it did. Default: 6s."`
}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	return `Takes commits from the forges that the platform file names, along the road: a push to the default branch is
built, checked, released and deployed; a pull request is told what is missing for a merge. It may be killed at any time: the
next start goes on where it was. One process works in a data folder at a time. Servers with one --database, each with a data
folder of its own, share all work: when one of them is lost the others go on with what it did.

Example: slipway serve --platform platform.yaml --data /var/lib/slipway
Example: slipway serve --platform platform.yaml --data /var/lib/slipway --database postgres://slipway@db/slipway

` + exitHelp
}

// Run implements the command.
func (c *serveCommand) Run(s *session) error {
	if s.globals.Platform == "" {
		s.globals.Platform = nearestPlatform(s.env.Dir)
	}
	told, err := telemetry.Open(s.ctx, telemetry.Config{
		Environ: s.env.Environ, Version: s.env.Version, Log: serverLog(s.env), Clock: s.env.Clock,
	})
	if err != nil {
		return err
	}
	srv, listener, err := c.open(s, told)
	if err == nil {
		err = errors.Join(c.watched(s, srv, listener), srv.Close())
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, told.Close(late))
}

// serverLog is where a server tells what happens to it: structured lines.
func serverLog(e Env) slog.Handler { return slog.NewJSONHandler(e.Stderr, nil) }

// open opens the server's folder and listens.
func (c *serveCommand) open(s *session, told *telemetry.Telemetry) (srv *server.Server, listener net.Listener, err error) {
	if s.globals.Platform == "" {
		return nil, nil, slipway.Errorf(slipway.Invalid, "a server needs a platform file, and there is no %s here or above", manifest.PlatformFileName).
			WithFix("name it with --platform; its server.forges says where the repositories are")
	}
	menu, err := shapes()
	if err != nil {
		return nil, nil, err
	}
	parts, name, err := c.parts(s)
	if err != nil {
		return nil, nil, err
	}
	data := s.path(c.Data)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, nil, slipway.Errorf(slipway.Unavailable, "cannot make the folder %s: %w", data, err).WithFix("name a folder that this user may write, with --data")
	}
	open, err := (&net.ListenConfig{}).Listen(s.ctx, "tcp", c.Listen)
	if err != nil {
		return nil, nil, slipway.Errorf(slipway.Unavailable, "cannot listen on %s: %w", c.Listen, err).WithFix("name another address with --listen, such as 127.0.0.1:0 for any port that is free")
	}
	defer func() {
		if err != nil {
			_ = open.Close() // the first error is the one to tell
		}
	}()
	srv, err = server.New(s.ctx, server.Config{
		Folder: data, Platform: filepath.Clean(s.path(s.globals.Platform)), URL: c.URL, Address: "http://" + open.Addr().String(), Parts: parts, Store: s.env.Store, Forge: s.env.Forge, Shapes: menu,
		Me: ledger.Holder{Who: s.env.User, Process: s.env.Process, Doing: "serve"}, Environ: withoutKey(s.env.Environ), Secrets: s.env.Secrets, Signer: s.signer(filepath.Join(data, "state")),
		Door: func(st *store.Store, url string, rules func() (access.Rules, error)) server.Doorkeeper {
			return s.door(st, url, rules, told.Log())
		},
		PlanText: markdownPlan, HTTP: &http.Client{Timeout: 30 * time.Second}, Clock: s.env.Clock, Log: told.Log(), Telemetry: told, Version: s.env.Version, Workers: c.Workers, Drain: c.Drain, Lost: c.Lost,
	})
	if slipway.KindOf(err) == slipway.Busy {
		err = &slipway.Error{Kind: slipway.Busy, Message: err.Error(), Fix: "a data folder has one server: stop that one first, or name another folder with --data"}
	}
	if err != nil {
		return nil, nil, err
	}
	s.talk.say("slipway serves on %s, over %s%s", srv.URL, data, name)
	if address := "http://" + open.Addr().String(); address != srv.URL {
		s.talk.say("it listens on %s", address)
	}
	return srv, open, nil
}

// parts are those of the program, with the database that the server is to have, and
// how people are told of it.
func (c *serveCommand) parts(s *session) (pipeline.Parts, string, error) {
	parts := s.env.Parts
	at, err := c.where(s)
	if err != nil || at == "" {
		return parts, "", err
	}
	parts.State = s.env.Shared(at)
	return parts, " and " + store.NameOf(at), nil
}

// watched is serve, of which whoever started this process is told.
func (c *serveCommand) watched(s *session, srv *server.Server, listener net.Listener) error {
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
	return c.serve(s.ctx, srv, listener)
}

// serve answers requests and does jobs until ctx is done. It stops answering once
// what is under way has had its time.
func (c *serveCommand) serve(ctx context.Context, srv *server.Server, listener net.Listener) error {
	h := &http.Server{Handler: srv.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	defer context.AfterFunc(ctx, srv.Leave)()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
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

// door makes the doorkeeper of a server.
func (s *session) door(st *store.Store, url string, rules func() (access.Rules, error), log *slog.Logger) *signin.Door {
	return signin.New(signin.Config{
		Store: st, URL: url, Secrets: s.env.Secrets, Clock: s.env.Clock, Log: log,
		Rules: rules, Teams: st.AppTeams,
	})
}
