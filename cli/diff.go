package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook/diff"
)

type diffCommand struct {
	What []string `arg:"" help:"[REV..[REV]] NOTEBOOK, or two notebooks. Default: HEAD against the file."`

	IgnoreOutputs  bool `help:"Outputs do not count."`
	IgnoreMetadata bool `help:"Metadata do not count."`
	IgnoreIDs      bool `name:"ignore-ids" help:"Cell ids do not count."`
	IgnoreCounts   bool `help:"Execution counts do not count."`
	Source         bool `short:"s" help:"Only sources count: all of the above."`

	Words   bool   `short:"w" help:"Show a changed line once, with [-what went-]{+what came+}."`
	Context int    `short:"U" default:"3" placeholder:"N" help:"How many lines to show around a change. Default: 3."`
	HTML    string `name:"html" placeholder:"FILE" help:"Write the diff as a page."`
	Color   string `enum:"auto,always,never" default:"auto" help:"auto (the default): on a terminal; always; never."`
}

// Help implements kong.HelpProvider.
func (diffCommand) Help() string {
	return `Shows what changed in a notebook, cell by cell. Cells are recognised by their ids, and without them by what is in them.

  slipway diff traffic.ipynb             the last commit against the file
  slipway diff v1.2.0 traffic.ipynb      a commit against the file
  slipway diff v1.2.0.. traffic.ipynb    a commit against the last one; as with git, HEAD goes without saying
  slipway diff a..b traffic.ipynb        two commits; a...b: where b left a, against b
  slipway diff old.ipynb new.ipynb       two files; - is stdin

Example: slipway diff --source main... traffic.ipynb

--json prints the operations that lead from one to the other, in the format of nbdime, whose patch command applies them.

Exit codes: 0 nothing differs; 1 something differs; 2 the command or a file is wrong; 5 git is not installed.`
}

// Run implements the command.
func (c *diffCommand) Run(s *session) error {
	if c.Context < 0 {
		return slipway.Errorf(slipway.Invalid, "--context is a number of lines, not %d", c.Context)
	}
	from, to, err := c.sides(s)
	if err != nil {
		return err
	}
	a, err := s.readSide(from)
	if err != nil {
		return err
	}
	b, err := s.readSide(to)
	if err != nil {
		return err
	}
	if a == nil && b == nil {
		return slipway.Errorf(slipway.NotFound, "there is no %s, neither in %s nor in %s", from.file, from.where(), to.where())
	}
	d := diff.Compare(orEmpty(a), orEmpty(b), c.options())
	if err := c.show(s, d, from, to); err != nil {
		return err
	}
	if !d.Empty() {
		return errDiffers
	}
	return nil
}

// errDiffers ends a command with 1 that has said all there is to say.
var errDiffers = errors.New("it differs")

func orEmpty(d *diff.Document) *diff.Document {
	if d == nil {
		return diff.Empty()
	}
	return d
}

func (c *diffCommand) options() diff.Options {
	return diff.Options{
		IgnoreOutputs: c.IgnoreOutputs || c.Source, IgnoreMetadata: c.IgnoreMetadata || c.Source,
		IgnoreIDs: c.IgnoreIDs || c.Source, IgnoreCounts: c.IgnoreCounts || c.Source,
	}
}

func (c *diffCommand) show(s *session, d *diff.Diff, from, to side) error {
	if c.HTML != "" {
		if err := c.page(s, d, from, to); err != nil {
			return err
		}
	}
	switch {
	case s.globals.JSON:
		_, err := s.env.Stdout.Write(d.JSON())
		return err
	case s.globals.Quiet, c.HTML != "":
		return nil
	}
	return d.WriteText(s.env.Stdout, diff.TextOptions{
		From: from.String(), To: to.String(), Words: c.Words, Context: c.Context,
		Color: c.Color == "always" || c.Color == "auto" && s.showsColor(s.env.Stdout),
	})
}

func (c *diffCommand) page(s *session, d *diff.Diff, from, to side) error {
	var page bytes.Buffer
	err := d.WriteHTML(&page, diff.HTMLOptions{Title: filepath.Base(to.file), From: from.String(), To: to.String(), Context: c.Context})
	if err != nil {
		return err
	}
	return writeFile(s.path(c.HTML), page.Bytes())
}

// showsColor reports whether a stream shows colour.
func (s *session) showsColor(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && s.env.getenv("NO_COLOR") == "" && s.env.getenv("TERM") != "dumb"
}

// A side is a notebook at a revision; without one it is the file.
type side struct {
	rev  string
	file string
	must bool // it has to be there
}

func (f side) where() string {
	if f.rev == "" {
		return "the working folder"
	}
	return f.rev
}

