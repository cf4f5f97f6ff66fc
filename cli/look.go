package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

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

type shapesCommand struct {
	Name string `arg:"" optional:"" help:"The shape to show. Default: the menu."`
}

// Help implements kong.HelpProvider.
func (shapesCommand) Help() string {
	return "With a name, it shows the parameters of that one.\n\nExample: slipway shapes glue-job\n\n" + exitHelp
}

type shapeView struct {
	Name        string      `json:"name"`
	Version     int         `json:"version"`
	Description string      `json:"description"`
	Runtimes    []string    `json:"runtimes"`
	Parameters  []fieldView `json:"parameters,omitempty"`
}

type fieldView struct {
	Name     string `json:"name"`
	Help     string `json:"help"`
	Required bool   `json:"required,omitempty"`
}

// Run implements the command.
func (c *shapesCommand) Run(s *session) error {
	menu, err := shapes()
	if err != nil {
		return err
	}
	if c.Name != "" && menu.Lookup(c.Name) == nil {
		return slipway.Errorf(slipway.NotFound, "there is no shape %q", c.Name).WithFix("the menu has: %s", strings.Join(menu.Names(), ", "))
	}
	var views []shapeView
	var rows [][]string
	for _, name := range menu.Names() {
		sh := menu.Lookup(name)
		v := shapeView{Name: sh.Name, Version: sh.Version, Description: sh.Description, Runtimes: sh.Runtimes}
		if c.Name != "" && c.Name != name {
			continue
		}
		rows = append(rows, []string{sh.Name, strconv.Itoa(sh.Version), sh.Description})
		if c.Name != "" {
			rows = nil
			for _, p := range sh.Parameters {
				v.Parameters = append(v.Parameters, fieldView{Name: p.Name, Help: p.Help, Required: p.Required})
				rows = append(rows, []string{"run." + p.Name, p.Help})
			}
		}
		views = append(views, v)
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, views)
	}
	head := "SHAPE\tVERSION\tFOR"
	if c.Name != "" {
		head = "PARAMETER\tMEANING"
	}
	return table(s.env.Stdout, head, rows)
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
	menu, err := shapes()
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
