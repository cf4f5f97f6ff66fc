package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/shape"
)

type shapesCommand struct {
	Show    shapesShowCommand    `cmd:"" default:"withargs" help:"Show the menu, or a shape's parameters."`
	Test    shapesTestCommand    `cmd:"" help:"Run the tests of shapes: their defaults, conditions, rails and costs."`
	Upgrade shapesUpgradeCommand `cmd:"" help:"Change slipway.yaml for the newest version of its shape."`
	Schema  shapesSchemaCommand  `cmd:"" help:"Print the JSON Schema of what run may hold, for forms."`
}

// shapes is the menu, with the shapes of the folder that the person named.
func (s *session) shapes() (shape.Menu, error) {
	menu, err := shapes()
	if err != nil || s.globals.Shapes == "" {
		return menu, err
	}
	dir := s.path(s.globals.Shapes)
	if _, err := os.Stat(dir); err != nil {
		return menu, slipway.Errorf(slipway.NotFound, "cannot read the shapes in %s: %w", dir, reason(err)).WithFix("--shapes and SLIPWAY_SHAPES name a folder")
	}
	own, err := shape.Load(os.DirFS(filepath.Dir(dir)), filepath.Base(dir))
	if err != nil {
		return menu, &slipway.Error{Kind: slipway.Invalid, Message: err.Error(), Err: err}
	}
	return menu.With(own), nil
}

// named returns the shape of a name, or of all.
func named(menu shape.Menu, ref string) ([]*shape.Shape, error) {
	if ref == "" {
		return menu.All(), nil
	}
	if s := menu.Lookup(ref); s != nil {
		return []*shape.Shape{s}, nil
	}
	return nil, slipway.Errorf(slipway.NotFound, "there is no shape %q", ref).WithFix("the menu has: %s", strings.Join(menu.Names(), ", "))
}

type shapesShowCommand struct {
	Name string `arg:"" optional:"" help:"The shape to show, such as glue-job or glue-job@1. Default: the menu."`
}

// Help implements kong.HelpProvider.
func (shapesShowCommand) Help() string {
	return "With a name, it shows the parameters of that one. The word show may be left out.\n\nExample: slipway shapes show glue-job\n\n" + exitHelp
}

type shapeView struct {
	Name        string      `json:"name"`
	Version     int         `json:"version"`
	Description string      `json:"description"`
	Runtimes    []string    `json:"runtimes"`
	Runs        bool        `json:"runs"` // this program has a driver for one of the runtimes
	Parameters  []fieldView `json:"parameters,omitempty"`
}

type fieldView struct {
	Name     string `json:"name"`
	Help     string `json:"help"`
	Required bool   `json:"required,omitempty"`
}

// Run implements the command.
func (c *shapesShowCommand) Run(s *session) error {
	menu, err := s.shapes()
	if err != nil {
		return err
	}
	some, err := named(menu, c.Name)
	if err != nil {
		return err
	}
	var views []shapeView
	var rows [][]string
	head := "SHAPE\tVERSION\tRUNS ON\tFOR"
	for _, sh := range some {
		v := shapeView{Name: sh.Name, Version: sh.Version, Description: sh.Description, Runtimes: sh.Runtimes, Runs: s.drives(sh)}
		rows = append(rows, []string{sh.Name, strconv.Itoa(sh.Version), s.runsOn(sh), sh.Description})
		if c.Name != "" {
			head, rows = "PARAMETER\tMEANING", nil
			for _, p := range sh.Parameters {
				v.Parameters = append(v.Parameters, fieldView{Name: p.Name, Help: p.Help, Required: p.Required || len(p.RequiredOn) > 0})
				rows = append(rows, []string{"run." + p.Name, p.Help})
			}
		}
		views = append(views, v)
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, views)
	}
	if err := table(s.env.Stdout, head, rows); err != nil {
		return err
	}
	if c.Name != "" && !s.drives(some[0]) {
		s.talk.say("manifests with this shape are checked, but nothing runs it yet: it needs %s, for which this program has no driver", strings.Join(some[0].Runtimes, " or "))
	}
	return nil
}

// drives reports whether this program can run apps of a shape anywhere.
func (s *session) drives(sh *shape.Shape) bool {
	return slices.ContainsFunc(sh.Runtimes, func(r string) bool { return s.env.Parts.Runtimes[r] != nil })
}

