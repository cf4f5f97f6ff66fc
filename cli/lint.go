package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/notebook/lint"
)

type lintCommand struct {
	Notebooks   []string `arg:"" optional:"" help:"The notebooks, folders of them, or patterns as in '**/*.ipynb'. Default: the app's notebook."`
	Rules       bool     `help:"List the rules."`
	Fix         bool     `help:"Mend what can be mended safely, in place, and show what is left."`
	Select      []string `placeholder:"RULE" help:"Apply these rules alone: ids, names, or the beginning of ids as in NB2."`
	Ignore      []string `placeholder:"RULE" help:"Leave these rules out."`
	FailOn      string   `enum:"error,warning,info,never" default:"error" help:"Exit with 1 at a finding that is at least so bad: error, warning, info, never."`
	Sarif       string   `placeholder:"FILE" help:"Write the findings in the SARIF format too; - is stdout, in place of the text."`
	GlueVersion string   `placeholder:"VERSION" help:"The Glue version whose modules imports are held against. Default: the manifest's, else the notebook's %glue_version."`
	Module      []string `placeholder:"NAME" help:"A module that the worker has besides."`
}

// Help implements kong.HelpProvider.
func (lintCommand) Help() string {
	return `Finds what is wrong with notebooks that become jobs: secrets, names that no cell defines, cells run out of order, what works in a notebook alone, modules that a worker does not have. A comment silences a rule on its line: # noqa: NB302.

Where a notebook is an app's, its manifest says which Glue version counts and which modules there are.

Example: slipway lint traffic.ipynb --ignore NB204 --sarif lint.sarif

Exit codes: 0 nothing found that is bad enough; 1 something is, see --fail-on; 2 the command or a file is wrong.`
}

// Run implements the command.
func (c *lintCommand) Run(s *session) error {
	if c.Rules {
		return c.list(s)
	}
	files, err := c.notebooks(s)
	if err != nil {
		return err
	}
	var all []lint.File
	linters := map[string]*lint.Linter{}
	for _, file := range files {
		l, err := c.linter(s, file, linters)
		if err != nil {
			return err
		}
		one, err := c.file(s, l, file)
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	if err := c.show(s, all); err != nil {
		return err
	}
	return c.verdict(all)
}

func (c *lintCommand) list(s *session) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, lint.Rules())
	}
	var rows [][]string
	for _, r := range lint.Rules() {
		fix := ""
		if r.Fixes {
			fix = "--fix"
		}
		rows = append(rows, []string{r.ID, r.Name, string(r.Severity), fix, r.Text})
	}
	return table(s.env.Stdout, "RULE\tNAME\tSEVERITY\tMENDS\tWHAT IT FINDS", rows)
}

// notebooks are those that were named, else the app's.
func (c *lintCommand) notebooks(s *session) ([]string, error) {
	if len(c.Notebooks) > 0 {
		return s.notebookFiles(c.Notebooks)
	}
	p, err := s.project("")
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Close() }() // it only ends a process that reads
	file := p.Manifest.Build.Notebook
	if file == "" {
		return nil, slipway.Errorf(slipway.Invalid, "the app %s has no notebook", p.Manifest.App).WithFix("name one: slipway lint FILE.ipynb")
	}
	path := filepath.Join(p.Dir(), filepath.FromSlash(file))
	if rel, err := filepath.Rel(s.env.Dir, path); err == nil && filepath.IsLocal(rel) {
		path = rel
	}
	return []string{path}, nil
}

// linter returns the linter for the notebooks of a folder: its app's manifest may
// say what a worker has.
func (c *lintCommand) linter(s *session, file string, known map[string]*lint.Linter) (*lint.Linter, error) {
	o := lint.Options{Select: c.Select, Ignore: c.Ignore, GlueVersion: c.GlueVersion, Modules: slices.Clone(c.Module)}
	c.fromManifest(s, file, &o)
	key := fmt.Sprint(o.GlueVersion, o.Modules)
	if l, ok := known[key]; ok {
		return l, nil
	}
	l, err := lint.New(o)
	if err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "%w", err).WithFix("slipway lint --rules lists them")
	}
	known[key] = l
	return l, nil
}

