package cli

import (
	"log/slog"
	"net"

	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/server/signin"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/telemetry"
)

type serveCommand struct {
	inDatabase

	Data   string `placeholder:"DIR" default:"slipway-data" env:"SLIPWAY_DATA" help:"The folder in which the server keeps what it has. Default: slipway-data."`
	Listen string `placeholder:"ADDRESS" default:"127.0.0.1:8420" env:"SLIPWAY_LISTEN" help:"Where it listens. Default: 127.0.0.1:8420, this machine alone."`
	URL    string `name:"url" placeholder:"URL" help:"Its address, as people and forges reach it. Default: server.url of the platform file."`
	hands
}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	return `Takes commits from the forges that the platform file names, along the road: a push to the default branch is
built, checked, released and deployed; a pull request is told what is missing for a merge. It may be killed at any time: the
next start goes on where it was. One process works in a data folder at a time. Servers with one --database, each with a data
folder of its own, share all work: when one of them is lost the others go on with what it did. With --workers 0 a server leaves
builds, checks and deployments to slipway worker and to other servers.

Example: slipway serve --platform platform.yaml --data /var/lib/slipway
Example: slipway serve --platform platform.yaml --data /var/lib/slipway --database postgres://slipway@db/slipway

` + exitHelp
}

// Run implements the command.
func (c *serveCommand) Run(s *session) error { return s.runProcess(c.open) }

// open opens the server's folder and listens.
func (c *serveCommand) open(s *session, told *telemetry.Telemetry) (srv *server.Server, listener net.Listener, err error) {
	if err := s.needPlatform("server"); err != nil {
		return nil, nil, err
	}
	open, err := s.listen(c.Listen)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = open.Close() // the first error is the one to tell
		}
	}()
	parts, name, err := c.parts(s)
	if err != nil {
		return nil, nil, err
	}
	set, err := s.processConfig(told, c.Data, c.hands)
	if err != nil {
		return nil, nil, err
	}
	set.Role, set.Parts, set.URL, set.Address = store.RoleServer, parts, c.URL, "http://"+open.Addr().String()
	set.Door = func(st *store.Store, url string, rules func() (access.Rules, error)) server.Doorkeeper {
		return s.door(st, url, rules, told.Log())
	}
	srv, err = s.openProcess(set)
	if err != nil {
		return nil, nil, err
	}
	over := set.Folder
	if name != "" {
		over += " and " + name
	}
	s.talk.say("slipway serves on %s, over %s", srv.URL, over)
	if set.Address != srv.URL {
		s.talk.say("it listens on %s", set.Address)
	}
	return srv, open, nil
}

// door makes the doorkeeper of a server.
func (s *session) door(st *store.Store, url string, rules func() (access.Rules, error), log *slog.Logger) *signin.Door {
	return signin.New(signin.Config{
		Store: st, URL: url, Secrets: s.env.Secrets, Clock: s.env.Clock, Log: log,
		Rules: rules, Teams: st.AppTeams,
	})
}
