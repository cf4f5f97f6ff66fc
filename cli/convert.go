package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook"
)

type convertCommand struct {
	Notebooks []string `arg:"" name:"notebook" help:"Notebooks, folders of notebooks, patterns, or - for stdin."`
	To        string   `enum:"glue,python,script" default:"glue" help:"glue: the clean script that is deployed. python: nbconvert's bytes. script: those of nbconvert --to script."`
	Profile   string   `enum:"ipython9,ipython8,noipython" default:"ipython9" help:"The versions of nbconvert and IPython whose output it is."`
	Strict    bool     `help:"Fail where nbconvert fails: where a notebook breaks the schema of its format."`

	Stdout    bool   `help:"Print the scripts instead of writing them beside the notebooks."`
	Output    string `short:"o" placeholder:"FILE" help:"Where to write the script of a single notebook. Default: beside it."`
	OutputDir string `placeholder:"DIR" help:"Where to write the scripts; what lies in folders keeps them."`

	magics map[string]notebook.Action // by the platform

	Leave leaveFlags `embed:"" group:"Leave out, with --to python or script (nbconvert's own names for these work too)"`
}

// leaveFlags are nbconvert's options, under our names and its own.
type leaveFlags struct {
	NoPrompt      bool        `name:"no-prompt" aliases:"TemplateExporter.exclude_input_prompt" help:"The In[1] lines."`
	NoInput       bool        `name:"no-input" aliases:"TemplateExporter.exclude_input,TemplateExporter.exclude_code_cell" help:"Code cells."`
	NoMarkdown    bool        `name:"no-markdown" aliases:"TemplateExporter.exclude_markdown" help:"Markdown cells."`
	NoRaw         bool        `name:"no-raw" aliases:"TemplateExporter.exclude_raw" help:"Raw cells."`
	RemoveCells   tagList     `name:"remove-cells" aliases:"TagRemovePreprocessor.remove_cell_tags" placeholder:"TAG,..." help:"Cells with one of these tags."`
	RemoveInputs  tagList     `name:"remove-inputs" aliases:"TagRemovePreprocessor.remove_input_tags" placeholder:"TAG,..." help:"The text of cells with one of these tags."`
	RemoveOutputs tagList     `name:"remove-outputs" aliases:"TagRemovePreprocessor.remove_all_outputs_tags" placeholder:"TAG,..." help:"The numbers in the prompts of cells with one of these tags."`
	RemoveMatches patternList `name:"remove-matching" aliases:"RegexRemovePreprocessor.patterns" placeholder:"REGEX" help:"Cells whose text begins with this, as Python writes it. May come again."`
}

// Help implements kong.HelpProvider.
func (convertCommand) Help() string {
	return `Converts notebooks to scripts, and shows what the notebooks' magics say about the job. Folders are searched for
*.ipynb, hidden ones left out; a quoted pattern may hold ** for any folders. Each script is written wholly or not at all.
For Glue, the magics are treated as the platform file says that --platform names, or that lies in this folder or above it
in the repository. Where one of several notebooks cannot be converted the others are, each failure is told, and the exit code is 1.

Example: slipway convert notebooks/ --to python --output-dir scripts

` + exitHelp
}

// Run implements the command.
func (c *convertCommand) Run(s *session) error {
	options, err := c.Leave.options(c.Profile)
	if err != nil {
		return slipway.Errorf(slipway.Invalid, "%w", err)
	}
	if c.To == "glue" && c.Leave.any() {
		return slipway.Errorf(slipway.Invalid, "what is left out of a script for Glue, its cells' tags say").
			WithFix("add --to python or --to script, or tag the cells `skip`")
	}
	jobs, err := c.jobs(s)
	if err != nil {
		return err
	}
	if c.To == "glue" {
		if c.magics, err = s.magicActions(); err != nil {
			return err
		}
	}
	return c.convertAll(s, jobs, options)
}

func (f leaveFlags) any() bool {
	return f.NoPrompt || f.NoInput || f.NoMarkdown || f.NoRaw ||
		len(f.RemoveCells)+len(f.RemoveInputs)+len(f.RemoveOutputs)+len(f.RemoveMatches) > 0
}

func (f leaveFlags) options(profile string) (notebook.Options, error) {
	p, err := notebook.ParseProfile(profile)
	o := notebook.Options{
		Profile: p, NoPrompt: f.NoPrompt, NoInput: f.NoInput, NoMarkdown: f.NoMarkdown, NoRaw: f.NoRaw,
		RemoveCellTags: f.RemoveCells, RemoveInputTags: f.RemoveInputs, RemoveOutputsTags: f.RemoveOutputs,
	}
	for _, text := range f.RemoveMatches {
		pattern, perr := notebook.ParsePattern(text)
		err = errors.Join(err, perr)
		o.RemovePatterns = append(o.RemovePatterns, pattern)
	}
	return o, err
}

