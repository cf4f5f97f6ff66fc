package cli

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/policy"
)

type railsCommand struct {
	Test railsTestCommand `cmd:"" help:"Compile the guard rails for every shape, and run the platform's own cases."`
	Try  railsTryCommand  `cmd:"" help:"Show what a guard rail would have said to the last deployments."`
}

type railsTestCommand struct{}

// Help implements kong.HelpProvider.
func (railsTestCommand) Help() string {
	return `It needs no app: it takes --platform, or the platform.yaml in this folder or above it. Each case of rails_test is
facts and the rails that they are to hit; every other hit is an error too.

Example: slipway rails test --platform platform.yaml

Exit codes: 0 every case ended as expected; 1 one did not; 2 a rail or a case is wrong; others as for slipway ship.`
}

// Run implements the command.
func (c *railsTestCommand) Run(s *session) error {
	menu, err := s.shapes()
	if err != nil {
		return err
	}
	book, err := pipeline.LoadRails(s.ctx, s.whereabouts(s.globals.App, menu))
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(book.Rails(), func(r policy.Rail) bool { return r.Shape != "" })
	return s.tellCases(book.Test(), counted(len(own), "rail"))
}

func (s *session) printCases(results []policy.CaseResult) {
	w := s.env.Stdout
	for _, r := range results {
		if r.Passed {
			fmt.Fprintf(w, "%s %s\n", s.talk.paint(green, "ok  "), r.Name)
			continue
		}
		fmt.Fprintf(w, "%s %s (%s:%d)\n", s.talk.paint(red, "FAIL"), r.Name, r.File, r.Line)
		for _, wrong := range r.Wrong {
			fmt.Fprintf(w, "     %s\n", wrong)
		}
	}
}

type railsTryCommand struct {
	Rail  string   `arg:"" help:"The rail's name."`
	Words []string `arg:"" optional:"" name:"env" help:"The environments. Default: all that the rail is for."`
	Last  int      `short:"n" default:"20" placeholder:"N" help:"How many of the last deployments to an environment. Default: 20."`
}

// Help implements kong.HelpProvider.
func (railsTryCommand) Help() string {
	return `The ledger keeps the plan of each deployment: the rail is asked about it as if it had been there then. Nothing
changes.

Example: slipway rails try big-jobs prod

` + exitHelp
}

// Run implements the command.
func (c *railsTryCommand) Run(s *session) error {
	return s.reading("", func(f *pipeline.Flow) error {
		trials, err := f.TryRail(s.ctx, c.Rail, c.Words, max(1, c.Last))
		if err != nil {
			return err
		}
		if s.globals.JSON {
			return printJSON(s.env.Stdout, trials)
		}
		hits := 0
		var rows [][]string
		for _, t := range trials {
			says := "-"
			if t.Hit != nil {
				hits++
				says = verdict(*t.Hit)
			}
			rows = append(rows, []string{t.Environment, strconv.FormatInt(t.Deployment, 10), t.Version, when(t.Started), string(t.State), says})
		}
		if err := table(s.env.Stdout, "ENVIRONMENT\tNUMBER\tVERSION\tSTARTED\tSTATE\tTHE RAIL", rows); err != nil {
			return err
		}
		s.talk.say("rail %s is hit by %d of %s", c.Rail, hits, counted(len(trials), "deployment"))
		return nil
	})
}

// verdict is what a rail does and says, in a line.
func verdict(h slipway.RailHit) string {
	if h.Error != "" {
		return string(h.Effect) + ": it cannot be judged: " + h.Error
	}
	return string(h.Effect) + ": " + h.Message
}
