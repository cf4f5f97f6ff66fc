package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-cd/slipway/git"
	"github.com/slipway-cd/slipway/server/client"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/telemetry"
)

// demoPlatform is the platform file of the demonstration's server.
const demoPlatform = `# The platform team's file: environments, people, and where repositories lie.
slipway: v1

environments:
  staging:
    runtime: local
    root: srv/staging
    repository: srv/artifacts

teams:
  data-platform:
    people: [demo]

people:
  demo: {name: Demo, email: demo@example.com}

access:
  owners: [demo]                 # who may do everything

server:
  forges:
    home: {kind: git, url: git, every: 1s}   # the bare repositories in the folder git
`

// A served demonstration is a server over a folder, with a repository to push to.
type served struct {
	demo
	app    string
	bare   string
	remote *client.Client
}

// serve shows the road that a push takes by itself.
func (c *demoCommand) serve(s *session) error {
	dir, err := c.folder(s)
	if err != nil {
		return err
	}
	app := "traffic"
	if c.Shell {
		app = "pulse"
	}
	d := served{demo: demo{session: s, dir: filepath.Join(dir, app)}, app: app, bare: filepath.Join(dir, "git", app+".git")}
	if err := d.lay(dir); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	at, err := d.start(ctx, g, dir)
	if err != nil {
		stop()
		return errors.Join(err, g.Wait())
	}
	err = d.road(at)
	if err == nil && !c.Once {
		d.heading("the server goes on at %s until you press Ctrl-C", at)
		d.talk.say("  push something yourself: cd %s, edit, git commit, git push %s HEAD:main", d.dir, d.bare)
		d.talk.say("  look at it from another terminal:")
		d.talk.say("  export SLIPWAY_SERVER=%s SLIPWAY_TOKEN=%s; slipway jobs; slipway status --app %s", at, d.remote.Token, app)
		<-ctx.Done()
	}
	stop()
	if werr := g.Wait(); err == nil {
		return werr
	}
	return err
}

// lay writes the files: a platform file, a bare repository, and the example app.
func (d served) lay(dir string) error {
	if err := d.copy(d.app); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(d.dir, "platform.yaml")); err != nil {
		return err // the server's holds, and only that
	}
	if err := writeFile(filepath.Join(dir, "platform.yaml"), []byte(demoPlatform)); err != nil {
		return err
	}
	data := filepath.Join(d.dir, "data") // relative paths of jobs start beside the platform file
	if _, err := os.Stat(data); err == nil {
		if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(data)); err != nil {
			return err
		}
	}
	d.heading("a bare git repository is in %s, and the example app %s in %s", d.bare, d.app, d.dir)
	if err := git.InitBare(d.ctx, d.bare, d.env.Environ); err != nil {
		return err
	}
	return d.commit("first version")
}

// start starts the server, and makes a token for those who ask it.
func (d *served) start(ctx context.Context, g *errgroup.Group, dir string) (string, error) {
	d.heading("start the server: slipway serve --platform %s --data %s", filepath.Join(dir, "platform.yaml"), filepath.Join(dir, "server"))
	c := serveCommand{Data: filepath.Join(dir, "server"), Listen: "127.0.0.1:0", hands: hands{Workers: 4, Drain: 10 * time.Second}}
	on := *d.session
	on.ctx, on.globals.Platform = ctx, filepath.Join(dir, "platform.yaml")
	told, err := telemetry.Open(ctx, telemetry.Config{Log: serverLog(d.env), Clock: d.env.Clock}) // to nobody
	if err != nil {
		return "", err
	}
	srv, listener, err := c.open(&on, told)
	if err != nil {
		return "", err
	}
	g.Go(func() error { return errors.Join(serve(ctx, srv, listener), srv.Close()) })
	var secret bytes.Buffer
	env := d.env
	env.Dir, env.Stdout, env.Args = dir, &secret, []string{"token", "create", "demo", "--owner", "demo", "--scope", "all", "--data", c.Data}
	if err := parseAndRun(ctx, env, d.talk); err != nil {
		return "", err
	}
	d.remote = &client.Client{URL: srv.URL, Token: strings.TrimSpace(secret.String()), HTTP: &http.Client{}, Again: 100 * time.Millisecond}
	d.env.Environ = append(d.env.Environ, "SLIPWAY_SERVER="+srv.URL, tokenVariable+"="+d.remote.Token)
	return srv.URL, nil
}

// road pushes two versions, and watches how they go live.
func (d served) road(at string) error {
	if err := d.push("push the first version: git push"); err != nil {
		return err
	}
	for _, words := range [][]string{{"run", "staging"}, {"status", "staging"}} {
		if err := d.slipway("ask the server", append(words, "--server", at)...); err != nil {
			return err
		}
	}
	d.heading("a second version, as somebody would edit it: python3 v2/make_v2.py")
	if err := d.edit("v2/make_v2.py"); err != nil {
		return err
	}
	if err := d.commit("second version"); err != nil {
		return err
	}
	if err := d.push("push it: git push"); err != nil {
		return err
	}
	for _, words := range [][]string{{"run", "staging"}, {"history", "staging"}, {"jobs"}} {
		if err := d.slipway("ask the server", append(words, "--server", at)...); err != nil {
			return err
		}
	}
	return nil
}

// push pushes, and shows the job that takes the commit along the road.
func (d served) push(about string) error {
	d.heading("%s", about)
	before, err := d.ships()
	if err != nil {
		return err
	}
	if err := git.Push(d.ctx, d.dir, d.env.Environ, "file://"+d.bare, "main"); err != nil {
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := d.ships()
		if err != nil {
			return err
		}
		if len(now) > len(before) {
			j, err := d.remote.Await(d.ctx, now[0], d.talk.event)
			if err != nil {
				return err
			}
			d.talk.say("job %d: %s is live in staging, and nobody did anything", j.ID, d.app)
			return nil
		}
		select {
		case <-d.ctx.Done():
			return context.Cause(d.ctx)
		case <-tick.C:
		}
	}
}

// ships are the jobs that took a commit along the road, the newest first.
func (d served) ships() ([]store.Job, error) {
	all, err := d.remote.Jobs(d.ctx, "", 100)
	var ships []store.Job
	for _, j := range all {
		if j.Kind == "ship" {
			ships = append(ships, j)
		}
	}
	return ships, err
}
