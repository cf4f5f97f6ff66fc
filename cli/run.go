package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server/client"
)

type runCommand struct {
	Words    []string `arg:"" optional:"" name:"app-env" help:"The app, by default the one in this folder, and the environment, by default local."`
	Argument []string `short:"A" sep:"none" placeholder:"NAME=VALUE" help:"An argument of this run, over the job's own. May be given often."`
	Detach   bool     `short:"d" help:"Start it, print its id, and do not wait."`
}

// Help implements kong.HelpProvider.
func (runCommand) Help() string {
	return `It is a run of what is deployed. Ctrl-C stops following, not the run.

Example: slipway run staging --argument source=data/small.csv

Exit codes: 0 the run succeeded; 1 it failed, timed out or was stopped; others as for slipway ship.`
}

// Run implements the command.
func (c *runCommand) Run(s *session) error {
	app, env, err := appAndEnvironment(c.Words, slipway.LocalEnvironment)
	if err != nil {
		return err
	}
	arguments, err := parseArguments(c.Argument)
	if err != nil {
		return err
	}
	if done, err := s.elsewhere(app, func(at *client.Client, app string) error { return c.remote(s, at, app, env, arguments) }); done {
		return err
	}
	return s.reading(app, func(f *pipeline.Flow) error {
		o, err := f.Operating(s.ctx, env)
		if err != nil {
			return err
		}
		id, err := s.runID()
		if err != nil {
			return err
		}
		run, err := o.Start(s.ctx, f.Project.Manifest.App, driver.RunRequest{ID: id, Trigger: "manual", By: s.env.User, Arguments: arguments})
		if err != nil {
			return err
		}
		if c.Detach {
			return s.printRun(run)
		}
		_, err = s.follow(f, run)
		return err
	})
}

// printRun prints a run that was started and is not followed.
func (s *session) printRun(run slipway.Run) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, run)
	}
	fmt.Fprintln(s.env.Stdout, run.ID)
	return nil
}

// runID makes an id that sorts by time.
func (s *session) runID() (string, error) {
	b := make([]byte, 4)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make an identity: %w", err)
	}
	return s.env.Clock().UTC().Format("20060102t150405") + "-" + hex.EncodeToString(b), nil
}

func parseArguments(given []string) (map[string]string, error) {
	arguments := map[string]string{}
	for _, a := range given {
		name, v, ok := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if !ok || name == "" {
			return nil, slipway.Errorf(slipway.Invalid, "%q is not an argument", a).WithFix("write --argument NAME=VALUE")
		}
		arguments[name] = v
	}
	return arguments, nil
}

// follow shows a run's log until it has ended, and returns it as it ended. A run
// that did not succeed is an error of kind Failed.
func (s *session) follow(f *pipeline.Flow, started slipway.Run) (slipway.Run, error) {
	log := s.logOfRun()
	run, err := f.Follow(s.ctx, started, log)
	if log.is != '\n' {
		s.talk.breakLine()
	}
	if errors.Is(err, context.Canceled) {
		s.talk.say("the run goes on: slipway logs -f %s %s follows it, slipway stop %[1]s %[2]s stops it", run.Environment, run.ID)
	}
	if err != nil {
		return run, err
	}
	if _, err := f.RecordRun(s.ctx, run, s.env.User); err != nil {
		s.talk.say("the ledger of %s does not have how run %s ended: %v", run.Environment, run.ID, err)
	}
	return run, s.showEnded(run)
}

// logOfRun is where the log of a run goes.
func (s *session) logOfRun() *lastByte {
	if s.globals.JSON {
		return &lastByte{Writer: s.talk, is: '\n'}
	}
	return &lastByte{Writer: s.env.Stdout, is: '\n'}
}

// showEnded tells how a run ended. One that did not succeed is an error.
func (s *session) showEnded(run slipway.Run) error {
	if s.globals.JSON {
		if err := printJSONLine(s.env.Stdout, run); err != nil {
			return err
		}
	}
	if run.State != slipway.RunSucceeded {
		return endedBadly(run)
	}
	s.talk.say("run %s succeeded in %s", run.ID, took(run.Started, run.Ended))
	return nil
}

// lastByte is a writer that knows the last byte that went through it.
type lastByte struct {
	io.Writer
	is byte
}

// Write implements io.Writer.
func (l *lastByte) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.is = p[len(p)-1]
	}
	return l.Writer.Write(p)
}

