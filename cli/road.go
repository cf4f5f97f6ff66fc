package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/server/client"
	"github.com/slipway-cd/slipway/store"
)

type buildCommand struct {
	dirtyFlag
	Output string `short:"o" placeholder:"DIR" help:"Copy the artifacts to a folder."`
}

// Help implements kong.HelpProvider.
func (buildCommand) Help() string {
	return `Builds the commit that is checked out: a notebook becomes a script, helper modules become one zip, steps of
the team's own run in a clean copy of the committed tree. What was built before from the same input is not built again.

Example: slipway build -o dist

` + exitHelp
}

// Run implements the command.
func (c *buildCommand) Run(s *session) error {
	return s.building("build", c.Dirty, func(_ *pipeline.Flow, _ slipway.Source, b pipeline.Built) error {
		for _, a := range b.Artifacts {
			to, err := b.Path(a), error(nil)
			if c.Output != "" {
				to, err = s.copyArtifact(b, a, c.Output)
			}
			if err != nil {
				return err
			}
			if !s.globals.JSON {
				fmt.Fprintln(s.env.Stdout, to)
			}
		}
		if s.globals.JSON {
			return printJSONLine(s.env.Stdout, map[string]any{"result": b})
		}
		return nil
	})
}

// building builds the source for a command that takes it further.
func (s *session) building(doing string, dirty bool, fn func(*pipeline.Flow, slipway.Source, pipeline.Built) error) error {
	return s.changing(doing, func(f *pipeline.Flow) error {
		src, err := s.source(f.Project, dirty)
		if err != nil {
			return err
		}
		b, err := f.Build(s.ctx, src)
		if err != nil {
			return err
		}
		return fn(f, src, b)
	})
}

func (s *session) copyArtifact(b pipeline.Built, a slipway.Artifact, dir string) (string, error) {
	dir = s.path(dir)
	data, err := os.ReadFile(b.Path(a))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, a.Name), writeFile(filepath.Join(dir, a.Name), data)
}

// path makes a path that a person gave absolute.
func (s *session) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(s.env.Dir, p)
}

// writeFile writes a file wholly or not at all.
func writeFile(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return cannotWrite(file, err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+"-")
	if err != nil {
		return cannotWrite(file, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return cannotWrite(file, err)
	}
	return nil
}

func cannotWrite(file string, err error) error {
	e := slipway.Errorf(slipway.Unavailable, "cannot write %s: %w", file, reason(err))
	if errors.Is(err, fs.ErrPermission) {
		return e.WithFix("choose another place, or give this user write permission there")
	}
	return e
}

type checkCommand struct {
	sourceFlags
}

// Help implements kong.HelpProvider.
func (checkCommand) Help() string {
	return `Builds the commit that is checked out and asks the manifest's checks about it, in a clean copy of the
committed tree. Cells of the notebook that are tagged tests are a check of their own, notebook-tests. A check that
passed before for the same bytes is not asked again; --again asks it.

Example: slipway check --dirty

` + exitHelp
}

// Run implements the command.
func (c *checkCommand) Run(s *session) error {
	return s.building("check", c.Dirty, func(f *pipeline.Flow, src slipway.Source, b pipeline.Built) error {
		results, err := f.Check(s.ctx, src, b, c.Again)
		if s.globals.JSON && results != nil {
			if perr := printJSONLine(s.env.Stdout, map[string]any{"result": results}); perr != nil {
				return perr
			}
		}
		return err
	})
}

type releaseCommand struct {
	Version     string `arg:"" optional:"" help:"The version. Default: the commit's tag, else one made of its time and name."`
	Environment string `name:"env" default:"local" help:"The environment that the release is on its way to; it is made where the road to it begins."`
	sourceFlags
}

// Help implements kong.HelpProvider.
func (releaseCommand) Help() string {
	return `Builds and checks the commit that is checked out, and fixes the artifacts, the resolved manifest and the check
results under their digests. Nothing in a release ever changes.

Example: slipway release v1.4.0 --env staging

` + exitHelp
}

// Run implements the command.
func (c *releaseCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error { return c.remote(s, at, app) }); done {
		return err
	}
	return s.changing("release", func(f *pipeline.Flow) error {
		src, err := s.source(f.Project, c.Dirty)
		if err != nil {
			return err
		}
		r, err := f.Release(s.ctx, pipeline.ShipInput{
			App: f.Project.Manifest.App, Environment: c.Environment, Version: c.Version, Source: src, Again: c.Again, By: s.env.User,
		})
		if err != nil {
			return err
		}
		return s.showMade(r)
	})
}

