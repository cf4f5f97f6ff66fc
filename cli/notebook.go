package cli

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/notebook/diff"
)

type notebookCommand struct {
	GitSetup notebookGitCommand   `cmd:"" name:"git-setup" help:"Let git diff and git merge understand notebooks, or undo it."`
	Merge    notebookMergeCommand `cmd:"" help:"Merge what two sides made of a notebook; git calls it."`
	Text     notebookTextCommand  `cmd:"" help:"Print a notebook as lines; git diff calls it."`
}

type notebookTextCommand struct {
	Notebook string `arg:"" help:"The notebook; - is stdin."`
}

// Help implements kong.HelpProvider.
func (notebookTextCommand) Help() string {
	return `Prints a notebook as lines that git can compare: sources as they are, outputs and metadata in short. What cannot be read as a notebook is printed as it is.

Example: slipway notebook text traffic.ipynb

Exit codes: 0 done; 2 the file cannot be read.`
}

// Run implements the command.
func (c *notebookTextCommand) Run(s *session) error {
	data, err := s.sideBytes(side{file: c.Notebook, must: true})
	if err != nil {
		return err
	}
	doc, err := diff.Read(data)
	if err != nil {
		_, err = s.env.Stdout.Write(data) // git shows it line by line, as it would without us
		return err
	}
	return doc.Text(s.env.Stdout)
}

type notebookMergeCommand struct {
	Base       string   `arg:"" help:"The notebook that both sides began with (git: %O)."`
	Ours       string   `arg:"" help:"Our side (%A). The result is written there."`
	Theirs     string   `arg:"" help:"Their side (%B)."`
	Path       string   `short:"P" placeholder:"NAME" help:"The notebook's name in messages (%P). Default: that of our side."`
	Output     string   `short:"o" placeholder:"FILE" help:"Where to write the result; - is stdout."`
	MarkerSize int      `short:"L" default:"7" placeholder:"N" help:"How long the conflict markers are (%L)."`
	Labels     []string `placeholder:"OURS,THEIRS" help:"What the markers call the two sides."`
}

// Help implements kong.HelpProvider.
func (notebookMergeCommand) Help() string {
	return `Merges notebooks cell by cell. Where both sides changed the same lines, or one side changed a cell that the other removed, the cell holds both versions between conflict markers; the file is a notebook still. Outputs, execution counts and metadata never conflict:

  outputs, count   from the side whose source the cell has; removed if it has neither's, for nobody ran it
  metadata         key by key; where both sides changed one, ours stays; tags merge as a set
  added cells      both sides' are kept, ours first
  moved cells      where the side put them that moved them; ours if both did

What cannot be read as a notebook is merged line by line, as git does it.

Example: slipway notebook merge base.ipynb ours.ipynb theirs.ipynb -o -

Exit codes: 0 merged; 1 merged with conflicts; 2 the command or a file is wrong.`
}

// Run implements the command.
func (c *notebookMergeCommand) Run(s *session) error {
	if len(c.Labels) != 0 && len(c.Labels) != 2 {
		return slipway.Errorf(slipway.Invalid, "--labels are two names, as in --labels main,feature")
	}
	merged, conflicts, err := c.merge(s)
	if _, unreadable := errors.AsType[*notebook.Error](err); unreadable {
		return c.byLine(s, err)
	}
	if err != nil {
		return err
	}
	if err := c.write(s, merged.Bytes()); err != nil {
		return err
	}
	for _, conflict := range conflicts {
		s.talk.say("%s %s: %s", s.talk.paint(yellow, "conflict"), c.name(), conflict)
	}
	if len(conflicts) > 0 {
		return errDiffers
	}
	return nil
}

func (c *notebookMergeCommand) name() string {
	if c.Path != "" {
		return c.Path
	}
	return c.Ours
}

func (c *notebookMergeCommand) merge(s *session) (*diff.Document, []diff.Conflict, error) {
	var docs [3]*diff.Document
	for i, file := range []string{c.Base, c.Ours, c.Theirs} {
		data, err := s.readFile(file)
		if err != nil {
			return nil, nil, err
		}
		if docs[i] = diff.Empty(); len(data) == 0 && i == 0 {
			continue // both sides added the file
		}
		if docs[i], err = diff.Read(data); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", [...]string{"the base", "our side", "their side"}[i], err)
		}
	}
	labels := diff.Labels{Size: c.MarkerSize}
	if len(c.Labels) == 2 {
		labels.Ours, labels.Theirs = c.Labels[0], c.Labels[1]
	}
	return diff.Merge(docs[0], docs[1], docs[2], labels)
}

func (c *notebookMergeCommand) write(s *session, data []byte) error {
	switch c.Output {
	case "-":
		_, err := s.env.Stdout.Write(data)
		return err
	case "":
		return writeFile(s.path(c.Ours), data)
	}
	return writeFile(s.path(c.Output), data)
}

