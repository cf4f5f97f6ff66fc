package cli

import (
	"fmt"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/client"
)

// dirtyFlag says which source a command takes.
type dirtyFlag struct {
	Dirty bool `help:"Take the working tree, uncommitted changes included; the version says so."`
}

// sourceFlags say which source a command takes, and what it asks about it.
type sourceFlags struct {
	dirtyFlag
	Again bool `help:"Ask checks again that have passed for the same bytes."`
}

// driftFlag says what to do about changes made by hand.
type driftFlag struct {
	Drift slipway.DriftPolicy `enum:",keep,overwrite,refuse" default:"" placeholder:"POLICY" help:"What to do about changes made by hand on the runtime: keep them, overwrite them, or refuse. Default: what the manifest sets is put back, the rest stays."`
}

// source reads the source, and warns about what is not in it.
func (s *session) source(p *pipeline.Project, dirty bool) (slipway.Source, error) {
	src, untracked, err := p.Git.Source(s.ctx, p.Folder, dirty)
	if err != nil {
		return src, err
	}
	if len(untracked) > 0 && !dirty {
		s.talk.say("  %s", s.talk.paint(yellow, "not committed, so not part of this: "+listed(untracked, 5)))
	}
	return src, nil
}

// listed names the first few of many.
func listed(names []string, most int) string {
	text := ""
	for i, n := range names {
		if i == most {
			return text + fmt.Sprintf(" and %d more", len(names)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += n
	}
	return text
}

type shipCommand struct {
	Environment string `arg:"" optional:"" default:"local" name:"env" help:"Where to. Default: local."`
	sourceFlags
	Release string `placeholder:"VERSION" help:"The release's version. Default: the commit's tag, else one made of its time and name."`
	driftFlag
	Detach bool `help:"Do not wait for the run that run.after_deploy starts."`
}

// Help implements kong.HelpProvider.
func (shipCommand) Help() string {
	return `Builds, checks and releases the commit that is checked out, promotes the release along the environments
that lead to ENV, and deploys it there. It stops at the first closed gate and says what to do; called again, it goes on
where it stopped. With run.after_deploy (the default in local) it starts a run and shows its log.

Example: slipway ship staging

` + exitHelp
}

// Run implements the command.
func (c *shipCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error { return c.remote(s, at, app) }); done {
		return err
	}
	return s.changing("ship "+c.Environment, func(f *pipeline.Flow) error {
		if _, err := f.Project.Road(c.Environment); err != nil {
			return err
		}
		src, err := s.source(f.Project, c.Dirty)
		if err != nil {
			return err
		}
		app := f.Project.Manifest.App
		s.talk.say("ship %s %s to %s", app, orVersion(c.Release, src), c.Environment)
		began := s.env.Clock()
		out, err := f.Ship(s.ctx, pipeline.ShipInput{
			App: app, Environment: c.Environment, Version: c.Release, Source: src, Again: c.Again, Drift: c.Drift, By: s.env.User,
		})
		if err != nil {
			return err
		}
		if out.Run != nil && !c.Detach {
			run, err := s.follow(f, *out.Run)
			if err != nil {
				return err
			}
			out.Run = &run
		}
		return s.shipped(app, c.Environment, out, began)
	})
}

// shipped tells how far a ship came.
func (s *session) shipped(app, env string, out pipeline.Shipped, began time.Time) error {
	if s.globals.JSON {
		return printJSONLine(s.env.Stdout, map[string]any{"result": out})
	}
	s.talk.say("%s %s is live in %s  %s", app, out.Release.Version, env, s.talk.paint(faint, slipway.TookText(s.env.Clock().Sub(began))))
	return nil
}

func orVersion(version string, src slipway.Source) string {
	if version != "" {
		return version
	}
	return src.Version()
}