// showMade tells of a release that was made.
func (s *session) showMade(r slipway.Release) error {
	if s.globals.JSON {
		return printJSONLine(s.env.Stdout, map[string]any{"result": r})
	}
	fmt.Fprintln(s.env.Stdout, r.Version)
	return nil
}

type promoteCommand struct {
	Words []string `arg:"" name:"release-env" help:"The release, by default the newest, and the environment to take it to. Several, as APP@VERSION, come there together."`
	Set   string   `placeholder:"FILE" help:"Releases that come there together: APP@VERSION, one a line."`
}

// Help implements kong.HelpProvider.
func (promoteCommand) Help() string {
	return `Copies a release's bytes from the environment that ENV follows to ENV's artifact repository, and proves that
they are the same there. Releases of several apps come there together or not at all: sign-offs, guard rails, soak times and
quarantines of all are looked at first.

Example: slipway promote v1.4.0 staging
Example: slipway promote roads@v1.4.0 traffic@v2.0.1 staging

` + exitHelp
}

// Run implements the command.
func (c *promoteCommand) Run(s *session) error {
	if c.isSet() {
		return c.promoteSet(s)
	}
	version, env, err := versionAndEnvironment(c.Words)
	if err != nil {
		return err
	}
	if done, err := s.elsewhere("", func(at *client.Client, app string) error { return c.remote(s, at, app, version, env) }); done {
		return err
	}
	return s.changing("promote to "+env, func(f *pipeline.Flow) error {
		out, err := f.Promote(s.ctx, promote.Input{App: f.Project.Manifest.App, Version: version, By: s.env.User}, env)
		if err != nil || !s.globals.JSON {
			return err
		}
		return printJSONLine(s.env.Stdout, map[string]any{"result": out})
	})
}

type planCommand struct {
	Words    []string `arg:"" name:"release-env" help:"The release, by default the newest there, and the environment."`
	Out      string   `placeholder:"FILE" help:"Save the plan, for slipway deploy --plan."`
	Source   bool     `help:"Plan for the source as it stands, without a release."`
	Dirty    bool     `help:"With --source: take the working tree, uncommitted changes included."`
	Markdown bool     `help:"Print Markdown, for a comment on a pull request."`
	driftFlag
}

// Help implements kong.HelpProvider.
func (planCommand) Help() string {
	return `It goes field by field, and changes nothing. Guard rails that the plan runs into are shown with it; if one is closed,
the command ends with exit code 3.

Example: slipway plan staging

` + exitHelp
}

// Run implements the command.
func (c *planCommand) Run(s *session) error {
	version, env, err := versionAndEnvironment(c.Words)
	if err != nil {
		return err
	}
	if done, err := s.elsewhere("", func(at *client.Client, app string) error { return c.remote(s, at, app, version, env) }); done {
		return err
	}
	return s.planning(c.Source, func(f *pipeline.Flow) error {
		p, err := c.plan(s, f, version, env)
		if err != nil {
			return err
		}
		return c.show(s, p)
	})
}

// show prints a plan, and keeps it. If a gate is closed, that is the error.
func (c *planCommand) show(s *session, p slipway.Plan) (err error) {
	if c.Out != "" {
		data, err := json.MarshalIndent(p, "", "  ")
		if err != nil {
			return err
		}
		if err := writeFile(s.path(c.Out), append(data, '\n')); err != nil {
			return err
		}
	}
	switch {
	case s.globals.JSON:
		err = printJSON(s.env.Stdout, p)
	case c.Markdown:
		err = markdownPlan(s.env.Stdout, p)
	default:
		s.printPlan(s.env.Stdout, p)
	}
	if err != nil {
		return err
	}
	return pipeline.Closed(p)
}

func (c *planCommand) plan(s *session, f *pipeline.Flow, version, env string) (slipway.Plan, error) {
	if !c.Source {
		return f.Plan(s.ctx, pipeline.DeployInput{App: f.Project.Manifest.App, Environment: env, Version: version, Drift: c.Drift})
	}
	src, err := s.source(f.Project, c.Dirty)
	if err != nil {
		return slipway.Plan{}, err
	}
	return f.PlanSource(s.ctx, src, env, c.Drift)
}

