package cli

import (
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
)

type quotasCommand struct {
	Settle bool `help:"First give back what is held for nothing, as the next one who needs the room would."`
}

// Help implements kong.HelpProvider.
func (quotasCommand) Help() string {
	return `Shows how much of each quota of the platform is held, by which apps, and whether that is what their jobs need by what
is deployed.

Example: slipway quotas

` + exitHelp
}

// Run implements the command.
func (c *quotasCommand) Run(s *session) error {
	show := func(f *pipeline.Flow) error {
		uses, err := f.QuotaUses(s.ctx, c.Settle)
		if err != nil {
			return err
		}
		if s.globals.JSON {
			return printJSON(s.env.Stdout, uses)
		}
		return s.printQuotas(uses)
	}
	if c.Settle {
		return s.changing("settle quotas", show)
	}
	return s.reading("", show)
}

func (s *session) printQuotas(uses []pipeline.QuotaUse) error {
	if len(uses) == 0 {
		s.talk.say("the platform has no quotas")
		return nil
	}
	plain := func(n slipway.Decimal) string { return strings.TrimSuffix(n.String(), ".00") }
	for _, u := range uses {
		q := u.Quota
		fmt.Fprintf(s.env.Stdout, "%s in %s: %s of %s %s are held\n", q.Name, strings.Join(q.Environments, ", "), plain(u.Held), plain(q.Limit), q.Unit)
		var rows [][]string
		for _, h := range u.Holders {
			rows = append(rows, []string{"  " + h.App, h.Environment, plain(h.Held), plain(h.Runs), h.Note})
		}
		if err := table(s.env.Stdout, "  APP\tENVIRONMENT\tHELD\tRUNS\tNOTE", rows); err != nil {
			return err
		}
	}
	return nil
}
