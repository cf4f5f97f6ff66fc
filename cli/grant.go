package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/identity"
	"github.com/slipway-cd/slipway/pipeline"
)

type grantCommand struct {
	Words  []string `arg:"" name:"app-rail-env" help:"The app, by default the one here, the guard rail and the environment."`
	Until  string   `placeholder:"DATE" help:"The last day, such as 2027-01-31 (UTC)."`
	Why    string   `short:"m" placeholder:"TEXT" help:"Why. It is required."`
	Limit  string   `placeholder:"CONDITION" help:"Where it opens the rail: a condition over the facts, such as 'run.workers <= 20'. Default: everywhere."`
	Revoke bool     `help:"Take back what opens the rail."`
	Key    string   `placeholder:"FILE" help:"Your private key, or a public one whose other half an ssh-agent holds. Default: the agent's key that platform.yaml knows, else ~/.ssh/id_ed25519."`
}

// Help implements kong.HelpProvider.
func (grantCommand) Help() string {
	return `Opens a guard rail with the effect exception for an app in an environment, until the end of a day. Who may do so, the
rail says under by. It is signed with your SSH key (ssh-ed25519), which platform.yaml has under people.NAME.keys, and recorded
in the ledger of ENV. It is for the rail as it is now: if its condition is changed, the grant ends.

Example: slipway grant traffic-etl big-jobs prod --until 2027-01-31 --why "month-end reload"

` + exitHelp
}

// Run implements the command.
func (c *grantCommand) Run(s *session) error {
	app, rail, env, err := c.what()
	if err != nil {
		return err
	}
	until, err := c.until()
	if err != nil {
		return err
	}
	if strings.TrimSpace(c.Why) == "" {
		return slipway.Errorf(slipway.Invalid, "say why").WithFix("such as: --why \"month-end reload\"")
	}
	return resumable(s.with(app, "grant for "+env, pipeline.New, func(f *pipeline.Flow) error {
		g := pipeline.Granting{Environment: env, Rail: rail, Why: c.Why, Until: until, Limit: c.Limit, By: s.env.User}
		out, err := c.call(s, f, g)
		if err != nil {
			return err
		}
		if s.globals.JSON {
			return printJSON(s.env.Stdout, out)
		}
		for _, g := range out {
			again := ""
			if !g.Made {
				again = " (as before)"
			}
			fmt.Fprintf(s.env.Stdout, "%s in %s: %s%s\n", g.App, g.Environment, g.Grant, again)
		}
		return nil
	}))
}

// call says it with a key of the person's, or has the server say it for who has none.
func (c *grantCommand) call(s *session, f *pipeline.Flow, g pipeline.Granting) ([]pipeline.Granted, error) {
	who, err := identity.Find(s.ctx, s.keys(c.Key), f.Policy(), "")
	if err != nil {
		return c.grantRemote(s, f, g, err)
	}
	g.Person, g.Key = who.Name, who
	if c.Revoke {
		return f.Revoke(s.ctx, g)
	}
	out, err := f.Grant(s.ctx, g)
	return []pipeline.Granted{out}, err
}

func (c *grantCommand) what() (app, rail, env string, err error) {
	switch len(c.Words) {
	case 2:
		return "", c.Words[0], c.Words[1], nil
	case 3:
		return c.Words[0], c.Words[1], c.Words[2], nil
	}
	return "", "", "", slipway.Errorf(slipway.Invalid, "give an app, a guard rail and an environment, in this order").
		WithFix("such as: slipway grant traffic-etl big-jobs prod --until 2027-01-31 --why \"month-end reload\"")
}

// until is the end of the last day.
func (c *grantCommand) until() (time.Time, error) {
	switch {
	case c.Revoke && (c.Until != "" || c.Limit != ""):
		return time.Time{}, slipway.Errorf(slipway.Invalid, "--revoke takes back all that opens the rail: it goes without --until and --limit")
	case c.Revoke:
		return time.Time{}, nil
	case c.Until == "":
		return time.Time{}, slipway.Errorf(slipway.Invalid, "say until when").WithFix("--until DATE, such as --until 2027-01-31")
	}
	return lastDay(c.Until)
}

// lastDay is the end of a day that a person names.
func lastDay(text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, slipway.Errorf(slipway.Invalid, "%q is not a day", text).WithFix("write it as 2027-01-31")
	}
	return day.AddDate(0, 0, 1), nil
}

type grantsCommand struct {
	Words []string `arg:"" optional:"" name:"env" help:"The environments. Default: all."`
}

// Help implements kong.HelpProvider.
func (grantsCommand) Help() string {
	return `Shows who opened which guard rail for the app, until when and why, and whether that still holds. Every signature is
verified again.

Example: slipway grants prod

` + exitHelp
}

// Run implements the command.
func (c *grantsCommand) Run(s *session) error {
	return s.reading("", func(f *pipeline.Flow) error {
		envs := c.Words
		if len(envs) == 0 {
			envs = f.Project.Platform.EnvironmentNames()
		}
		all := []pipeline.Granted{}
		for _, env := range envs {
			granted, err := f.Grants(s.ctx, env)
			if len(c.Words) == 0 && slipway.KindOf(err) == slipway.NotFound && err != nil {
				continue // nothing was shipped from here
			}
			if err != nil {
				return err
			}
			all = append(all, granted...)
		}
		if s.globals.JSON {
			return printJSON(s.env.Stdout, all)
		}
		return s.printGrants(f, all)
	})
}

func (s *session) printGrants(f *pipeline.Flow, all []pipeline.Granted) error {
	var rows [][]string
	for _, g := range all {
		if g.Revokes != "" {
			continue
		}
		state := "open"
		switch {
		case g.Void != "":
			state = g.Void
		case !s.env.Clock().Before(g.Until):
			state = "ended"
		}
		limit := g.Limit
		if limit == "" {
			limit = "-"
		}
		rows = append(rows, []string{g.Environment, g.Rail, g.Person, g.Last(), limit, g.Why, firstLine(state)})
	}
	if len(rows) == 0 {
		s.talk.say("nobody opened a guard rail for %s", f.Project.Manifest.App)
		return nil
	}
	return table(s.env.Stdout, "ENVIRONMENT\tRAIL\tBY\tUNTIL\tWHERE\tWHY\tSTATE", rows)
}
