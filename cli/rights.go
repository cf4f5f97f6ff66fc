package cli

import (
	"cmp"
	"slices"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/schema"
	"github.com/slipway-cd/slipway/server"
)

type rightsCommand struct {
	List rightsListCommand `cmd:"" help:"List what was handed over at a server."`
	Give rightsGiveCommand `cmd:"" help:"Hand over something that you, or a team of yours, may do."`
	Take rightsTakeCommand `cmd:"" help:"Take back what was handed over."`
}

type rightsListCommand struct {
	All bool `help:"Also what holds no more."`
}

// Help implements kong.HelpProvider.
func (rightsListCommand) Help() string {
	return "What platform.yaml itself says is not in the list.\n\nExample: slipway rights list --server https://slipway.example.com\n\n" + exitHelp
}

// Run implements the command.
func (c *rightsListCommand) Run(s *session) error {
	at, err := s.needServer()
	if err != nil {
		return err
	}
	all, err := at.Delegations(s.ctx, c.All)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b access.Handed) int { return a.Made.Compare(b.Made) })
	if s.globals.JSON {
		return printJSON(s.env.Stdout, nonNil(all))
	}
	if len(all) == 0 {
		s.talk.say("nothing is handed over")
	}
	var rows [][]string
	for _, h := range all {
		rows = append(rows, []string{h.ID, h.From, h.To, access.JoinScopes(h.Scopes), when(h.Until), h.Why, cmp.Or(h.WhyNot, "holds")})
	}
	return table(s.env.Stdout, "ID\tFROM\tTO\tMAY\tUNTIL\tWHY\tSTATE", rows)
}

type rightsGiveCommand struct {
	To    string   `arg:"" help:"The person or team who gets it."`
	May   []string `arg:"" help:"What they may do: ACTION, ACTION:APP, ACTION@ENVIRONMENT or ACTION:APP@ENVIRONMENT; all for everything."`
	Until string   `required:"" placeholder:"DAY" help:"Its last day, in UTC, such as 2026-03-31, or how long from now, such as 14d."`
	Why   string   `required:"" placeholder:"TEXT" help:"The reason, for those who read it later."`
	From  string   `placeholder:"TEAM" help:"The team of yours whose right it is. Default: it is your own."`
}

// Help implements kong.HelpProvider.
func (rightsGiveCommand) Help() string {
	return `Nobody hands over more than they have: at each use the server asks again whether the giver still may.

Example: slipway rights give bo deploy:traffic@prod --until 14d --why "I am on holiday"

` + exitHelp
}

// Run implements the command.
func (c *rightsGiveCommand) Run(s *session) error {
	at, err := s.needServer()
	if err != nil {
		return err
	}
	until, err := c.end(s.env.Clock())
	if err != nil {
		return err
	}
	key, err := s.runID()
	if err != nil {
		return err
	}
	h, err := at.Delegate(s.ctx, key, server.DelegationRequest{From: c.From, To: c.To, Scopes: c.May, Until: until, Why: c.Why})
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, h)
	}
	s.talk.say("%s may do what %s may of %s, until %s; slipway rights take %s ends it", h.To, h.From, access.JoinScopes(h.Scopes), when(h.Until), h.ID)
	return nil
}

// end is the moment at which it ends: that of the day after the last, or some time
// from now.
func (c *rightsGiveCommand) end(now time.Time) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, c.Until); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	life, err := schema.ParseDuration(c.Until)
	if err != nil {
		return time.Time{}, slipway.Errorf(slipway.Invalid, "--until: %q is no day and no duration", c.Until).WithFix("such as 2026-03-31 or 14d")
	}
	return now.UTC().Add(life).Truncate(time.Second), nil
}

type rightsTakeCommand struct {
	ID string `arg:"" help:"What was handed over, as slipway rights list calls it."`
}

// Help implements kong.HelpProvider.
func (rightsTakeCommand) Help() string {
	return `Whoever it is from may, members of the team that it is from, and the owners of the platform.

Example: slipway rights take handed-k3v9q2m7x4ab

` + exitHelp
}

// Run implements the command.
func (c *rightsTakeCommand) Run(s *session) error {
	at, err := s.needServer()
	if err != nil {
		return err
	}
	h, err := at.Undelegate(s.ctx, c.ID)
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, h)
	}
	s.talk.say("%s has %s of %s no more", h.To, access.JoinScopes(h.Scopes), h.From)
	return nil
}
