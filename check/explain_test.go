package check_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/check"
)

func TestExplainAlignsAndLeavesOut(t *testing.T) {
	many := func(n int, what string) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf("%s %d", what, i))
		}
		return lines
	}
	failing := slipway.CheckResult{
		Name: "unit", Required: true, Verdict: slipway.Fail, Duration: 125*time.Minute + 400*time.Millisecond,
		Tests: &slipway.TestCounts{Passed: 1, Failed: 27}, Reasons: []string{"27 of 28 tests failed"},
	}
	for _, name := range many(27, "test") {
		failing.Failures = append(failing.Failures, slipway.TestFailure{Name: name, Message: "m\n\nn", File: "a.py"})
	}
	failing.Failures[0].Message = strings.Join(many(20, "line"), "\n")
	want := []string{
		"unit        fail              28 tests, 27 failed  2 h 5 min",
		"  27 of 28 tests failed",
		"  - test 0 (a.py)",
	}
	for _, line := range many(12, "line") {
		want = append(want, "      "+line)
	}
	want = append(want, "      ...")
	for i := 1; i < 25; i++ {
		want = append(want, fmt.Sprintf("  - test %d (a.py)", i), "      m", "      n")
	}
	want = append(want,
		"  and 2 more",
		"lint-notes  error (advisory)  40 ms",
		"  exited with code 1",
	)
	for _, line := range many(20, "out")[5:] {
		want = append(want, "  | "+line)
	}
	want = append(want, "cached      pass              1 test  coverage 100 %  1 finding  answered earlier", "")

	got := explain(t, []slipway.CheckResult{failing, {
		Name: "lint-notes", Verdict: slipway.Errored, Reasons: []string{"exited with code 1"}, Duration: 40 * time.Millisecond,
		Output: strings.Join(many(20, "out"), "\r\n\n"),
	}, {
		Name: "cached", Required: true, Verdict: slipway.Pass, Reused: true, Output: "quiet",
		Tests: &slipway.TestCounts{Passed: 1}, Coverage: &slipway.Coverage{Covered: 3, Total: 3},
		Findings: []slipway.Finding{{Rule: "r", Level: "note", Message: "m"}},
	}})
	if diff := cmp.Diff(want, strings.Split(got, "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestExplainTellsWhenItCannotWrite(t *testing.T) {
	if err := check.Explain(full{}, nil); err == nil || err.Error() != "disk full" {
		t.Errorf("got %v", err)
	}
}

func TestMoreThanIsListed(t *testing.T) {
	in := input(t,
		check.Spec{Name: "unit", JUnit: "u", Run: sh(`awk 'BEGIN {
			print "<testsuite>"; for (i = 0; i < 1002; i++) print "<testcase name=\"t\"><failure/></testcase>"; print "</testsuite>"
		}' > $REPORTS/u`)},
		check.Spec{Name: "scan", SARIF: "s", Run: sh(`awk 'BEGIN {
			print "{\"version\":\"2.1.0\",\"runs\":[{\"results\":["; for (i = 0; i < 1002; i++) print "{},"; print "{\"level\":\"error\"}]}]}"
		}' > $REPORTS/s`)},
	)
	results := run(t, in)
	want := [][]string{
		{"1002 of 1002 tests failed", "2 more failures are counted and not listed"},
		{"1 error found, and none is allowed", "1002 warnings found, and none is allowed", "3 more findings are counted and not listed"},
	}
	if diff := cmp.Diff(want, [][]string{results[0].Reasons, results[1].Reasons}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(results[0].Failures) != 1000 || len(results[1].Findings) != 1000 || results[1].Findings[0].Level != "error" {
		t.Errorf("listed %d and %d", len(results[0].Failures), len(results[1].Findings))
	}
}

func TestTheWorkingCopyIsGone(t *testing.T) {
	in := input(t, check.Spec{Name: "unit", Run: sh("true")})
	if err := os.RemoveAll(in.Dir); err != nil {
		t.Fatal(err)
	}
	got := run(t, in)[0]
	want := []string{"cannot open the working copy: open " + in.Dir + ": no such file or directory"}
	if got.Verdict != slipway.Errored || !cmp.Equal(got.Reasons, want) {
		t.Errorf("got %s %q, want error %q", got.Verdict, got.Reasons, want)
	}
}

func TestTheReportsFolderIsGone(t *testing.T) {
	in := input(t, check.Spec{Name: "unit", Run: sh("true")})
	in.Emit = func(e check.Event) {
		if e.Result == nil { // after it was made, and before it is used
			if err := os.Remove(in.Reports); err != nil {
				t.Error(err)
			}
		}
	}
	got := run(t, in)[0]
	want := []string{"cannot open the reports folder: open " + in.Reports + ": no such file or directory"}
	if got.Verdict != slipway.Errored || !cmp.Equal(got.Reasons, want) {
		t.Errorf("got %s %q, want error %q", got.Verdict, got.Reasons, want)
	}
}

func TestCommandsThatAreTooLongOrSilent(t *testing.T) {
	tests := map[string]struct {
		run  check.Command
		want string
	}{
		"too long":        {list("/bin/echo", strings.Repeat("x", 4<<20)), "the command /bin/echo has too many or too long arguments; write them to a file, and have the command read it"},
		"silent 127":      {sh("exit 127"), "the command it runs was not found (exit code 127); install it, or correct what the check runs"},
		"127 from a list": {list("/bin/sh", "-c", "exit 127"), "exited with code 127"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := run(t, input(t, check.Spec{Name: "unit", Run: tt.run}))[0]
			if !cmp.Equal(got.Reasons, []string{tt.want}) {
				t.Errorf("got %.200q, want %q", got.Reasons, tt.want)
			}
		})
	}
}
