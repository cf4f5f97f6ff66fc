package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/server/client"
)

type releasesCommand struct {
	Environment string `arg:"" optional:"" default:"local" name:"env" help:"The environment. Default: local."`
}

// Help implements kong.HelpProvider.
func (releasesCommand) Help() string {
	return "The newest comes first, and the live one is marked.\n\nExample: slipway releases staging\n\n" + exitHelp
}

// Run implements the command.
func (c *releasesCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		h, err := at.History(s.ctx, app, c.Environment)
		if err != nil {
			return err
		}
		return s.showReleases(h)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		h, err := f.History(s.ctx, f.Project.Manifest.App, c.Environment)
		if err != nil {
			return err
		}
		return s.showReleases(h)
	})
}

// showReleases lists the releases that an environment has.
func (s *session) showReleases(h ledger.History) error {
	admissions := slices.Clone(h.Admissions)
	slices.Reverse(admissions)
	if s.globals.JSON {
		return printJSON(s.env.Stdout, nonNil(admissions))
	}
	if len(admissions) == 0 {
		s.talk.say("no releases yet")
	}
	live, _ := h.Current()
	var rows [][]string
	for _, a := range admissions {
		mark := ""
		if live.Plan.Target.Version == a.Version {
			mark = "live"
		}
		rows = append(rows, []string{a.Version, a.Commit[:min(12, len(a.Commit))], when(a.Time), a.By, mark})
	}
	return table(s.env.Stdout, "VERSION\tCOMMIT\tTIME\tBY\t", rows)
}

type showCommand struct {
	Words []string `arg:"" optional:"" name:"release-env" help:"The release, by default the newest, and the environment, by default local."`
}

// Help implements kong.HelpProvider.
func (showCommand) Help() string {
	return "It shows the files with their digests, the check results, and who signed for it.\n\nExample: slipway show v1.4.0 staging\n\n" + exitHelp
}

func releaseAndEnvironment(words []string) (version, env string, err error) {
	if len(words) == 0 {
		return "", slipway.LocalEnvironment, nil
	}
	return versionAndEnvironment(words)
}

// Run implements the command.
func (c *showCommand) Run(s *session) error {
	version, env, err := releaseAndEnvironment(c.Words)
	if err != nil {
		return err
	}
	if done, err := s.elsewhere("", func(at *client.Client, app string) error {
		facts, err := at.ReleaseFacts(s.ctx, app, env, version)
		if err != nil {
			return err
		}
		return s.showRelease(facts)
	}); done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		r, err := f.FindRelease(s.ctx, f.Project.Manifest.App, version, env)
		if err != nil {
			return err
		}
		checks, err := f.CheckResults(s.ctx, r, env)
		if err != nil {
			return err
		}
		said, err := f.SignOffs(s.ctx, r, env)
		if err != nil {
			return err
		}
		set, err := f.SetOf(s.ctx, r, env)
		if err != nil {
			return err
		}
		return s.showRelease(server.ReleaseFacts{Release: r, Checks: checks, Set: set, SignOffs: said})
	})
}

// showRelease shows a release with what is known of it.
func (s *session) showRelease(facts server.ReleaseFacts) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, facts)
	}
	w, r := s.env.Stdout, facts.Release
	fmt.Fprintf(w, "%s %s\n  commit %s of %s\n  made %s by %s\n", r.App, r.Version, r.Source.Commit, when(r.Source.Time), when(r.Created), r.By)
	var rows [][]string
	for _, a := range r.Files() {
		rows = append(rows, []string{"  " + a.Name, string(a.Kind), strconv.FormatInt(a.Size, 10), string(a.Digest), a.Key})
	}
	if err := table(w, "  FILE\tKIND\tBYTES\tDIGEST\tKEY", rows); err != nil {
		return err
	}
	for _, r := range facts.Checks {
		fmt.Fprintf(w, "  check %s: %s\n", r.Name, r.Verdict)
	}
	if set := facts.Set; set != nil {
		fmt.Fprintf(w, "  came to %s with %s, set %s\n", set.To, set.Others(r.App), set.Digest)
	}
	printSignOffs(w, facts.SignOffs)
	return nil
}