// byLine lets git merge the files as the text they are.
func (c *notebookMergeCommand) byLine(s *session, why error) error {
	s.talk.say("%s %s: merged line by line, %s", s.talk.paint(yellow, "!"), c.name(), why)
	cmd := exec.CommandContext(s.ctx, "git", "merge-file", "-p", "--marker-size="+strconv.Itoa(c.MarkerSize),
		"-L", "ours", "-L", "base", "-L", "theirs", "--", c.Ours, c.Base, c.Theirs)
	cmd.Dir, cmd.Env = s.env.Dir, s.env.Environ
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() < 128:
		err = errDiffers
	case err != nil:
		return slipway.Errorf(slipway.Unavailable, "git merge-file: %w", err)
	}
	if werr := c.write(s, out); werr != nil {
		return werr
	}
	return err
}

type notebookGitCommand struct {
	Global bool `xor:"scope" help:"For all of your repositories."`
	Local  bool `xor:"scope" help:"For this repository, which is the default."`
	Undo   bool `help:"Take it back."`
}

// Help implements kong.HelpProvider.
func (notebookGitCommand) Help() string {
	return `Tells git how to show notebooks in git diff, and how to merge them. It writes git's own settings (.git/config and .git/info/attributes; with --global those of your account) and nothing into the working folder. slipway clean --install does the same for the filter that takes outputs out.

Example: slipway notebook git-setup --global

Exit codes: 0 done; 2 this is no git repository; 5 git is not installed.`
}

// What git is told.
const (
	notebookDriver    = "slipway-notebook"
	notebookAttribute = "*.ipynb diff=" + notebookDriver + " merge=" + notebookDriver
)

// Run implements the command.
func (c *notebookGitCommand) Run(s *session) error {
	g := gitScope{s, c.Global}
	file, err := g.attributes()
	if err != nil {
		return err
	}
	if c.Undo {
		return c.undo(g, file)
	}
	program := s.program()
	for _, set := range [][2]string{
		{"diff." + notebookDriver + ".textconv", program + " notebook text"},
		{"merge." + notebookDriver + ".name", "notebooks, cell by cell"},
		{"merge." + notebookDriver + ".driver", program + " notebook merge --marker-size=%L --path=%P %O %A %B"},
	} {
		if _, err := g.config(set[0], set[1]); err != nil {
			return err
		}
	}
	if err := addLine(file, notebookAttribute); err != nil {
		return err
	}
	fmt.Fprintf(s.env.Stdout, "git diff and git merge understand notebooks: %s in %s\n", notebookAttribute, file)
	return nil
}

// undo takes it back; what was not done needs no undoing.
func (c *notebookGitCommand) undo(g gitScope, file string) error {
	if err := dropLine(file, notebookAttribute); err != nil {
		return err
	}
	for _, section := range []string{"diff." + notebookDriver, "merge." + notebookDriver} {
		if _, err := g.config("--get-regexp", "^"+section+`\.`); err != nil {
			continue // it is not there
		}
		if _, err := g.config("--remove-section", section); err != nil {
			return err
		}
	}
	fmt.Fprintln(g.session.env.Stdout, "git treats notebooks as text again")
	return nil
}

// program is how git's shell calls this program: by its name where that is found.
func (s *session) program() string {
	for _, dir := range filepath.SplitList(s.env.getenv("PATH")) {
		if _, err := exec.LookPath(filepath.Join(dir, "slipway")); err == nil && dir != "" {
			return "slipway"
		}
	}
	return shellQuote(s.env.Self)
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// gitScope is git's settings of a repository, or of a person.
type gitScope struct {
	session *session
	global  bool
}

func (g gitScope) config(args ...string) (string, error) {
	scope := "--local"
	if g.global {
		scope = "--global"
	}
	return g.session.git(append([]string{"config", scope}, args...)...)
}

// attributes returns the file in which git looks for the attributes of files.
func (g gitScope) attributes() (string, error) {
	if !g.global {
		file, err := g.session.git("rev-parse", "--git-path", "info/attributes")
		if err != nil {
			return "", slipway.Errorf(slipway.Invalid, "%s is not in a git repository", g.session.env.Dir).
				WithFix("go to one, or do it for all of yours with --global")
		}
		return g.session.path(file), nil
	}
	if file, err := g.config("--type=path", "--get", "core.attributesFile"); err == nil && file != "" {
		return file, nil
	}
	if dir := g.session.env.getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "git", "attributes"), nil
	}
	home := g.session.env.getenv("HOME")
	if home == "" {
		return "", slipway.Errorf(slipway.Invalid, "there is no HOME to keep git's attributes in").WithFix("set core.attributesFile in git's global settings")
	}
	return filepath.Join(home, ".config", "git", "attributes"), nil
}
