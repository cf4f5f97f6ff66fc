package cli

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/client"
	"github.com/slipway-cd/slipway/shape"
)

// session is one command under way.
type session struct {
	ctx     context.Context //nolint:containedctx // a session is one command, and lives as long
	env     Env
	talk    *talk
	globals Globals
}

// project finds the app that the command is about.
func (s *session) project(app string) (*pipeline.Project, error) {
	if app == "" {
		app = s.globals.App
	}
	menu, err := s.shapes()
	if err != nil {
		return nil, err
	}
	return pipeline.OpenProject(s.ctx, s.whereabouts(app, menu))
}

// whereabouts says which app and which platform file are meant.
func (s *session) whereabouts(app string, menu shape.Menu) pipeline.Where {
	return pipeline.Where{Dir: s.env.Dir, App: app, Platform: s.globals.Platform, Environ: s.env.Environ, Shapes: menu}
}

// reading opens the app for a command that changes nothing, and closes it after
// fn.
func (s *session) reading(app string, fn func(*pipeline.Flow) error) error {
	return s.with(app, "", pipeline.NewReader, fn)
}

// changing opens the app for a command that changes something.
func (s *session) changing(doing string, fn func(*pipeline.Flow) error) error {
	return resumable(s.with("", doing, pipeline.New, fn))
}

func resumable(err error) error {
	if errors.Is(err, context.Canceled) {
		return interrupted(err).WithFix("nothing is half done: call it again and it goes on where it stopped")
	}
	return err
}

// planning opens the app for a command that tells what would change in an
// environment. It may build for that, which changes nothing but the state folder.
func (s *session) planning(builds bool, fn func(*pipeline.Flow) error) error {
	looking := func(open opener) opener {
		return func(ctx context.Context, c pipeline.Config) (*pipeline.Flow, error) {
			c.Looking = true
			return open(ctx, c)
		}
	}
	if builds {
		return resumable(s.with("", "plan", looking(pipeline.New), fn))
	}
	return s.with("", "", looking(pipeline.NewReader), fn)
}

// An opener is pipeline.New or pipeline.NewReader.
type opener func(context.Context, pipeline.Config) (*pipeline.Flow, error)

func (s *session) with(app, doing string, open opener, fn func(*pipeline.Flow) error) error {
	p, err := s.project(app)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // it only ends a process that reads
	return s.within(p, doing, open, fn)
}

// within opens a project for fn, and closes it after.
func (s *session) within(p *pipeline.Project, doing string, open opener, fn func(*pipeline.Flow) error) error {
	log := io.Discard
	if s.globals.Verbose {
		log = s.talk
	}
	at, err := s.remote()
	if err != nil {
		return err
	}
	var elsewhere pipeline.Ledger // commands that a server does have not come here
	if at != nil {
		elsewhere = client.Ledger{Client: at}
	}
	c := s.config(p, doing)
	c.Elsewhere, c.Log, c.Signer = elsewhere, log, s.signer(p.State)
	return run(s.ctx, c, open, fn)
}

// config is what a flow gets from a command.
func (s *session) config(p *pipeline.Project, doing string) pipeline.Config {
	return pipeline.Config{
		Project: p, Parts: s.env.Parts, Cache: s.env.Cache, Environ: withoutKey(s.env.Environ), Secrets: s.env.Secrets,
		Me:    ledger.Holder{Who: s.env.User, Process: s.env.Process, Doing: doing},
		Clock: s.env.Clock, Emit: s.talk.event, Log: io.Discard, Wait: waitForOthers, Version: s.env.Version,
	}
}

// run opens a flow for fn, and closes it after.
func run(ctx context.Context, c pipeline.Config, open opener, fn func(*pipeline.Flow) error) error {
	f, err := open(ctx, c)
	if err != nil {
		return err
	}
	if err := fn(f); err != nil {
		_ = f.Close() // the first error is the one to tell
		return err
	}
	return f.Close()
}

// waitForOthers is how long a command waits for another one that changes the
// same thing.
const waitForOthers = 10 * time.Minute

// appAndEnvironment splits a command's words, [APP] ENV, with a default for ENV.
func appAndEnvironment(words []string, otherwise string) (app, env string, err error) {
	switch len(words) {
	case 0:
		if otherwise != "" {
			return "", otherwise, nil
		}
		return "", "", slipway.Errorf(slipway.Invalid, "name an environment")
	case 1:
		return "", words[0], nil
	case 2:
		return words[0], words[1], nil
	}
	return "", "", slipway.Errorf(slipway.Invalid, "too many words: %s", strings.Join(words, " ")).WithFix("give an app and an environment, in this order")
}

// neverEnvironment is what no environment is called, and releases are.
var neverEnvironment = regexp.MustCompile(`^[0-9]|[^a-z0-9-]`)

// versionAndEnvironment splits a command's words, [RELEASE] ENV.
func versionAndEnvironment(words []string) (version, env string, err error) {
	switch len(words) {
	case 1:
		if neverEnvironment.MatchString(words[0]) {
			return "", "", slipway.Errorf(slipway.Invalid, "%s is a release, and the environment is missing", words[0]).
				WithFix("put it behind, such as: %s staging", words[0])
		}
		return "", words[0], nil
	case 2:
		return words[0], words[1], nil
	}
	return "", "", slipway.Errorf(slipway.Invalid, "give a release and an environment, in this order, or the environment alone").
		WithFix("such as: v1.4.0 staging")
}
