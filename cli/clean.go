package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook/clean"
)

type cleanCommand struct {
	Notebooks []string `arg:"" optional:"" help:"The notebooks, folders of them, or patterns as in '**/*.ipynb'."`
	Check     bool     `xor:"mode" help:"Change nothing; exit with 1 where a notebook is not clean."`
	Filter    bool     `xor:"mode" help:"Read a notebook from stdin and write it to stdout, for git's clean filter."`
	Install   bool     `xor:"mode" help:"Let git clean each notebook when it is added, with the options given here."`
	Uninstall bool     `xor:"mode" help:"Undo --install."`
	Global    bool     `help:"With --install and --uninstall: for all of your repositories."`

	KeepOutputs  bool     `help:"Keep all outputs. Without it a cell keeps its own if it is tagged keep_output."`
	KeepCounts   bool     `help:"Keep execution counts."`
	DropEmpty    bool     `help:"Drop cells that hold nothing."`
	DropTag      []string `placeholder:"TAG" help:"Drop cells with this tag."`
	Metadata     []string `placeholder:"KEY" help:"Take this key out too, as in metadata.kernelspec or cell.metadata.slideshow."`
	KeepMetadata []string `placeholder:"KEY" help:"Keep this key, one of those that go by default."`
}

// Help implements kong.HelpProvider.
func (cleanCommand) Help() string {
	return `Takes outputs, execution counts and volatile metadata out of notebooks, in place. Code and the file's formatting stay, and a clean notebook is not written.

By default these keys of the metadata go: ` + strings.Join(clean.Keys(), ", ") + `.

Example: slipway clean traffic.ipynb

Example: slipway clean --install, and git cleans what is added

Exit codes: 0 done; 1 with --check, a notebook is not clean; 2 the command or a file is wrong.`
}

func (c *cleanCommand) options() clean.Options {
	return clean.Options{
		KeepOutputs: c.KeepOutputs, KeepCounts: c.KeepCounts, DropEmpty: c.DropEmpty, DropTagged: c.DropTag,
		Keys: c.Metadata, KeepKeys: c.KeepMetadata,
	}
}

// Run implements the command.
func (c *cleanCommand) Run(s *session) error {
	if err := c.options().Check(); err != nil {
		return slipway.Errorf(slipway.Invalid, "%w", err)
	}
	if c.Global && !c.Install && !c.Uninstall {
		return slipway.Errorf(slipway.Invalid, "--global goes with --install and --uninstall")
	}
	if c.Filter || c.Install || c.Uninstall {
		if len(c.Notebooks) > 0 {
			return slipway.Errorf(slipway.Invalid, "--filter, --install and --uninstall take no notebooks")
		}
	}
	switch {
	case c.Filter:
		return c.filter(s)
	case c.Install:
		return c.install(s)
	case c.Uninstall:
		return c.uninstall(s)
	}
	return c.files(s)
}

// filter passes an empty file on, which git has for a file that was only named.
func (c *cleanCommand) filter(s *session) error {
	data, err := io.ReadAll(s.env.Stdin)
	if err != nil {
		return fmt.Errorf("read the notebook: %w", err)
	}
	if len(bytes.TrimSpace(data)) > 0 {
		if data, _, err = clean.Clean(data, c.options()); err != nil {
			return notebookError("the notebook", err)
		}
	}
	_, err = s.env.Stdout.Write(data)
	return err
}

// cleaned is what became of one file.
type cleaned struct {
	File    string       `json:"file"`
	Clean   bool         `json:"clean"` // it was so already
	Removed clean.Report `json:"removed"`
}

func (c *cleanCommand) files(s *session) error {
	files, err := s.notebookFiles(c.Notebooks)
	if err != nil {
		return err
	}
	all := []cleaned{}
	dirty := 0
	for _, file := range files {
		one, err := c.file(s, file)
		if err != nil {
			return err
		}
		all = append(all, one)
		if !one.Clean {
			dirty++
		}
	}
	if s.globals.JSON {
		if err := printJSON(s.env.Stdout, all); err != nil {
			return err
		}
	}
	if c.Check && dirty > 0 {
		return slipway.Errorf(slipway.Failed, "%s not clean", areNotebooks(dirty)).WithFix("slipway clean %s", strings.Join(c.Notebooks, " "))
	}
	return nil
}

func areNotebooks(n int) string {
	if n == 1 {
		return "1 notebook is"
	}
	return fmt.Sprintf("%d notebooks are", n)
}

func (c *cleanCommand) file(s *session, file string) (cleaned, error) {
	data, err := s.readFile(file)
	if err != nil {
		return cleaned{}, err
	}
	out, report, err := clean.Clean(data, c.options())
	if err != nil {
		return cleaned{}, notebookError(file, err)
	}
	one := cleaned{File: file, Clean: bytes.Equal(out, data), Removed: report}
	if one.Clean {
		return one, nil
	}
	if !c.Check {
		if err := writeFile(s.path(file), out); err != nil {
			return cleaned{}, err
		}
	}
	if !s.globals.JSON {
		said := "took out"
		if c.Check {
			said = "holds"
		}
		fmt.Fprintf(s.env.Stdout, "%s: %s %s\n", file, said, report)
	}
	return one, nil
}
