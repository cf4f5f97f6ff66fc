package cli

import (
	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/client"
)

type runningCommand struct {
	Environments []string `arg:"" optional:"" name:"env" help:"The environments. Default: all in which something was deployed."`
}

// Help implements kong.HelpProvider.
func (runningCommand) Help() string {
	return `It asks the runtimes what is really there, by digest, and holds it against what the ledger has as approved and deployed.

Example: slipway running prod

Exit codes: 0 what runs is what was approved; 1 something differs; 5 something is not known; others as for slipway ship.`
}

// Run implements the command.
func (c *runningCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		names, err := s.places(at, app, c.Environments)
		if err != nil {
			return err
		}
		all := []pipeline.Running{}
		for _, env := range names {
			r, err := at.Running(s.ctx, app, env)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return s.showRunning(all)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		all, err := c.look(s, f)
		if err != nil {
			return err
		}
		return s.showRunning(all)
	})
}

// showRunning tells what runs. If something is not what was approved, that is the error.
func (s *session) showRunning(all []pipeline.Running) error {
	var err error
	if s.globals.JSON {
		err = printJSON(s.env.Stdout, all)
	} else {
		err = s.printRunning(all)
	}
	if err != nil {
		return err
	}
	return judgeRunning(all)
}

// look asks the named environments, or all in which something was deployed.
func (c *runningCommand) look(s *session, f *pipeline.Flow) ([]pipeline.Running, error) {
	names := c.Environments
	if len(names) == 0 {
		for _, name := range f.Runnable() {
			if h, err := f.History(s.ctx, f.Project.Manifest.App, name); err == nil && len(h.Deployments) > 0 {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return nil, slipway.Errorf(slipway.NotFound, "%s is not deployed anywhere yet", f.Project.Manifest.App).WithFix("slipway ship")
	}
	all := []pipeline.Running{}
	for _, name := range names {
		r, err := f.Running(s.ctx, f.Project.Manifest.App, name)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (s *session) printRunning(all []pipeline.Running) error {
	var rows [][]string
	for _, r := range all {
		rows = append(rows, []string{r.Environment, or(r.Version), or(r.Approved.Script.Short()), or(r.Runs.Script.Short()), or(r.Approved.Definition.Short()), or(r.Runs.Definition.Short()), string(r.Verdict), r.Why})
	}
	return table(s.env.Stdout, "ENVIRONMENT\tAPPROVED\tSCRIPT\tRUNS\tDEFINITION\tRUNS\tVERDICT\t", rows)
}

func or(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// judgeRunning is the error for what is not equal.
func judgeRunning(all []pipeline.Running) error {
	for _, r := range all {
		if r.Verdict == pipeline.RunsDiffers {
			return slipway.Errorf(slipway.Failed, "what runs in %s is not what was approved: %s", r.Environment, r.Why).
				WithFix("slipway drift %s shows what differs; slipway deploy %s %s --drift overwrite puts it right", r.Environment, r.Version, r.Environment)
		}
	}
	for _, r := range all {
		if r.Verdict == pipeline.RunsUnknown {
			return slipway.Errorf(slipway.Unavailable, "nobody can say what runs in %s: %s", r.Environment, r.Why)
		}
	}
	return nil
}
