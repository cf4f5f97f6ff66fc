package cli

import (
	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/server/client"
	"github.com/slipway-cd/slipway/store"
)

// commitHere is the commit that is checked out, if the person stands in the app; else
// the server takes the head of the default branch.
func (s *session) commitHere(app string, dirty bool) (string, error) {
	if dirty {
		return "", slipway.Errorf(slipway.Invalid, "a server takes commits, and no working tree").WithFix("commit and push, or leave --server out")
	}
	if !s.standsInApp() {
		return "", nil
	}
	p, err := s.project("")
	if err != nil || p.Manifest.App != app {
		if err == nil {
			_ = p.Close() // it only ends a process that reads
		}
		return "", nil // it is about another app
	}
	defer func() { _ = p.Close() }() // as above
	src, err := s.source(p, false)
	return src.Commit, err
}

// asked has a server do something as a job, and waits for what comes of it.
func asked[T any](s *session, at *client.Client, ask func(key string) (store.Job, error)) (out T, err error) {
	key, err := s.runID()
	if err != nil {
		return out, err
	}
	j, err := ask(key)
	if err != nil {
		return out, err
	}
	return await[T](s, at, j)
}

func (c *shipCommand) remote(s *session, at *client.Client, app string) error {
	began := s.env.Clock()
	commit, err := s.commitHere(app, c.Dirty)
	if err != nil {
		return err
	}
	out, err := asked[pipeline.Shipped](s, at, func(key string) (store.Job, error) {
		return at.Ship(s.ctx, key, app, c.Environment, server.ShipRequest{Commit: commit, Version: c.Release, Again: c.Again, Drift: c.Drift})
	})
	if err != nil {
		return err
	}
	if out.Run != nil && !c.Detach {
		run, err := s.followAt(at, *out.Run)
		if err != nil {
			return err
		}
		out.Run = &run
	}
	return s.shipped(app, c.Environment, out, began)
}

func (c *releaseCommand) remote(s *session, at *client.Client, app string) error {
	commit, err := s.commitHere(app, c.Dirty)
	if err != nil {
		return err
	}
	r, err := asked[slipway.Release](s, at, func(key string) (store.Job, error) {
		return at.MakeRelease(s.ctx, key, app, c.Environment, server.ReleaseRequest{Commit: commit, Version: c.Version, Again: c.Again})
	})
	if err != nil {
		return err
	}
	return s.showMade(r)
}

func (c *promoteCommand) remote(s *session, at *client.Client, app, version, env string) error {
	out, err := asked[promote.Output](s, at, func(key string) (store.Job, error) {
		return at.Promote(s.ctx, key, app, env, server.PromoteRequest{Version: version})
	})
	if err != nil || !s.globals.JSON {
		return err
	}
	return printJSONLine(s.env.Stdout, map[string]any{"result": out})
}

func (c *planCommand) remote(s *session, at *client.Client, app, version, env string) error {
	in := server.PlanRequest{Version: version, Drift: c.Drift}
	if c.Source {
		commit, err := s.commitHere(app, c.Dirty)
		if err != nil {
			return err
		}
		if commit == "" {
			return slipway.Errorf(slipway.Invalid, "there is no source of %s here to plan for", app).WithFix("call it in the app's folder, or leave --source out")
		}
		in.Commit, in.Version = commit, ""
	}
	p, err := asked[slipway.Plan](s, at, func(key string) (store.Job, error) { return at.Plan(s.ctx, key, app, env, in) })
	if err != nil {
		return err
	}
	return c.show(s, p)
}

// deployedBy waits for a deployment or a rollback at the server, and tells of it.
func (s *session) deployedBy(at *client.Client, ask func(key string) (store.Job, error)) error {
	out, err := asked[deploy.Output](s, at, ask)
	if err != nil {
		return err
	}
	return s.showDeployed(out)
}

// removeAt has the server take a job away.
func (c *removeCommand) removeAt(s *session, at *client.Client, app string) error {
	d, err := asked[slipway.Deployment](s, at, func(key string) (store.Job, error) {
		return at.Remove(s.ctx, key, app, c.Environment, server.RemoveRequest{Former: c.Former})
	})
	if err != nil {
		return err
	}
	if c.Former != "" {
		app = c.Former
	}
	c.tell(s, app, d)
	return nil
}

// followAt shows the log of a run at the server until it has ended, and returns it as it
// ended. A run that did not succeed is an error of kind Failed.
func (s *session) followAt(at *client.Client, run slipway.Run) (slipway.Run, error) {
	log := s.logOfRun()
	err := at.RunLog(s.ctx, run.App, run.Environment, run.ID, true, log)
	if log.is != '\n' {
		s.talk.breakLine()
	}
	if s.ctx.Err() != nil {
		s.talk.say("the run goes on: slipway logs -f %s %s follows it, slipway stop %[1]s %[2]s stops it", run.Environment, run.ID)
	}
	if err != nil {
		return run, err
	}
	if run, err = at.Run(s.ctx, run.App, run.Environment, run.ID); err != nil {
		return run, err
	}
	return run, s.showEnded(run)
}

// remoteRun starts a run at the server and follows it.
func (c *runCommand) remote(s *session, at *client.Client, app, env string, arguments map[string]string) error {
	run, err := asked[slipway.Run](s, at, func(key string) (store.Job, error) {
		return at.StartRun(s.ctx, key, app, env, server.RunRequest{Arguments: arguments})
	})
	if err != nil {
		return err
	}
	if c.Detach {
		return s.printRun(run)
	}
	_, err = s.followAt(at, run)
	return err
}

// places are the environments that a person named, or those in which a server has
// something of an app.
func (s *session) places(at *client.Client, app string, names []string) ([]string, error) {
	if len(names) > 0 {
		return names, nil
	}
	a, err := at.App(s.ctx, app)
	if err != nil {
		return nil, err
	}
	for _, e := range a.Environments {
		names = append(names, e.Environment)
	}
	if len(names) == 0 {
		return nil, slipway.Errorf(slipway.NotFound, "%s is not deployed anywhere yet", app).WithFix("slipway ship")
	}
	return names, nil
}

// costsAt reads what runs cost. Environments that nobody named are left out where
// nobody knows.
func (c *costCommand) costsAt(s *session, at *client.Client, app string) ([]slipway.Cost, error) {
	names, err := s.places(at, app, c.Words)
	if err != nil {
		return nil, err
	}
	costs := []slipway.Cost{}
	for _, env := range names {
		cost, err := at.Cost(s.ctx, app, env, min(max(0, c.Last), 200))
		switch {
		case err == nil:
			costs = append(costs, cost)
		case len(c.Words) > 0 || slipway.KindOf(err) != slipway.Invalid:
			return nil, err
		}
	}
	if len(costs) == 0 {
		return nil, nowherePriced(app)
	}
	return costs, nil
}
