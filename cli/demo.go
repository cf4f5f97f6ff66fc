package cli

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/examples"
	"github.com/slipway-cd/slipway/git"
)

type demoCommand struct {
	Dir   string `placeholder:"DIR" help:"The folder to work in; it must not be there yet. Default: a new one in the temporary folder."`
	Shell bool   `help:"Show the road with the Python shell job, which needs nothing but Python 3."`
	Serve bool   `help:"Show it with a server: what is pushed to a git repository goes live by itself."`
	Once  bool   `help:"With --serve: end after the second push, instead of serving on."`
}

// Help implements kong.HelpProvider.
func (demoCommand) Help() string {
	return `Copies an example app into a git repository of its own and takes it along the whole road on this machine: the
notebook becomes a script, is tested, released, promoted to the environment staging, deployed and run on real Spark; a
second version follows; then it is rolled back. Where Spark cannot be had it says so, and shows the same road with a Python
shell job.

Example: slipway demo

` + exitHelp
}

// A demo is the road shown on one example.
type demo struct {
	*session
	dir string
}

// Run implements the command.
func (c *demoCommand) Run(s *session) error {
	if c.Serve {
		return c.serve(s)
	}
	dir, err := c.folder(s)
	if err != nil {
		return err
	}
	d := demo{session: s, dir: filepath.Join(dir, "traffic")}
	if !c.Shell {
		err := d.show("traffic", "v2/make_v2.py")
		if slipway.KindOf(err) != slipway.Unavailable || err == nil {
			return err
		}
		s.talk.say("")
		s.talk.say("Spark cannot be had on this machine: %s", err)
		for line := range strings.Lines(slipway.FixOf(err)) {
			s.talk.say("  %s", strings.TrimSpace(line))
		}
		s.talk.say("Here is the same road with a Python shell job, which needs nothing but Python 3.")
	}
	d.dir = filepath.Join(dir, "pulse")
	return d.show("pulse", "v2/make_v2.py")
}

func (c *demoCommand) folder(s *session) (string, error) {
	if c.Dir == "" {
		return os.MkdirTemp("", "slipway-demo-")
	}
	dir := s.path(c.Dir)
	if _, err := os.Stat(dir); err == nil {
		return "", slipway.Errorf(slipway.Conflict, "%s is there already", dir).WithFix("name a folder that is not, or leave --dir out")
	}
	return dir, nil
}

// show takes an example along the road.
func (d demo) show(app, second string) error {
	if err := d.copy(app); err != nil {
		return err
	}
	d.heading("the example app %s is in %s", app, d.dir)
	if err := d.commit("first version"); err != nil {
		return err
	}
	steps := []struct {
		about string
		words []string
	}{
		{"take it to staging: build, check, release, promote, deploy", []string{"ship", "staging"}},
		{"run it there", []string{"run", "staging"}},
	}
	for _, st := range steps {
		if err := d.slipway(st.about, st.words...); err != nil {
			return err
		}
	}
	d.heading("a second version, as somebody would edit it: python3 %s", second)
	if err := d.edit(second); err != nil {
		return err
	}
	if err := d.commit("second version"); err != nil {
		return err
	}
	for _, st := range append(steps, []struct {
		about string
		words []string
	}{
		{"go back to the first version", []string{"rollback", "staging"}},
		{"run it again: the first version's result", []string{"run", "staging"}},
		{"what is live now", []string{"status", "staging"}},
		{"everything that happened, from the ledger", []string{"history", "staging"}},
	}...) {
		if err := d.slipway(st.about, st.words...); err != nil {
			return err
		}
	}
	d.heading("that was the road. To look around: cd %s", d.dir)
	d.talk.say("  slipway.yaml and platform.yaml are all that a team and a platform team write; .slipway/ is what Slipway keeps")
	d.talk.say("  slipway status, slipway logs staging, slipway releases staging, slipway show staging, slipway plan staging")
	return nil
}

func (d demo) heading(format string, args ...any) {
	d.talk.say("")
	d.talk.say("== "+format, args...)
}

// slipway shows a command, and runs it as if it had been typed in the folder.
func (d demo) slipway(about string, words ...string) error {
	d.heading("%s: slipway %s", about, strings.Join(words, " "))
	env := d.env
	env.Dir, env.Args = d.dir, words
	return parseAndRun(d.ctx, env, d.talk)
}

func (d demo) commit(message string) error {
	_, err := git.Commit(d.ctx, d.dir, d.env.Environ, "demo", message)
	return err
}

// edit runs the example's own script that makes the second version.
func (d demo) edit(script string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return slipway.Errorf(slipway.Unavailable, "this machine has no python3").WithFix("install Python 3 (Debian and Ubuntu: apt-get install python3)")
	}
	cmd := exec.CommandContext(d.ctx, python, filepath.FromSlash(script))
	cmd.Dir, cmd.Env = d.dir, d.env.Environ
	if out, err := cmd.CombinedOutput(); err != nil {
		return slipway.Errorf(slipway.Failed, "python3 %s: %w\n%s", script, err, out)
	}
	return nil
}

// copy writes the example's files into the folder.
func (d demo) copy(app string) error {
	files, err := examples.App(app)
	if err != nil {
		return err
	}
	err = os.CopyFS(d.dir, files)
	if errors.Is(err, fs.ErrPermission) {
		return cannotWrite(d.dir, err)
	}
	return err
}
