package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
)

type adoptCommand struct {
	Name        string `arg:"" name:"job" help:"The job's name on the runtime."`
	Environment string `arg:"" name:"env" help:"The environment that the job is to belong to."`
	Folder      string `short:"o" default:"." placeholder:"DIR" help:"The app's folder, where the manifest and the script go. Default: this one."`
	DryRun      bool   `help:"Print the manifest; write and mark nothing."`
}

// Help implements kong.HelpProvider.
func (adoptCommand) Help() string {
	return `Takes over a job that was made by hand, by Terraform or by a script. It writes slipway.yaml and the job's script as they
are on the runtime, and marks the job as the app's. It changes nothing else, and what the manifest cannot say stays as it is. Where
a manifest is there already, it is kept, and the job is only marked. slipway plan --source then shows what the first ship would change.

Example: slipway adopt "Traffic ETL" prod

` + exitHelp
}

// Run implements the command.
func (c *adoptCommand) Run(s *session) error {
	dir := s.path(c.Folder)
	if _, err := os.Stat(filepath.Join(dir, manifest.FileName)); err != nil || c.DryRun {
		if err := c.write(s, dir); err != nil || c.DryRun {
			return err
		}
	}
	err := s.reading(c.Folder, func(f *pipeline.Flow) error { return f.Claim(s.ctx, c.Environment, c.Name) })
	if err != nil {
		return err
	}
	s.talk.say("%s in %s is yours now; commit the files, look at slipway plan --source %[2]s, then slipway ship %[2]s", c.Name, c.Environment)
	return nil
}

// write writes the manifest and the script of the job as it is.
func (c *adoptCommand) write(s *session, dir string) error {
	menu, err := shapes()
	if err != nil {
		return err
	}
	found, err := c.find(s, dir)
	if err != nil {
		return err
	}
	text, script := pipeline.AdoptedManifest(found, menu)
	for _, kept := range found.Kept {
		s.talk.say("  stays as it is: %s", kept)
	}
	if c.DryRun {
		_, err := s.env.Stdout.Write(text)
		return err
	}
	file := filepath.Join(dir, script)
	if data, err := os.ReadFile(file); err == nil && string(data) != string(found.Data) {
		return slipway.Errorf(slipway.Conflict, "%s is there already, and is not the script of %s", file, c.Name).
			WithFix("move it away, or name another folder with --folder")
	}
	if err := writeFile(file, found.Data); err != nil {
		return err
	}
	fmt.Fprintln(s.env.Stdout, file)
	file = filepath.Join(dir, manifest.FileName)
	if err := writeFile(file, text); err != nil {
		return err
	}
	fmt.Fprintln(s.env.Stdout, file)
	return nil
}

// find looks at the job before there is a manifest.
func (c *adoptCommand) find(s *session, dir string) (found driver.Found, err error) {
	menu, err := shapes()
	if err != nil {
		return found, err
	}
	text, _ := pipeline.AdoptedManifest(driver.Found{Name: c.Name, Shape: "glue-job"}, menu)
	p, err := pipeline.OpenDraft(s.ctx, s.whereabouts("", menu), dir, text)
	if err != nil {
		return found, err
	}
	defer func() { _ = p.Close() }() // it only ends a process that reads
	err = s.within(p, "", pipeline.NewReader, func(f *pipeline.Flow) error {
		found, err = f.FindJob(s.ctx, c.Environment, c.Name)
		return err
	})
	return found, err
}
