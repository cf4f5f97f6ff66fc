package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/merge"
	"github.com/slipway-cd/slipway/pipeline"
)

type simulateCommand struct {
	File string   `arg:"" optional:"" help:"A pull request that a server knows, such as acme/traffic#7, or the facts of one as JSON, - for standard input. Default: a pull request without commits and files, under the rules of this repository."`
	If   []string `short:"i" sep:"none" placeholder:"WORDS" help:"What would be otherwise. May be given many times, in order."`
}

// Help implements kong.HelpProvider.
func (simulateCommand) Help() string {
	return `Says where a pull request would stand if something were otherwise, and what of it would change. Nothing changes.
Without a file it looks at the rules of this repository as they lie here, and finds those that can never be met. The
words are:

  ` + strings.Join(merge.Changes(), "\n  ") + `

Example: slipway simulate --if "author is jonas" --if "file sql/a.sql changes" --if "mara approves"

Exit codes: 0 the answer is there, whatever it is; 2 the command, the rules or a file is wrong; 5 this machine lacks something.`
}

// Run implements the command.
func (c *simulateCommand) Run(s *session) error {
	facts, err := c.facts(s)
	if err != nil {
		return err
	}
	what, err := merge.Simulate(facts, c.If...)
	if err != nil {
		return err
	}
	if s.globals.JSON {
		return printJSON(s.env.Stdout, what)
	}
	s.printMerge(what.After)
	if len(c.If) == 0 || c.File == "" {
		return nil
	}
	w := s.env.Stdout
	fmt.Fprintf(w, "\nif %s:\n", strings.Join(c.If, ", and "))
	for _, d := range what.Changed {
		fmt.Fprintf(w, "  %s: %s%s\n", d.For, turned(d), behind(": ", d.Reason))
	}
	if len(what.Changed) == 0 {
		fmt.Fprintln(w, "  nothing changes")
	}
	return nil
}

// turned says from what to what a requirement turned.
func turned(d merge.Difference) string {
	switch {
	case d.From == "":
		return "new, " + string(d.To)
	case d.To == "":
		return "gone"
	case d.From == d.To:
		return "still " + string(d.To)
	}
	return "was " + string(d.From) + ", now " + string(d.To)
}

func behind(sign, text string) string {
	if text == "" {
		return ""
	}
	return sign + text
}

// facts are those of the file, or of a pull request of which nothing is known but
// the rules.
func (c *simulateCommand) facts(s *session) (merge.Facts, error) {
	if repository, number, ok := pullRequest(c.File); ok {
		return s.remoteFacts(repository, number)
	}
	if c.File != "" {
		return s.readFacts(c.File)
	}
	menu, err := shapes()
	if err != nil {
		return merge.Facts{}, err
	}
	rules, found, err := pipeline.LoadMergeRules(s.ctx, s.whereabouts(s.globals.App, menu))
	if err != nil {
		return merge.Facts{}, err
	}
	var wrong []string
	for _, f := range found {
		if f.Level == merge.LevelError {
			wrong = append(wrong, f.String())
			continue
		}
		s.talk.say("%s", f)
	}
	if len(wrong) > 0 {
		return merge.Facts{}, slipway.Errorf(slipway.Invalid, "%s", strings.Join(wrong, "\n"))
	}
	if !slices.ContainsFunc(c.If, func(words string) bool { return strings.HasPrefix(words, "file ") }) {
		s.talk.say(`no file is changed, so no app's rules are asked: --if "file PATH changes" changes one`)
	}
	return merge.Facts{Rules: rules, PullRequest: slipway.PullRequest{
		Author: "somebody", State: "open", Base: "main", Head: "0000000000000000000000000000000000000000",
	}}, nil
}

// readFacts reads the facts of a pull request. A key that nobody knows is an error:
// a fact that is overlooked could be one that keeps from merging.
func (s *session) readFacts(file string) (merge.Facts, error) {
	data, err := s.readAll(file)
	if err != nil {
		return merge.Facts{}, err
	}
	var facts merge.Facts
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&facts); err != nil {
		return merge.Facts{}, slipway.Errorf(slipway.Invalid, "%s holds no facts of a pull request: %w", file, err).
			WithFix("slipway simulate without a file tries the rules of this repository")
	}
	return facts, nil
}

func (s *session) readAll(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(s.env.Stdin)
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(s.env.Dir, file)
	}
	data, err := os.ReadFile(filepath.Clean(file))
	if errors.Is(err, os.ErrNotExist) {
		return nil, slipway.Errorf(slipway.NotFound, "there is no file %s", file)
	}
	return data, err
}

// printMerge shows where a pull request stands: what is missing, with who can
// unblock it, and then the rest.
func (s *session) printMerge(state merge.State) {
	w := s.env.Stdout
	fmt.Fprintln(w, state.Summary)
	for _, r := range state.Requirements {
		if !r.Missing() {
			continue
		}
		fmt.Fprintf(w, "  %s %s: %s\n", s.paint(w, red, "x"), r.For, r.Reason)
		var who []string
		for _, one := range r.Who {
			who = append(who, one.Name)
		}
		if len(who) > 0 {
			fmt.Fprintf(w, "    who can: %s\n", strings.Join(who, ", "))
		}
	}
	for _, r := range state.Requirements {
		if r.Missing() {
			continue
		}
		advisory := ""
		if r.Advisory {
			advisory = ", advisory"
		}
		fmt.Fprintf(w, "  - %s: %s%s: %s\n", r.For, r.Status, advisory, r.Reason)
	}
}
