package slipway

import (
	"path"
	"strconv"
	"time"
)

// A Verdict is the answer of a check.
type Verdict string

// The verdicts. Only Pass is a pass.
const (
	Pass    Verdict = "pass"
	Fail    Verdict = "fail"
	Errored Verdict = "error" // the check itself could not answer
)

// A CheckResult is a verdict with its reasons.
type CheckResult struct {
	Name     string        `json:"name"`
	Required bool          `json:"required"`
	Verdict  Verdict       `json:"verdict"`
	Reasons  []string      `json:"reasons,omitempty"` // why it is not a pass; empty for a pass
	Tests    *TestCounts   `json:"tests,omitempty"`
	Failures []TestFailure `json:"failures,omitempty"`
	Coverage *Coverage     `json:"coverage,omitempty"`
	Findings []Finding     `json:"findings,omitempty"`
	Duration time.Duration `json:"duration_ns"`
	Output   string        `json:"output,omitempty"` // the last lines the command printed
	Reused   bool          `json:"reused,omitempty"` // answered earlier for the same bytes
	// Isolation is "isolated", or why the command was not though that was wanted;
	// empty: it was not wanted.
	Isolation string `json:"isolation,omitempty"`
	// Scan is what kind of scan it was, secrets or sarif; empty: none.
	Scan string `json:"scan,omitempty"`
	// NotNeeded says why the check was not asked, such as that the change touches no
	// file that it is about; it is a pass then. Empty: it was asked.
	NotNeeded string `json:"not_needed,omitempty"`

	// What follows compares with another commit, the base.
	Base      *Coverage `json:"base_coverage,omitempty"`   // coverage there
	Change    *Coverage `json:"change_coverage,omitempty"` // of the lines that the change adds and the report knows
	Uncovered []Lines   `json:"uncovered,omitempty"`       // those of them that no test ran
	Known     int       `json:"known,omitempty"`           // findings that the base has too; they are among Findings

	// Reviews are closer looks that the check asks for, whatever its verdict is.
	Reviews []ReviewRequest `json:"reviews,omitempty"`
}

// A ReviewRequest asks people in a role for a review of the change.
type ReviewRequest struct {
	Role   string `json:"role"`
	Reason string `json:"reason"`
}

// Lines are some lines of a file, the first and the last one included.
type Lines struct {
	File string `json:"file"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// TestCounts counts the tests of a report.
type TestCounts struct {
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

// A TestFailure is one test that did not pass.
type TestFailure struct {
	Name    string `json:"name"` // class and test as the report names them
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
}

// Coverage counts covered lines, or statements where the report counts those.
type Coverage struct {
	Covered int `json:"covered"`
	Total   int `json:"total"`
}

// Percent returns the covered share in percent; of nothing, 0.
func (c Coverage) Percent() float64 {
	if c.Total == 0 {
		return 0
	}
	return 100 * float64(c.Covered) / float64(c.Total)
}

// A Finding is something a scanner found at a place.
type Finding struct {
	Rule    string `json:"rule"`
	Level   string `json:"level"` // error, warning or note, as SARIF has it
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	// Fingerprint is the same for the same finding at another commit, wherever its
	// lines have moved to.
	Fingerprint string `json:"fingerprint,omitempty"`
	Known       bool   `json:"known,omitempty"` // the base of the change has it too
}

// Annotations are the remarks of a result that have a place in the source: failed
// tests, findings that are new, and lines of the change that no test ran. A place in
// a notebook is a line of its file; the message names the cell. dir is the app's
// folder in the repository, which the paths in the result begin at.
func (r CheckResult) Annotations(dir string) []Annotation {
	var all []Annotation
	note := func(file string, line int, level, title, message string) {
		if file != "" {
			all = append(all, Annotation{Path: path.Join(dir, file), Line: max(1, line), Level: level, Title: title, Message: message})
		}
	}
	for _, f := range r.Failures {
		note(f.File, f.Line, "error", f.Name, f.Message)
	}
	for _, f := range r.Findings {
		if !f.Known {
			note(f.File, f.Line, f.Level, f.Rule, f.Message)
		}
	}
	for _, l := range r.Uncovered {
		lines := "line " + strconv.Itoa(l.From)
		if l.To > l.From {
			lines = "lines " + strconv.Itoa(l.From) + " to " + strconv.Itoa(l.To)
		}
		note(l.File, l.From, "note", "not covered", "no test ran "+lines)
	}
	return all
}
