package cli

import (
	"fmt"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/identity"
	"github.com/slipway-cd/slipway/pipeline"
)

type quarantineCommand struct {
	Version string `arg:"" name:"release" help:"The release."`
	Why     string `short:"m" placeholder:"TEXT" help:"Why. It is required."`
	Lift    bool   `help:"End the quarantine."`
	Key     string `placeholder:"FILE" help:"Your private key, or a public one whose other half an ssh-agent holds. Default: the agent's key that platform.yaml knows, else ~/.ssh/id_ed25519."`
}

// Help implements kong.HelpProvider.
func (quarantineCommand) Help() string {
	return `Keeps a bad release from being promoted and deployed anywhere, by its digests: another release of the same bytes is kept
too. What runs is not stopped: slipway rollback does that. Whoever has a key in platform.yaml may do it. With --lift it ends, which
takes somebody in a role that signs for the environment.

Example: slipway quarantine v1.4.0 --why "it loses rows"

` + exitHelp
}

// Run implements the command.
func (c *quarantineCommand) Run(s *session) error {
	if strings.TrimSpace(c.Why) == "" {
		return slipway.Errorf(slipway.Invalid, "say why").WithFix("such as: --why \"it loses rows\"")
	}
	return s.changing("quarantine", func(f *pipeline.Flow) error {
		who, err := identity.Find(s.ctx, s.keys(c.Key), f.Policy(), "")
		if err != nil {
			return err
		}
		do := f.Quarantine
		if c.Lift {
			do = f.Lift
		}
		all, err := do(s.ctx, pipeline.Holding{Version: c.Version, Why: c.Why, Person: who.Name, Key: who, By: s.env.User})
		if s.globals.JSON && err == nil {
			return printJSON(s.env.Stdout, all)
		}
		for _, h := range all {
			again := ""
			if !h.Made {
				again = " (as before)"
			}
			if !s.globals.JSON {
				fmt.Fprintf(s.env.Stdout, "%s: %s%s\n", h.Environment, h.Quarantine, again)
			}
		}
		return err
	})
}
