package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook"
)

type convertCommand struct {
	Notebook string `arg:"" help:"The notebook."`
	To       string `enum:"glue,python" default:"glue" help:"glue: the clean script that is deployed. python: nbconvert's bytes."`
	Profile  string `enum:"ipython9,ipython8,noipython" default:"ipython9" help:"With --to python: the versions of nbconvert and IPython whose output it is."`
	NoPrompt bool   `name:"no-prompt" help:"With --to python: leave out the In[1] lines."`
	Stdout   bool   `help:"Print the script instead of writing it beside the notebook."`
	Output   string `short:"o" placeholder:"FILE" help:"Where to write it. Default: beside the notebook."`
}

// Help implements kong.HelpProvider.
func (convertCommand) Help() string {
	return `Converts a notebook to a script, and shows what the notebook's magics say about the job.

Example: slipway convert traffic.ipynb --stdout

` + exitHelp
}

// Run implements the command.
func (c *convertCommand) Run(s *session) error {
	data, err := s.readFile(c.Notebook)
	if err != nil {
		return err
	}
	nb, err := notebook.Read(data)
	if err != nil {
		return notebookError(c.Notebook, err)
	}
	script, err := c.script(s, nb)
	if err != nil {
		return notebookError(c.Notebook, err)
	}
	if c.Stdout {
		_, err := s.env.Stdout.Write(script)
		return err
	}
	file := c.Output
	if file == "" {
		file = strings.TrimSuffix(c.Notebook, filepath.Ext(c.Notebook)) + ".py"
	}
	if err := writeFile(s.path(file), script); err != nil {
		return err
	}
	fmt.Fprintln(s.env.Stdout, file)
	return nil
}

func (c *convertCommand) script(s *session, nb *notebook.Notebook) ([]byte, error) {
	if c.To == "python" {
		profile, err := notebook.ParseProfile(c.Profile)
		if err != nil {
			return nil, err
		}
		return nb.Python(notebook.Options{Profile: profile, NoPrompt: c.NoPrompt})
	}
	out, err := nb.Glue(notebook.GlueOptions{Name: filepath.Base(c.Notebook)})
	if err != nil {
		return nil, err
	}
	for _, w := range out.Warnings {
		s.talk.say("  %s %s: %s", s.talk.paint(yellow, "!"), c.Notebook, w)
	}
	for _, set := range out.Settings {
		s.talk.say("  %s: %v (%s in cell %d line %d)", set.Name, set.Value, set.Magic, set.Cell, set.Line)
	}
	return out.Script, nil
}

// notebookError puts the notebook's name before each complaint.
func notebookError(file string, err error) error {
	var many notebook.Errors
	if !errors.As(err, &many) {
		return slipway.Errorf(slipway.Invalid, "%s: %w", file, err)
	}
	var lines []string
	for _, e := range many {
		lines = append(lines, file+": "+e.Error())
	}
	return slipway.Errorf(slipway.Invalid, "%s", strings.Join(lines, "\n"))
}