// String names a side as a person would.
func (f side) String() string {
	switch {
	case f.rev != "":
		return f.file + " (" + f.rev + ")"
	case f.file == "-":
		return "stdin"
	}
	return f.file
}

// sides reads what is to be compared off the arguments.
func (c *diffCommand) sides(s *session) (from, to side, err error) {
	words := c.What
	switch len(words) {
	case 1:
		return side{rev: "HEAD", file: words[0]}, side{file: words[0]}, nil
	case 2:
		if s.isNotebook(words[0]) && s.isNotebook(words[1]) {
			return side{file: words[0], must: true}, side{file: words[1], must: true}, nil
		}
		rev, file := words[0], words[1]
		if s.isNotebook(rev) {
			rev, file = file, rev
		}
		return s.revisions(rev, file)
	case 3:
		for i, word := range words {
			if i != 1 && s.isNotebook(word) {
				revs := append(append([]string{}, words[:i]...), words[i+1:]...)
				return side{rev: revs[0], file: word}, side{rev: revs[1], file: word}, nil
			}
		}
	}
	return from, to, slipway.Errorf(slipway.Invalid, "it is not clear what to compare: %s", strings.Join(words, " ")).
		WithFix("slipway diff [REV..[REV]] NOTEBOOK, or two notebooks")
}

func (s *session) isNotebook(word string) bool {
	if word == "-" || filepath.Ext(word) == ".ipynb" && !strings.Contains(word, ":") {
		return true
	}
	info, err := os.Stat(s.path(word))
	return err == nil && !info.IsDir()
}

// revisions reads REV, REV..REV and REV...REV as git does.
func (s *session) revisions(word, file string) (from, to side, err error) {
	a, b, three := strings.Cut(word, "...")
	two := false
	if !three {
		a, b, two = strings.Cut(word, "..")
	}
	if !two && !three {
		return side{rev: word, file: file}, side{file: file}, nil
	}
	if a == "" {
		a = "HEAD"
	}
	if b == "" {
		b = "HEAD"
	}
	if three {
		both := a + " and " + b
		if a, err = s.git("merge-base", "--end-of-options", a, b); err != nil {
			return from, to, slipway.Errorf(slipway.Invalid, "%s have no commit in common: %w", both, err)
		}
		a = a[:min(len(a), 12)]
	}
	return side{rev: a, file: file}, side{rev: b, file: file}, nil
}

// readSide reads a notebook; nil means that there is none.
func (s *session) readSide(f side) (*diff.Document, error) {
	data, err := s.sideBytes(f)
	if err != nil || data == nil {
		return nil, err
	}
	d, err := diff.Read(data)
	if err != nil {
		return nil, notebookError(f.String(), err)
	}
	return d, nil
}

func (s *session) sideBytes(f side) ([]byte, error) {
	switch {
	case f.rev != "":
		return s.committed(f)
	case f.file == "-":
		return io.ReadAll(s.env.Stdin)
	}
	if f.must {
		return s.readFile(f.file)
	}
	data, err := readIfThere(s.path(f.file))
	if err != nil {
		return nil, slipway.Errorf(slipway.NotFound, "cannot read %s: %w", f.file, err)
	}
	return data, nil
}

// committed returns a file as a commit has it, nil if it does not have it.
func (s *session) committed(f side) ([]byte, error) {
	in := []string{"-C", filepath.Dir(s.path(f.file))}
	if _, err := s.git(append(in, "rev-parse", "--is-inside-work-tree")...); err != nil {
		return nil, s.notInGit(f, err)
	}
	if _, err := s.git(append(in, "rev-parse", "--verify", "--quiet", "--end-of-options", f.rev+"^{commit}")...); err != nil {
		return nil, slipway.Errorf(slipway.NotFound, "there is no revision %s", f.rev).WithFix("git log --oneline lists them")
	}
	blob, err := s.git(append(in, "rev-parse", "--verify", "--quiet", "--end-of-options", f.rev+":./"+filepath.Base(f.file))...)
	if err != nil {
		return nil, nil //nolint:nilerr // the commit has no such file
	}
	data, err := s.git(append(in, "cat-file", "blob", blob)...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f, err)
	}
	return []byte(data), nil
}

func (s *session) notInGit(f side, err error) error {
	if slipway.KindOf(err) == slipway.Unavailable && strings.Contains(err.Error(), "not installed") {
		return err
	}
	return slipway.Errorf(slipway.Invalid, "%s is not in a git repository, so there is no %s of it", f.file, f.rev).
		WithFix("to compare two files, name both: slipway diff OLD.ipynb %s", f.file)
}
