package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/operate"
	"github.com/slipway-cd/slipway/server/client"
	"github.com/slipway-cd/slipway/server/signin"
	"github.com/slipway-cd/slipway/store"
)

// tokenVariable holds a token for the server, where nobody can sign in.
const tokenVariable = "SLIPWAY_TOKEN" //nolint:gosec // the name of a variable

// remote is the server that --server or SLIPWAY_SERVER names; nil: none, and the
// command does its work here.
func (s *session) remote() (*client.Client, error) {
	if s.globals.Server == "" {
		return nil, nil
	}
	address, err := signin.ServerAddress(s.globals.Server)
	if err != nil {
		return nil, err
	}
	c := &client.Client{URL: address, Token: s.env.getenv(tokenVariable), HTTP: &http.Client{}, Again: time.Second}
	if c.Token != "" {
		return c, nil
	}
	dir, err := s.configFolder()
	if err != nil {
		return nil, err
	}
	kept, err := signin.Kept(dir, address, s.env.Clock())
	if err != nil {
		return nil, err
	}
	c.Token = kept.Token
	return c, nil
}

// elsewhere runs fn with the server that is named, for a command about an app. done
// is false if none is: the command does its work here.
func (s *session) elsewhere(app string, fn func(c *client.Client, app string) error) (done bool, err error) {
	c, err := s.remote()
	if c == nil || err != nil {
		return err != nil, err
	}
	if app == "" {
		app = s.globals.App
	}
	if app == "" {
		if !s.standsInApp() {
			return true, slipway.Errorf(slipway.Invalid, "there is no app in %s or above it, so that nothing says which one is meant", s.env.Dir).
				WithFix("name it with --app, such as --app traffic; slipway apps lists those of the server")
		}
		p, err := s.project("")
		if err != nil {
			return true, err
		}
		app = p.Manifest.App
		if err := p.Close(); err != nil {
			return true, err
		}
	}
	return true, fn(c, app)
}

// standsInApp reports whether there is a manifest in the folder where the person
// stands, or above it.
func (s *session) standsInApp() bool {
	for dir := s.env.Dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, manifest.FileName)); err == nil {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

// await shows how a job of the server goes, and reads what came of it.
func await[T any](s *session, c *client.Client, j store.Job) (out T, err error) {
	s.talk.say("job %d at %s", j.ID, c.URL)
	if j.Waits != "" {
		s.talk.say("it %s", j.Waits)
	}
	j, err = c.Await(s.ctx, j, s.talk.event)
	if err != nil {
		if s.ctx.Err() != nil {
			s.talk.say("the job goes on: slipway jobs %d shows it, slipway jobs %[1]d --stop stops it", j.ID)
		}
		return out, err
	}
	if err := json.Unmarshal(j.Outcome, &out); err != nil {
		return out, fmt.Errorf("what came of job %d: %w", j.ID, err)
	}
	return out, nil
}

// statusesAt asks the server what is live of an app.
func (s *session) statusesAt(at *client.Client, app string, names []string) ([]operate.Status, error) {
	names, err := s.places(at, app, names)
	if err != nil {
		return nil, err
	}
	all := []operate.Status{}
	for _, env := range names {
		st, err := at.Status(s.ctx, app, env)
		if err != nil {
			return nil, err
		}
		all = append(all, st)
	}
	return all, nil
}

type appsCommand struct {
	Team string `placeholder:"TEAM" help:"Only the apps of this team."`
}

// Help implements kong.HelpProvider.
func (appsCommand) Help() string {
	return "It asks a server; without one, an app is what its manifest says.\n\nExample: slipway apps --server https://slipway.example.com\n\n" + exitHelp
}

// Run implements the command.
func (a *appsCommand) Run(s *session) error {
	c, err := s.needServer()
	if err != nil {
		return err
	}
	all, err := c.Apps(s.ctx, a.Team)
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, nonNil(all))
	}
	var rows [][]string
	for _, app := range all {
		rows = append(rows, []string{app.Name, app.Team, app.Shape, app.Repository, when(app.Updated)})
	}
	return table(s.env.Stdout, "APP\tTEAM\tSHAPE\tREPOSITORY\tCHANGED", rows)
}

// needServer is remote for commands that can do nothing without one.
func (s *session) needServer() (*client.Client, error) {
	c, err := s.remote()
	if err == nil && c == nil {
		err = slipway.Errorf(slipway.Invalid, "this needs a server").WithFix("name it with --server or SLIPWAY_SERVER, such as --server https://slipway.example.com")
	}
	return c, err
}

type jobsCommand struct {
	Job    int64 `arg:"" optional:"" help:"The job to show, with what it printed. Default: the newest are listed."`
	Follow bool  `short:"f" help:"Go on until the job has ended."`
	Stop   bool  `help:"Stop the job."`
	Limit  int   `short:"n" default:"20" help:"How many, the newest first."`
}

// Help implements kong.HelpProvider.
func (jobsCommand) Help() string {
	return "A job is what a server does: a push that is taken along the road, a deployment, a check of a pull request.\n\nExample: slipway jobs 42 -f\n\n" + exitHelp
}

// Run implements the command.
func (c *jobsCommand) Run(s *session) error {
	at, err := s.needServer()
	if err != nil {
		return err
	}
	switch {
	case c.Job == 0:
		return c.list(s, at)
	case c.Stop:
		j, err := at.StopJob(s.ctx, c.Job)
		if err != nil {
			return err
		}
		if s.globals.JSON {
			return printJSON(s.env.Stdout, j)
		}
		s.talk.say("job %d: %s", j.ID, j.State)
		return nil
	case s.globals.JSON:
		j, err := at.Job(s.ctx, c.Job)
		if err != nil {
			return err
		}
		return printJSON(s.env.Stdout, j)
	}
	return at.JobLog(s.ctx, c.Job, c.Follow, s.env.Stdout)
}

func (c *jobsCommand) list(s *session, at *client.Client) error {
	all, err := at.Jobs(s.ctx, s.globals.App, c.Limit)
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, nonNil(all))
	}
	var rows [][]string
	for _, j := range all {
		state := string(j.State)
		if j.Waits != "" {
			state = j.Waits
		}
		rows = append(rows, []string{strconv.FormatInt(j.ID, 10), j.Kind, j.Subject, state, when(j.Made), j.By})
	}
	return table(s.env.Stdout, "JOB\tKIND\tSUBJECT\tSTATE\tMADE\tBY", rows)
}
