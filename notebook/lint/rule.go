package lint

import (
	"fmt"
	"slices"
	"strings"
)

// A Severity says how bad a finding is.
type Severity string

// The severities, from bad to good to know.
const (
	Error   Severity = "error"   // the job fails, or something leaks
	Warning Severity = "warning" // probably not what is meant
	Info    Severity = "info"    // good to know
)

// AtLeast reports whether s is as bad as other, or worse.
func (s Severity) AtLeast(other Severity) bool { return s.rank() >= other.rank() }

func (s Severity) rank() int { return slices.Index([]Severity{Info, Warning, Error}, s) }

// A Rule is one thing that is looked for.
type Rule struct {
	ID       string   `json:"id"`       // NB101
	Name     string   `json:"name"`     // undefined-name
	Severity Severity `json:"severity"` // of its findings
	Fixes    bool     `json:"fixes"`    // findings may be mended by [Linter.Fix]
	Text     string   `json:"text"`     // what it looks for and why, in a sentence or two
}

// The rules.
const (
	Syntax      = "NB001"
	Refused     = "NB002"
	LeftOut     = "NB003"
	Language    = "NB004"
	Order       = "NB101"
	NotRun      = "NB102"
	Undefined   = "NB103"
	SourceKey   = "NB201"
	OutputKey   = "NB202"
	Account     = "NB203"
	Bucket      = "NB204"
	Password    = "NB205"
	Display     = "NB301"
	Collect     = "NB302"
	Bare        = "NB303"
	HeavyOutput = "NB304"
	Commit      = "NB401"
	Module      = "NB402"
)

//nolint:gochecknoglobals // immutable table
var rules = []Rule{
	{Syntax, "syntax", Error, false, "Code that Python cannot read: indentation, brackets, strings."},
	{Refused, "refused-by-build", Error, false, "What a Glue job cannot run, so that the build refuses the notebook: shell commands, %pip, magics below code. For notebooks written for Glue."},
	{LeftOut, "left-out-by-build", Warning, false, "What the build leaves out of a Glue job, or what does not do there what it does in a session. For notebooks written for Glue."},
	{Language, "other-language", Error, false, "A notebook whose kernel is one of R, Scala or another language than Python, so that the build refuses it. No other rule looks at its code but those about secrets, accounts and buckets."},

	{Order, "execution-order", Warning, false, "Cells that were run in another order than they stand in, so that a run from top to bottom may give something else. Silent where no cell has an execution count."},
	{NotRun, "not-run", Warning, false, "A cell with code that was not run, while others were: its code was never seen to work with theirs."},
	{Undefined, "undefined-name", Error, false, "A name that is used before any cell defines it. Silent where names may come from elsewhere: import *, %run, exec, globals()."},

	{SourceKey, "secret-in-source", Error, false, "A key, token or password in a cell, found by the rules of gitleaks. Once it was committed it must be replaced, not only taken out."},
	{OutputKey, "secret-in-output", Error, true, "A key, token or password in an output, found by the rules of gitleaks. Mending takes out the cell's outputs."},
	{Account, "hard-coded-account", Warning, false, "The number of an AWS account, in an ARN or a registry's address. The job then works in one environment alone."},
	{Bucket, "hard-coded-bucket", Warning, false, "The name of a bucket, in an s3:// address. The job then works in one environment alone."},
	{Password, "hard-coded-password", Error, false, "A password that is given as text: password = \"...\", or in a database's address."},

	{Display, "display", Warning, false, "A call of display(), which exists in notebooks alone."},
	{Collect, "collect", Warning, false, "collect() or toPandas() of a frame that nothing has made small: all of its rows go to the driver."},
	{Bare, "bare-expression", Warning, true, "A line that only shows something in a notebook, as df or df.head(). In a job it does nothing, or costs a run over the data. Mending takes the line out."},
	{HeavyOutput, "heavy-output", Warning, true, "Outputs of a cell that weigh more than 100 kB together: they make the repository heavy and its diffs unreadable. Mending takes them out."},

	{Commit, "no-job-commit", Error, false, "job.init() without job.commit(): the job's bookmark never moves on, and the next run reads the same data again."},
	{Module, "unknown-module", Warning, false, "An import of a module that a worker of the Glue version does not have, as far as is known here."},
}

// Rules returns all rules in the order of their ids.
func Rules() []Rule { return slices.Clone(rules) }

// chosen returns the ids that select and ignore leave over; each entry is a
// rule's id, its name, or the beginning of ids, as in NB2.
func chosen(selected, ignored []string) (map[string]bool, error) {
	ids := map[string]bool{}
	for _, r := range rules {
		ids[r.ID] = len(selected) == 0
	}
	for n, list := range [][]string{selected, ignored} {
		for _, entry := range list {
			found := false
			for _, r := range rules {
				if r.Name == entry || entry != "" && strings.HasPrefix(r.ID, strings.ToUpper(entry)) {
					ids[r.ID] = n == 0
					found = true
				}
			}
			if !found {
				return nil, fmt.Errorf("there is no rule %q", entry)
			}
		}
	}
	return ids, nil
}
