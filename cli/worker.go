package cli

import (
	"net"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/telemetry"
)

type workerCommand struct {
	inDatabase

	Data   string `placeholder:"DIR" default:"slipway-worker" env:"SLIPWAY_DATA" help:"The folder in which the worker keeps mirrors, caches and its work. Default: slipway-worker."`
	Listen string `placeholder:"ADDRESS" env:"SLIPWAY_LISTEN" help:"Where it answers /healthz, /readyz and /metrics. Default: nowhere."`
	hands
}

// Help implements kong.HelpProvider.
func (workerCommand) Help() string {
	return `Does builds, checks and deployments for the servers that share a PostgreSQL database, on any machine that reaches it. It
has no API, and needs no open port. It reads the same platform file as the servers, and reaches the forges, the artifact
repositories and the runtimes that its jobs need. It may be killed at any time: others go on with what it did.

Example: slipway worker --platform platform.yaml --database postgres://slipway@db/slipway --data /var/lib/slipway-worker
Example: slipway worker --platform platform.yaml --database postgres://slipway@db/slipway --label gpu,in-vpc --workers 8 --drain 10m

` + exitHelp
}

// Run implements the command.
func (c *workerCommand) Run(s *session) error { return s.runProcess(c.open) }

// open opens the worker's folder.
func (c *workerCommand) open(s *session, told *telemetry.Telemetry) (srv *server.Server, listener net.Listener, err error) {
	if err := s.needPlatform("worker"); err != nil {
		return nil, nil, err
	}
	parts, name, err := c.parts(s)
	if err != nil {
		return nil, nil, err
	}
	if name == "" {
		return nil, nil, slipway.Errorf(slipway.Invalid, "a worker needs the PostgreSQL database that the servers share, and none is named").
			WithFix("name it with --database or in server.database of the platform file; a server with a file in its data folder does all its work by itself")
	}
	set, err := s.processConfig(told, c.Data, c.hands)
	if err != nil {
		return nil, nil, err
	}
	if set.Workers < 1 {
		return nil, nil, slipway.Errorf(slipway.Invalid, "a worker does at least one job at a time").WithFix("give --workers a number above 0, or leave it out")
	}
	if c.Listen != "" {
		if listener, err = s.listen(c.Listen); err != nil {
			return nil, nil, err
		}
	}
	set.Role, set.Parts, set.Lookers, set.Me.Doing = store.RoleWorker, parts, 1, "worker"
	if srv, err = s.openProcess(set); err != nil {
		if listener != nil {
			_ = listener.Close() // the first error is the one to tell
		}
		return nil, nil, err
	}
	s.talk.say("slipway works over %s and %s", set.Folder, name)
	if listener != nil {
		s.talk.say("it listens on http://%s", listener.Addr())
	}
	return srv, listener, nil
}
