package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/server/signin"
)

type loginCommand struct {
	Server string `arg:"" help:"The server's address."`
}

// Help implements kong.HelpProvider.
func (loginCommand) Help() string {
	return `Shows an address to open in a browser on this machine. Who signs in there and allows it gives this command line a token
for some hours. It is kept in slipway/servers.json in your configuration folder, where nobody else may read it.

Example: slipway login https://slipway.example.com

` + exitHelp
}

// patience is how long a command waits for somebody to sign in.
const patience = 5 * time.Minute

// Run implements the command.
func (c *loginCommand) Run(s *session) error {
	server, err := signin.ServerAddress(c.Server)
	if err != nil {
		return err
	}
	dir, err := s.configFolder()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	granted, err := signin.Login(ctx, signin.LoginConfig{
		Server: server, Name: s.env.User,
		Show: func(address string) {
			fmt.Fprintf(s.talk, "open this address in a browser on this machine:\n  %s\n", address)
		},
	})
	if err != nil {
		return err
	}
	if err := signin.Keep(dir, server, granted); err != nil {
		return err
	}
	s.talk.say("you are %s at %s until %s", granted.Person, server, when(granted.Expires))
	return nil
}

type logoutCommand struct {
	Server string `arg:"" help:"The server's address."`
}

// Help implements kong.HelpProvider.
func (logoutCommand) Help() string {
	return `Forgets the token that slipway login got. It ends by itself; slipway token revoke ends it at once.

Example: slipway logout https://slipway.example.com

` + exitHelp
}

// Run implements the command.
func (c *logoutCommand) Run(s *session) error {
	server, err := signin.ServerAddress(c.Server)
	if err != nil {
		return err
	}
	dir, err := s.configFolder()
	if err != nil {
		return err
	}
	had, err := signin.Forget(dir, server)
	if err != nil {
		return err
	}
	if !had {
		s.talk.say("you were not signed in to %s", server)
		return nil
	}
	s.talk.say("the token for %s is forgotten", server)
	return nil
}

// configFolder is where a person's own settings lie.
func (s *session) configFolder() (string, error) {
	if dir := s.env.getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "slipway"), nil
	}
	if home := s.env.getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "slipway"), nil
	}
	return "", slipway.Errorf(slipway.Unavailable, "there is no place for your token: neither HOME nor XDG_CONFIG_HOME is set")
}
