package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/server/client"
)

type explainCommand struct {
	Words []string `arg:"" optional:"" name:"env" help:"The environments, by default all whose runtime this program drives; or a pull request that a server knows, such as acme/traffic#7."`
	Facts string   `placeholder:"FILE" help:"Explain a pull request instead, by its facts as JSON; - for standard input."`
}

// Help implements kong.HelpProvider.
func (explainCommand) Help() string {
	return `Says which gates and guard rails keep the next release from an environment, why, and who can open them. The next
release is the newest of the environment before, or else the newest that is there. Nothing changes, and what is closed is
no error.

Example: slipway explain prod

` + exitHelp
}

// Run implements the command.
func (c *explainCommand) Run(s *session) error {
	if c.Facts != "" {
		facts, err := s.readFacts(c.Facts)
		if err != nil {
			return err
		}
		return s.explainFacts(facts)
	}
	if len(c.Words) == 1 {
		if repository, number, ok := pullRequest(c.Words[0]); ok {
			facts, err := s.remoteFacts(repository, number)
			if err != nil {
				return err
			}
			return s.explainFacts(facts)
		}
	}
	at, err := s.remote()
	if err != nil {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		envs := c.Words
		if len(envs) == 0 {
			envs = f.Runnable()
		}
		all := make([]pipeline.Explanation, 0, len(envs))
		for _, env := range envs {
			x, err := f.Explain(s.ctx, env)
			if err == nil && at != nil {
				err = s.waitingJobs(at, &x)
			}
			if err != nil {
				return err
			}
			all = append(all, x)
		}
		if s.globals.JSON {
			return printJSON(s.env.Stdout, all)
		}
		for _, x := range all {
			s.printExplanation(x)
		}
		return nil
	})
}

// waitingJobs adds the jobs of the server that are to bring the app there, and that nobody
// can do.
func (s *session) waitingJobs(at *client.Client, x *pipeline.Explanation) error {
	const newest = 100
	jobs, err := at.Jobs(s.ctx, x.App, newest)
	server.Unserved(x, jobs)
	return err
}

func (s *session) printExplanation(x pipeline.Explanation) {
	w := s.env.Stdout
	what := strings.TrimSpace(x.App + " " + x.Version)
	if x.Open {
		fmt.Fprintf(w, "%s: nothing is in the way of %s\n", x.Environment, what)
	} else {
		fmt.Fprintf(w, "%s is closed for %s:\n", x.Environment, what)
	}
	for _, g := range x.Gates {
		fmt.Fprintf(w, "  %s %s: %s\n", s.talk.paint(red, "x"), g.Name, indented(g.Why))
		if len(g.By) > 0 {
			fmt.Fprintf(w, "    who can: %s\n", strings.Join(g.By, ", "))
		}
		s.printFix(g.Fix)
	}
	for _, h := range x.Rails {
		s.printRail(s.env.Stdout, h)
		if h.Closed() {
			s.printFix(h.Fix)
			s.printFix(strings.Join(append(slices.Clone(h.Void), h.Ways...), "\n"))
		}
	}
}

func (s *session) printFix(fix string) {
	for line := range strings.Lines(fix) {
		fmt.Fprintf(s.env.Stdout, "    %s\n", strings.TrimSpace(line))
	}
}

// printRail shows what a rail says to a plan: closed ones in red.
func (s *session) printRail(w io.Writer, h slipway.RailHit) {
	switch {
	case h.Closed():
		fmt.Fprintf(w, "  %s %s\n", s.talk.paint(red, "x"), h.Reason())
	case h.Grant != nil:
		fmt.Fprintf(w, "  %s %s; opened by %s\n", s.talk.paint(yellow, "!"), h, h.Grant)
	default:
		fmt.Fprintf(w, "  %s %s\n", s.talk.paint(yellow, "!"), h)
	}
}

// indented puts the further lines of a text under its first.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }
