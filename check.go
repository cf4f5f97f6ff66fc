package slipway

import "time"

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
}