func (s *session) runsOn(sh *shape.Shape) string {
	if s.drives(sh) {
		return strings.Join(sh.Runtimes, ", ")
	}
	return "nothing yet"
}

type shapesTestCommand struct {
	Name string `arg:"" optional:"" help:"The shape, such as glue-job. Default: all."`
}

// Help implements kong.HelpProvider.
func (shapesTestCommand) Help() string {
	return `Each test of a shape.yaml says what a manifest has, and what comes of it: values, complaints, rails and cost. It needs no
app.

Example: slipway shapes test --shapes shapes

Exit codes: 0 every test ended as expected; 1 one did not; 2 a shape is wrong; others as for slipway ship.`
}

// Run implements the command.
func (c *shapesTestCommand) Run(s *session) error {
	menu, err := s.shapes()
	if err != nil {
		return err
	}
	some, err := named(menu, c.Name)
	if err != nil {
		return err
	}
	var all []policy.CaseResult
	for _, sh := range some {
		results, err := policy.TestShape(sh)
		if err != nil {
			return fmt.Errorf("shape %s: %w", sh.Ref(), err)
		}
		for i := range results {
			results[i].Name = sh.Name + ": " + results[i].Name
		}
		all = append(all, results...)
	}
	return s.tellCases(all, counted(len(some), "shape"))
}

// tellCases prints how cases ended; one that failed is an error.
func (s *session) tellCases(results []policy.CaseResult, of string) error {
	if s.globals.JSON {
		if err := printJSON(s.env.Stdout, results); err != nil {
			return err
		}
	} else {
		s.printCases(results)
	}
	failed := 0
	for _, r := range results {
		if !r.Passed {
			failed++
		}
	}
	if failed > 0 {
		return slipway.Errorf(slipway.Failed, "%d of %s did not end as expected", failed, counted(len(results), "case"))
	}
	s.talk.say("%s, %s: all as expected", of, counted(len(results), "case"))
	return nil
}

type shapesUpgradeCommand struct {
	DryRun bool `help:"Say what would change, and write nothing."`
}

// Help implements kong.HelpProvider.
func (shapesUpgradeCommand) Help() string {
	return `Renames what the shape renamed, and says what is left for you to do. Comments and everything else stay as they are.
A manifest with shape: NAME@VERSION stays with that version until then; one without @VERSION has the newest.

Example: slipway shapes upgrade --dry-run

` + exitHelp
}

// Run implements the command.
func (c *shapesUpgradeCommand) Run(s *session) error {
	menu, err := s.shapes()
	if err != nil {
		return err
	}
	p, err := s.project("")
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }() // it only ends a process that reads
	file := filepath.Join(p.Dir(), manifest.FileName)
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	up := p.Manifest.Upgrade(data, menu)
	if !c.DryRun && up.Changed(data) {
		if err := writeFile(file, up.Data); err != nil {
			return err
		}
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, up)
	}
	if up.From == up.To {
		s.talk.say("%s has the newest version of %s, %d", manifest.FileName, p.Manifest.Shape.Name, up.To)
		return nil
	}
	fmt.Fprintf(s.env.Stdout, "%s: from version %d to %d\n", p.Manifest.Shape.Name, up.From, up.To)
	for _, line := range up.Notes {
		fmt.Fprintf(s.env.Stdout, "  %s\n", line)
	}
	for _, line := range up.Done {
		fmt.Fprintf(s.env.Stdout, "  %s %s\n", s.paint(s.env.Stdout, green, "~"), line)
	}
	for _, line := range up.Left {
		fmt.Fprintf(s.env.Stdout, "  %s %s\n", s.paint(s.env.Stdout, yellow, "!"), line)
	}
	return nil
}

type shapesSchemaCommand struct {
	Name string `arg:"" help:"The shape, such as glue-job or glue-job@1."`
}

// Help implements kong.HelpProvider.
func (shapesSchemaCommand) Help() string {
	return "It is in draft 2020-12.\n\nExample: slipway shapes schema glue-job > glue-job.schema.json\n\n" + exitHelp
}

// Run implements the command.
func (c *shapesSchemaCommand) Run(s *session) error {
	menu, err := s.shapes()
	if err != nil {
		return err
	}
	some, err := named(menu, c.Name)
	if err != nil {
		return err
	}
	data, err := manifest.ShapeJSONSchema(some[0])
	if err != nil {
		return err
	}
	_, err = s.env.Stdout.Write(data)
	return err
}
