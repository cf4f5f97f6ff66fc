package check

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// How much of a result Explain prints.
const (
	mostShown    = 25 // failures or findings of one check
	messageLines = 12 // of one failure
	outputLines  = 15 // of a check that lists neither
)

// Explain prints results for a person: a line for each check, and below it, for
// whatever is no pass, the reasons and then failed tests and findings by name,
// or the last lines of output where there are none.
func Explain(w io.Writer, results []slipway.CheckResult) error {
	var b bytes.Buffer
	name, word := 0, 0
	for _, r := range results {
		name, word = max(name, len(r.Name)), max(word, len(verdictWord(r)))
	}
	for _, r := range results {
		fmt.Fprintf(&b, "%-*s  %-*s  ", name, r.Name, word, verdictWord(r))
		for _, fact := range facts(r) {
			fmt.Fprintf(&b, "%s  ", fact)
		}
		fmt.Fprintln(&b, took(r))
		explain(&b, r)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// verdictWord says the verdict, and that it closes no gate.
func verdictWord(r slipway.CheckResult) string {
	if r.Verdict != slipway.Pass && !r.Required {
		return string(r.Verdict) + " (advisory)"
	}
	return string(r.Verdict)
}

// facts are the figures of a result.
func facts(r slipway.CheckResult) []string {
	var facts []string
	if t := r.Tests; t != nil {
		fact := plural(t.Passed+t.Failed, "test")
		if t.Failed > 0 {
			fact += fmt.Sprintf(", %d failed", t.Failed)
		}
		if t.Skipped > 0 {
			fact += fmt.Sprintf(", %d skipped", t.Skipped)
		}
		facts = append(facts, fact)
	}
	if r.Coverage != nil {
		facts = append(facts, "coverage "+tenths(*r.Coverage)+" %")
	}
	if r.Change != nil {
		facts = append(facts, "of the change "+tenths(*r.Change)+" %")
	}
	if len(r.Findings) > 0 {
		fact := plural(len(r.Findings), "finding")
		if r.Known > 0 {
			fact += fmt.Sprintf(", %d known before", r.Known)
		}
		facts = append(facts, fact)
	}
	return facts
}

// took says how long the check took.
func took(r slipway.CheckResult) string {
	if r.NotNeeded != "" {
		return "not needed: " + r.NotNeeded
	}
	if r.Reused {
		return "answered earlier"
	}
	switch d := r.Duration; {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// explain prints what is below the line of a check.
func explain(b *bytes.Buffer, r slipway.CheckResult) {
	for _, w := range r.Reviews {
		indent(b, "  ", "asks for a review by "+w.Role+": "+w.Reason, messageLines)
	}
	if r.Verdict == slipway.Pass {
		return
	}
	for _, reason := range r.Reasons {
		indent(b, "  ", reason, messageLines)
	}
	for _, f := range r.Failures[:min(len(r.Failures), mostShown)] {
		indent(b, "  - ", f.Name+where(f.File, f.Line), 1)
		indent(b, "      ", f.Message, messageLines)
	}
	more(b, len(r.Failures))
	for _, f := range fresher(r.Findings) {
		indent(b, "  - ", f.Level+" "+f.Rule+where(f.File, f.Line), 1)
		indent(b, "      ", f.Message, messageLines)
	}
	more(b, len(r.Findings)-r.Known)
	for _, l := range r.Uncovered[:min(len(r.Uncovered), mostShown)] {
		indent(b, "  - ", "not covered"+where(l.File, l.From), 1)
	}
	more(b, len(r.Uncovered))
	if len(r.Failures)+len(r.Findings) == 0 {
		for _, line := range lastLines(r.Output, outputLines) {
			fmt.Fprintf(b, "  | %s\n", line)
		}
	}
}

// fresher are the findings to show: those that the base has too are left out.
func fresher(all []slipway.Finding) []slipway.Finding {
	all = slices.DeleteFunc(slices.Clone(all), func(f slipway.Finding) bool { return f.Known })
	return all[:min(len(all), mostShown)]
}

// more says that not all is shown.
func more(b *bytes.Buffer, n int) {
	if n > mostShown {
		fmt.Fprintf(b, "  and %d more\n", n-mostShown)
	}
}

// indent prints at most n lines of text; prefix stands before the first, blanks
// before the rest.
func indent(b *bytes.Buffer, prefix, text string, n int) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		if i == n {
			fmt.Fprintf(b, "%s...\n", strings.Repeat(" ", len(prefix)))
			return
		}
		if line = strings.TrimRight(line, " \t\r"); line == "" {
			continue
		}
		fmt.Fprintf(b, "%s%s\n", prefix, line)
		prefix = strings.Repeat(" ", len(prefix))
	}
}

// where writes where something is, as compilers do.
func where(file string, line int) string {
	switch {
	case file == "":
		return ""
	case line == 0:
		return " (" + file + ")"
	}
	return fmt.Sprintf(" (%s:%d)", file, line)
}

// Err returns nil when every required check passed, and otherwise an error of
// kind Failed that names those that did not, with their reasons.
func Err(results []slipway.CheckResult) error {
	var lines []string
	for _, r := range results {
		if !r.Required || r.Verdict == slipway.Pass {
			continue
		}
		ended := "failed"
		if r.Verdict != slipway.Fail {
			ended = "has no answer"
		}
		lines = append(lines, fmt.Sprintf("check %s %s: %s", r.Name, ended, strings.Join(r.Reasons, "; ")))
	}
	if len(lines) == 0 {
		return nil
	}
	return slipway.Errorf(slipway.Failed, "%s", strings.Join(lines, "\n"))
}
