package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
)

type configCommand struct {
	Environment string `arg:"" optional:"" default:"local" name:"env" help:"The environment. Default: local."`
}

// Help implements kong.HelpProvider.
func (configCommand) Help() string {
	return `It is complete with defaults. Values come, the later ones winning, from the shape's defaults, the manifest's run, and environments.ENV.run; maps merge key by key,
other values replace, null removes.

Example: slipway config staging

` + exitHelp
}

// Run implements the command.
func (c *configCommand) Run(s *session) error {
	p, err := s.project("")
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // it only ends a process that reads
	r, err := p.Manifest.Resolve(c.Environment, p.Platform)
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, r.Values())
	}
	return manifest.WriteValues(s.env.Stdout, r.Values())
}

type schemaCommand struct {
	File string `arg:"" optional:"" enum:"slipway.yaml,platform.yaml,rails.yaml" default:"slipway.yaml" help:"slipway.yaml, platform.yaml, or rails.yaml for a file of guard rails. Default: slipway.yaml."`
}

// Help implements kong.HelpProvider.
func (schemaCommand) Help() string {
	return "It is for editors, in draft 2020-12.\n\nExample: slipway schema platform.yaml > platform.schema.json\n\n" + exitHelp
}

// Run implements the command.
func (c *schemaCommand) Run(s *session) error {
	menu, err := s.shapes()
	if err != nil {
		return err
	}
	data, err := manifest.JSONSchema(menu)
	if c.File == manifest.PlatformFileName {
		data, err = manifest.PlatformJSONSchema()
	}
	if c.File == "rails.yaml" {
		data, err = policy.JSONSchema()
	}
	if err != nil {
		return err
	}
	_, err = s.env.Stdout.Write(data)
	return err
}

type versionCommand struct{}

// Help implements kong.HelpProvider.
func (versionCommand) Help() string { return "Example: slipway version --json\n\n" + exitHelp }

// Run implements the command.
func (versionCommand) Run(s *session) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, map[string]string{"version": s.env.Version})
	}
	fmt.Fprintln(s.env.Stdout, "slipway", s.env.Version)
	return nil
}

// reason leaves out of an error of the file system what the message says already.
func reason(err error) error {
	if onPath, ok := errors.AsType[*fs.PathError](err); ok {
		return onPath.Err
	}
	return err
}

// readFile reads a file that a person named.
func (s *session) readFile(name string) ([]byte, error) {
	data, err := os.ReadFile(s.path(name))
	if err != nil {
		return nil, slipway.Errorf(slipway.NotFound, "cannot read %s: %w", name, reason(err))
	}
	return data, nil
}