func endedBadly(r slipway.Run) error {
	text := "run " + r.ID + " " + ended(r.State)
	if r.Message != "" && r.Message != string(r.State) {
		text += ": " + r.Message
	}
	return slipway.Errorf(slipway.Failed, "%s", text).WithFix("slipway logs %s %s shows what it printed", r.Environment, r.ID)
}

// ended says how a run ended, as the end of a sentence.
func ended(s slipway.RunState) string {
	switch s {
	case slipway.RunTimeout:
		return "took too long"
	case slipway.RunStopped:
		return "was stopped"
	case slipway.RunErrored:
		return "could not be carried out"
	case slipway.RunExpired:
		return "was never begun"
	case slipway.RunUnknown:
		return "may run or not"
	default:
		return string(s)
	}
}

type stopCommand struct {
	Environment string `arg:"" name:"env" help:"The environment."`
	ID          string `arg:"" name:"run" help:"The run, as slipway runs lists it."`
}

// Help implements kong.HelpProvider.
func (stopCommand) Help() string {
	return "It waits until the run has ended.\n\nExample: slipway stop local 20261122t101500-1a2b3c4d\n\n" + exitHelp
}

// Run implements the command.
func (c *stopCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		key, err := s.runID()
		if err != nil {
			return err
		}
		j, err := at.StopRun(s.ctx, key, app, c.Environment, c.ID)
		if err != nil {
			return err
		}
		run, err := await[slipway.Run](s, at, j)
		if err != nil {
			return err
		}
		return s.showStopped(run)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		o, err := f.Operating(s.ctx, c.Environment)
		if err != nil {
			return err
		}
		run, err := o.Stop(s.ctx, f.Project.Manifest.App, c.ID)
		if err != nil {
			return err
		}
		return s.showStopped(run)
	})
}

func (s *session) showStopped(run slipway.Run) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, run)
	}
	s.talk.say("run %s: %s", run.ID, run.State)
	return nil
}

type runsCommand struct {
	Environment string `arg:"" optional:"" default:"local" name:"env" help:"The environment. Default: local."`
	Limit       int    `short:"n" default:"20" help:"How many, the newest first; 0 for all."`
}

// Help implements kong.HelpProvider.
func (runsCommand) Help() string {
	return "The newest comes first.\n\nExample: slipway runs staging -n 5\n\n" + exitHelp
}

// Run implements the command.
func (c *runsCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		runs, err := at.Runs(s.ctx, app, c.Environment, cmp.Or(c.Limit, 200))
		if err != nil {
			return err
		}
		return s.showRuns(runs)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		o, err := f.Operating(s.ctx, c.Environment)
		if err != nil {
			return err
		}
		runs, err := o.Runs(s.ctx, f.Project.Manifest.App, c.Limit)
		if err != nil {
			return err
		}
		return s.showRuns(runs)
	})
}

func (s *session) showRuns(runs []slipway.Run) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, runs)
	}
	if len(runs) == 0 {
		s.talk.say("no runs yet")
	}
	return table(s.env.Stdout, "RUN\tSTATE\tVERSION\tSTARTED\tTOOK\tTRIGGER\tMESSAGE", runRows(runs))
}

func runRows(runs []slipway.Run) [][]string {
	var rows [][]string
	for _, r := range runs {
		rows = append(rows, []string{r.ID, string(r.State), r.Version, when(r.Started), took(r.Started, r.Ended), r.Trigger, firstLine(r.Message)})
	}
	return rows
}

type logsCommand struct {
	Environment string `arg:"" optional:"" default:"local" name:"env" help:"The environment. Default: local."`
	ID          string `arg:"" optional:"" name:"run" help:"The run. Default: the newest."`
	Follow      bool   `short:"f" help:"Go on until the run has ended."`
}

// Help implements kong.HelpProvider.
func (logsCommand) Help() string {
	return "What it printed is kept, also when it failed.\n\nExample: slipway logs -f staging\n\n" + exitHelp
}

// Run implements the command.
func (c *logsCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		id := c.ID
		if id == "" {
			runs, err := at.Runs(s.ctx, app, c.Environment, 1)
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				return slipway.Errorf(slipway.NotFound, "%s has no runs in %s yet", app, c.Environment).WithFix("slipway run %s", c.Environment)
			}
			id = runs[0].ID
		}
		return at.RunLog(s.ctx, app, c.Environment, id, c.Follow, s.env.Stdout)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		o, err := f.Operating(s.ctx, c.Environment)
		if err != nil {
			return err
		}
		app := f.Project.Manifest.App
		run, err := o.Run(s.ctx, app, c.ID)
		if err != nil {
			return err
		}
		return f.Logs(s.ctx, run, c.Follow, s.env.Stdout)
	})
}
