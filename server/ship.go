package server

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// waitForOthers is how long a deployment waits for whoever else deploys the same
// thing. The job is tried again after that.
const waitForOthers = time.Minute

// ship takes an app at a commit along the road.
func (s *Server) ship(ctx context.Context, j store.Job) (done, error) {
	in, err := input[delivery](j)
	if err != nil {
		return done{}, err
	}
	var out pipeline.Shipped
	err = s.atCommit(ctx, j, in, func(f *pipeline.Flow) error {
		src, _, err := f.Project.Git.Source(ctx, f.Project.Folder, false)
		if err != nil {
			return err
		}
		f.Reviewed = s.reviewing(in.at, in.Commit)
		out, err = f.Ship(ctx, pipeline.ShipInput{
			App: f.Project.Manifest.App, Environment: in.Environment, Version: in.Version, Source: src, Again: in.Again, Drift: in.Drift, By: j.By,
		})
		return err
	})
	return done{value: out}, err
}

// atCommit opens an app at a commit for fn.
func (s *Server) atCommit(ctx context.Context, j store.Job, in delivery, fn func(*pipeline.Flow) error) error {
	return s.checkedOut(ctx, in.at, in.Commit, func(dir string) error {
		return s.inCopy(ctx, j, filepath.Join(dir, filepath.FromSlash(in.Folder)), fn)
	})
}

// inCopy opens the app in a folder of a working copy for fn. What happens there goes
// to the job's log and to the stream of events.
func (s *Server) inCopy(ctx context.Context, j store.Job, dir string, fn func(*pipeline.Flow) error) error {
	return s.inCopyAs(ctx, j, dir, false, fn)
}

// inCopyAs is inCopy; with looking the flow only tells what would change, and signs
// in where it does so as those who may only look.
func (s *Server) inCopyAs(ctx context.Context, j store.Job, dir string, looking bool, fn func(*pipeline.Flow) error) (err error) {
	p, err := pipeline.OpenProject(ctx, s.where(dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := s.mayBuild(j, p.Manifest); err != nil {
		return err
	}
	log, err := s.openLog(ctx, j)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close(ctx)) }()
	c := s.flowConfig(p, j.Kind+" "+p.Manifest.App)
	c.Looking = looking
	c.Permitted = strings.HasPrefix(j.Key, askedKey) // who asked was asked whether they may
	c.Log, c.Emit = log, func(e pipeline.Event) {
		log.event(e)
		s.tell(ctx, j, "stage."+string(e.State), e)
	}
	end, err := s.inSandbox(&c, j)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	f := s.host.Flow(c)
	defer func() { err = errors.Join(err, f.Close()) }()
	return fn(f)
}

// flowConfig is how a flow works on the server.
func (s *Server) flowConfig(p *pipeline.Project, doing string) pipeline.Config {
	return pipeline.Config{
		Project: p, Parts: s.Parts, Authority: s.authority(), AuthorityID: s.id, Cache: filepath.Join(s.Folder, "cache"), Environ: s.Environ, Secrets: s.Secrets, Signer: s.Signer, Version: s.Version,
		Me:    ledger.Holder{Who: s.Me.Who, Process: s.Me.Process, Doing: doing},
		Clock: s.Clock, Emit: func(pipeline.Event) {}, Log: io.Discard, Wait: waitForOthers,
	}
}

// authority is the name under which the server keeps the ledgers.
func (s *Server) authority() string { return cmp.Or(s.URL, "this server") }