// A converted notebook is what came of one job.
type converted struct {
	job    convertJob
	script []byte // where it is to be printed
	file   string // where it was written
	err    error

	settings []notebook.Setting
	warnings []*notebook.Error
}

// convertView is what machines are told about a notebook.
type convertView struct {
	Notebook string        `json:"notebook"`
	Script   string        `json:"script,omitempty"`
	Settings []settingView `json:"settings,omitempty"`
	Warnings []string      `json:"warnings,omitempty"`
	Error    string        `json:"error,omitempty"`
}

type settingView struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Magic string `json:"magic"`
	Cell  int    `json:"cell"`
	Line  int    `json:"line"`
}

func (r converted) view() convertView {
	v := convertView{Notebook: r.job.name, Script: r.file}
	for _, set := range r.settings {
		v.Settings = append(v.Settings, settingView{set.Name, set.Value, set.Magic, set.Cell, set.Line})
	}
	for _, w := range r.warnings {
		v.Warnings = append(v.Warnings, w.Error())
	}
	return v
}

// convertAll converts on all processors and tells of it in the jobs' order.
func (c *convertCommand) convertAll(s *session, jobs []convertJob, o notebook.Options) error {
	workers := runtime.GOMAXPROCS(0)
	// What waits here is under way, or done and not yet told: few at a time, so that
	// memory does not grow with the number of notebooks.
	waiting := make(chan chan converted, 2*workers)
	free := make(chan struct{}, workers)
	go func() {
		defer close(waiting)
		for _, job := range jobs {
			done := make(chan converted, 1)
			waiting <- done
			free <- struct{}{}
			go func() {
				done <- c.convert(s, job, o)
				<-free
			}()
		}
	}()
	var failed []error
	for done := range waiting {
		r := <-done
		if r.err == nil {
			r.err = c.tell(s, r, len(jobs) > 1)
		}
		if r.err != nil {
			failed = append(failed, r.err)
			if len(jobs) > 1 {
				c.complain(s, r)
			}
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case len(jobs) == 1:
		return failed[0]
	}
	return slipway.Errorf(slipway.Failed, "%d of %d notebooks could not be converted", len(failed), len(jobs))
}

// convert does one job.
func (c *convertCommand) convert(s *session, job convertJob, o notebook.Options) converted {
	r := converted{job: job}
	if r.err = s.ctx.Err(); r.err != nil {
		return r
	}
	data, err := job.read(s)
	if err != nil {
		r.err = err
		return r
	}
	read := notebook.Read
	if c.Strict {
		read = notebook.ReadStrict
	}
	nb, err := read(data)
	if err == nil {
		err = r.render(c, nb, o)
	}
	if err != nil {
		r.err = notebookError(job.name, err)
	} else if job.target != "" {
		r.err = replaceFile(s.path(r.file), r.script)
		r.script = nil
	}
	return r
}

func (r *converted) render(c *convertCommand, nb *notebook.Notebook, o notebook.Options) (err error) {
	r.file = r.job.target
	switch c.To {
	case "python":
		r.script, err = nb.Python(o)
	case "script":
		var out notebook.Script
		out, err = nb.Script(o)
		r.script = out.Text
		if !r.job.named {
			r.file = strings.TrimSuffix(r.file, ".py") + out.Extension
		}
	default:
		name := filepath.Base(r.job.name)
		if r.job.name == "-" {
			name = "stdin"
		}
		var out *notebook.GlueScript
		if out, err = nb.Glue(notebook.GlueOptions{Name: name, Actions: c.magics}); err == nil {
			r.script, r.settings, r.warnings = out.Script, out.Settings, out.Warnings
		}
	}
	return err
}

// tell prints what came of a notebook: its script or the script's name to stdout,
// what its magics say to stderr.
func (c *convertCommand) tell(s *session, r converted, many bool) error {
	before := ""
	if many {
		before = r.job.name + ": "
	}
	for _, w := range r.warnings {
		s.talk.say("  %s %s: %s", s.talk.paint(yellow, "!"), r.job.name, w)
	}
	for _, set := range r.settings {
		s.talk.say("  %s%s: %v (%s in cell %d line %d)", before, set.Name, set.Value, set.Magic, set.Cell, set.Line)
	}
	var err error
	switch {
	case r.job.target == "":
		_, err = s.env.Stdout.Write(r.script)
	case s.globals.JSON:
		err = printJSONLine(s.env.Stdout, r.view())
	default:
		_, err = io.WriteString(s.env.Stdout, r.file+"\n")
	}
	return err
}

// complain tells why one of several notebooks could not be converted.
func (c *convertCommand) complain(s *session, r converted) {
	if s.globals.JSON {
		_ = printJSONLine(s.env.Stdout, convertView{Notebook: r.job.name, Error: r.err.Error()}) // the exit code tells
	}
	fmt.Fprintf(s.talk.out, "%s %s\n", s.talk.paint(red, "slipway:"), r.err)
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