type downloadCommand struct {
	Words  []string `arg:"" optional:"" name:"release-env" help:"The release, by default the newest, and the environment, by default local."`
	Output string   `short:"o" default:"." placeholder:"DIR" help:"The folder to put the files in. Default: this one."`
	Force  bool     `help:"Write over files that are there and are others."`
}

// Help implements kong.HelpProvider.
func (downloadCommand) Help() string {
	return "It proves on the way that they are what was released.\n\nExample: slipway download v1.4.0 staging -o dist\n\n" + exitHelp
}

// Run implements the command.
func (c *downloadCommand) Run(s *session) error {
	version, env, err := releaseAndEnvironment(c.Words)
	if err != nil {
		return err
	}
	done, err := s.elsewhere("", func(at *client.Client, app string) error {
		facts, err := at.ReleaseFacts(s.ctx, app, env, version)
		if err != nil {
			return err
		}
		return c.fetch(s, facts.Release.Files(), func(a slipway.Artifact) ([]byte, error) {
			return at.Artifact(s.ctx, app, env, facts.Release.Version, a)
		})
	})
	if done {
		return err
	}
	return s.reading("", func(f *pipeline.Flow) error {
		r, err := f.FindRelease(s.ctx, f.Project.Manifest.App, version, env)
		if err != nil {
			return err
		}
		return c.fetch(s, r.Files(), func(a slipway.Artifact) ([]byte, error) { return f.Fetch(s.ctx, env, a) })
	})
}

// fetch writes a release's files. All of them are looked at before the first is
// written: a file of a person's own is not lost for one of the release's.
func (c *downloadCommand) fetch(s *session, all []slipway.Artifact, get func(slipway.Artifact) ([]byte, error)) error {
	contents := make([][]byte, len(all))
	for i, a := range all {
		data, err := get(a)
		if err != nil {
			return err
		}
		file := c.file(s, a)
		if there, err := os.ReadFile(file); err == nil && !bytes.Equal(there, data) && !c.Force {
			return slipway.Errorf(slipway.Invalid, "%s is there already, and is not the release's", file).
				WithFix("choose another folder with -o, or write over it with --force")
		}
		contents[i] = data
	}
	for i, a := range all {
		if err := writeFile(c.file(s, a), contents[i]); err != nil {
			return err
		}
		fmt.Fprintln(s.env.Stdout, c.file(s, a))
	}
	return nil
}

// file is where an artifact goes.
func (c *downloadCommand) file(s *session, a slipway.Artifact) string {
	return filepath.Join(s.path(c.Output), filepath.Base(a.Name))
}

type removeCommand struct {
	Environment string `arg:"" name:"env" help:"The environment."`
	Former      string `placeholder:"APP" help:"Take away what this app, under a name that it had before, left behind."`
}

// Help implements kong.HelpProvider.
func (removeCommand) Help() string {
	return "Its schedule goes with it. Releases, history and runs stay.\n\nExample: slipway remove staging\n\n" + exitHelp
}

// Run implements the command.
func (c *removeCommand) Run(s *session) error {
	if done, err := s.elsewhere("", func(at *client.Client, app string) error { return c.removeAt(s, at, app) }); done {
		return err
	}
	return s.changing("remove from "+c.Environment, func(f *pipeline.Flow) error {
		o, err := f.Operating(s.ctx, c.Environment)
		if err != nil {
			return err
		}
		app := f.Project.Manifest.App
		if c.Former != "" {
			if app, err = c.former(s, f); err != nil {
				return err
			}
		}
		d, err := o.Remove(s.ctx, app, s.env.User)
		if err != nil {
			return err
		}
		f.Settle(s.ctx, app, c.Environment)
		c.tell(s, app, d)
		return nil
	})
}

func (c *removeCommand) tell(s *session, app string, d slipway.Deployment) {
	if c.Former != "" {
		s.talk.say("%s is no longer in %s", app, c.Environment)
		return
	}
	s.talk.say("%s is no longer in %s; slipway deploy %s %s brings it back", app, c.Environment, d.Plan.Target.Version, c.Environment)
}

// former is the name that the app had before, if it did.
func (c *removeCommand) former(s *session, f *pipeline.Flow) (string, error) {
	src, err := s.source(f.Project, false)
	if err != nil {
		return "", err
	}
	return c.Former, f.WasCalled(s.ctx, c.Environment, f.Project.Manifest.App, c.Former, src)
}