// fromManifest adds what the manifest beside or above the notebook says, if the
// notebook is its app's. A notebook needs no manifest, and what is wrong with one
// is told by the commands that need it.
func (c *lintCommand) fromManifest(s *session, file string, o *lint.Options) {
	m, dir := s.manifestOf(s.path(file))
	if m == nil {
		return
	}
	for _, include := range m.Build.Include {
		o.Modules = append(o.Modules, includedModules(dir, include)...)
	}
	r, err := m.Resolve("local", nil)
	if err != nil {
		return
	}
	if v := r.Run.Get("glue_version"); o.GlueVersion == "" && v.From == m.File {
		o.GlueVersion = v.Text()
	}
	if kind := r.Run.Get("type").Text(); o.GlueVersion == "" && kind == "pythonshell" {
		o.GlueVersion = kind // no version of Glue for Spark says what it has
	}
	o.Modules = append(o.Modules, r.Run.Get("additional_python_modules").Texts()...)
}

// manifestOf returns the manifest of the app whose notebook a file is, and its
// folder; nil where there is none.
func (s *session) manifestOf(file string) (*manifest.Manifest, string) {
	menu, err := shapes()
	if err != nil {
		return nil, ""
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, manifest.FileName))
		if err == nil {
			m, err := manifest.Load(manifest.FileName, data, menu)
			if err != nil || filepath.Join(dir, filepath.FromSlash(m.Build.Notebook)) != file {
				return nil, ""
			}
			return m, dir
		}
		if dir == filepath.Dir(dir) {
			return nil, ""
		}
	}
}

// includedModules returns the modules that an entry of build.include brings: the
// folder or file itself, and what lies in the folder, which is on the path too.
func includedModules(dir, include string) []string {
	name := filepath.Base(filepath.FromSlash(include))
	modules := []string{strings.TrimSuffix(name, ".py")}
	entries, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(include)))
	if err != nil {
		return modules
	}
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) == ".py" {
			modules = append(modules, strings.TrimSuffix(e.Name(), ".py"))
		}
	}
	return modules
}

func (c *lintCommand) file(s *session, l *lint.Linter, file string) (lint.File, error) {
	data, err := s.readFile(file)
	if err != nil {
		return lint.File{}, err
	}
	if c.Fix {
		if data, err = c.fix(s, l, file, data); err != nil {
			return lint.File{}, err
		}
	}
	findings, err := l.Lint(data)
	if err != nil {
		return lint.File{}, notebookError(file, err)
	}
	return lint.File{Name: file, Findings: append([]lint.Finding{}, findings...)}, nil
}

func (c *lintCommand) fix(s *session, l *lint.Linter, file string, data []byte) ([]byte, error) {
	out, fixed, err := l.Fix(data)
	if err != nil || len(fixed) == 0 {
		return data, notebookErrorIf(file, err)
	}
	if err := writeFile(s.path(file), out); err != nil {
		return nil, err
	}
	for _, f := range fixed {
		s.talk.say("  %s: %s: mended %s", file, f.Position, f.Rule)
	}
	return out, nil
}

func notebookErrorIf(file string, err error) error {
	if err == nil {
		return nil
	}
	return notebookError(file, err)
}

// show writes the findings, as text or for machines.
func (c *lintCommand) show(s *session, all []lint.File) error {
	if c.Sarif != "" {
		data, err := lint.SARIF(all, s.env.Version)
		if err != nil {
			return err
		}
		if c.Sarif == "-" {
			_, err := s.env.Stdout.Write(data)
			return err
		}
		if err := writeFile(s.path(c.Sarif), data); err != nil {
			return err
		}
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, all)
	}
	for _, file := range all {
		for _, f := range file.Findings {
			c.line(s, s.env.Stdout, file.Name, f)
		}
	}
	return nil
}

func (c *lintCommand) line(s *session, w io.Writer, file string, f lint.Finding) {
	color := map[lint.Severity]string{lint.Error: red, lint.Warning: yellow, lint.Info: faint}[f.Severity]
	more := ""
	if f.Fixable {
		more = " (--fix mends it)"
	}
	fmt.Fprintf(w, "%s: %s: %s %s: %s%s\n", file, f.Position, s.paint(w, color, string(f.Severity)), f.Rule, f.Message, more)
}

// verdict is an error where something is bad enough.
func (c *lintCommand) verdict(all []lint.File) error {
	counts := map[lint.Severity]int{}
	bad := 0
	for _, file := range all {
		for _, f := range file.Findings {
			counts[f.Severity]++
			if c.FailOn != "never" && f.Severity.AtLeast(lint.Severity(c.FailOn)) {
				bad++
			}
		}
	}
	if bad == 0 {
		return nil
	}
	var parts []string
	for _, severity := range []lint.Severity{lint.Error, lint.Warning, lint.Info} {
		switch n := counts[severity]; {
		case n == 1:
			parts = append(parts, "1 "+string(severity))
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, severity))
		}
	}
	return slipway.Errorf(slipway.Failed, "lint found %s", strings.Join(parts, ", "))
}