type deployCommand struct {
	Words []string `arg:"" optional:"" name:"release-env" help:"The release, by default the newest there, and the environment."`
	Plan  string   `placeholder:"FILE" help:"Apply a plan that slipway plan --out saved, as it stands; it is refused if the world has moved since."`
	driftFlag
}

// Help implements kong.HelpProvider.
func (deployCommand) Help() string {
	return `The release must be in the environment already: slipway promote brings it there. With --plan nothing else is needed,
for the plan says what goes where. It starts no run.

Example: slipway deploy v1.4.0 staging

` + exitHelp
}

// Run implements the command.
func (c *deployCommand) Run(s *session) error {
	version, env, plan, err := c.what(s)
	if err != nil {
		return err
	}
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		return s.deployedBy(at, func(key string) (store.Job, error) {
			return at.Deploy(s.ctx, key, app, env, server.DeployRequest{Version: version, Plan: plan, Drift: c.Drift})
		})
	}); done {
		return err
	}
	return s.changing("deploy to "+env, func(f *pipeline.Flow) error {
		out, err := f.Deploy(s.ctx, pipeline.DeployInput{App: f.Project.Manifest.App, Environment: env, Version: version, Plan: plan, Drift: c.Drift, By: s.env.User})
		if err != nil {
			return err
		}
		return s.showDeployed(out)
	})
}

// what is to be deployed where: a plan says it all by itself.
func (c *deployCommand) what(s *session) (version, env string, plan *slipway.Plan, err error) {
	if c.Plan == "" {
		version, env, err = versionAndEnvironment(c.Words)
		return version, env, nil, err
	}
	switch len(c.Words) {
	case 0:
	case 1:
		env = c.Words[0]
	default:
		return "", "", nil, slipway.Errorf(slipway.Invalid, "a plan says which release it is for; give --plan or a release, not both")
	}
	if plan, err = s.readPlan(c.Plan, env); err != nil {
		return "", "", nil, err
	}
	return plan.Target.Version, plan.Target.Environment, plan, nil
}

func (s *session) readPlan(file, env string) (*slipway.Plan, error) {
	data, err := os.ReadFile(s.path(file))
	if err != nil {
		return nil, slipway.Errorf(slipway.NotFound, "cannot read the plan %s: %w", file, reason(err)).
			WithFix("slipway plan %s --out FILE saves one", orEnv(env))
	}
	var p slipway.Plan
	if err := json.Unmarshal(data, &p); err != nil || p.Target.App == "" {
		return nil, slipway.Errorf(slipway.Invalid, "%s is not a plan", file).WithFix("slipway plan %s --out FILE saves one", orEnv(env))
	}
	if env != "" && p.Target.Environment != env {
		return nil, slipway.Errorf(slipway.Invalid, "%s is a plan for %s, not for %s", file, p.Target.Environment, env).
			WithFix("slipway deploy --plan %s deploys it to %s", file, p.Target.Environment)
	}
	return &p, nil
}

// orEnv stands in for an environment that was not given.
func orEnv(env string) string {
	if env == "" {
		return "ENV"
	}
	return env
}

type rollbackCommand struct {
	Environment string `arg:"" name:"env" help:"The environment."`
	To          int64  `placeholder:"NUMBER" help:"The deployment to bring back, as slipway history numbers them. Default: the one before."`
	driftFlag
}

// Help implements kong.HelpProvider.
func (rollbackCommand) Help() string {
	return `Deploys, exactly, the definition and script that were live before. Nothing is built, and git is not asked.

Example: slipway rollback staging

` + exitHelp
}

// Run implements the command.
func (c *rollbackCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		return s.deployedBy(at, func(key string) (store.Job, error) {
			return at.Rollback(s.ctx, key, app, c.Environment, server.RollbackRequest{To: c.To, Drift: c.Drift})
		})
	}); done {
		return err
	}
	return s.changing("rollback "+c.Environment, func(f *pipeline.Flow) error {
		out, err := f.Rollback(s.ctx, pipeline.RollbackInput{
			App: f.Project.Manifest.App, Environment: c.Environment, To: c.To, Drift: c.Drift, By: s.env.User,
		})
		if err != nil {
			return err
		}
		return s.showDeployed(out)
	})
}

// showDeployed tells what a deployment changed.
func (s *session) showDeployed(out deploy.Output) error {
	if s.globals.JSON {
		return printJSONLine(s.env.Stdout, map[string]any{"result": out})
	}
	if out.Made {
		s.printPlan(s.talk, out.Deployment.Plan)
	}
	return nil
}
