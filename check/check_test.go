package check_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/check"
)

// steps is a clock that goes on by one step at each look.
func steps(step time.Duration) func() time.Time {
	now := time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(step)
		return now
	}
}

// input returns what runs specs in a working copy that holds the real reports of
// testdata.
func input(t *testing.T, specs ...check.Spec) check.Input {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "made"), os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	return check.Input{
		Specs:   specs,
		Dir:     dir,
		Env:     []string{"PATH=/usr/bin:/bin"},
		Reports: filepath.Join(t.TempDir(), "reports"),
		Now:     steps(3100 * time.Millisecond),
	}
}

func run(t *testing.T, in check.Input) []slipway.CheckResult {
	t.Helper()
	results, err := check.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func explain(t *testing.T, results []slipway.CheckResult) string {
	t.Helper()
	var b bytes.Buffer
	if err := check.Explain(&b, results); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sh(text string) check.Command { return check.Command{Shell: text} }

func list(args ...string) check.Command { return check.Command{Args: args} }

func warnings(n int) check.Thresholds {
	return check.Thresholds{Findings: map[string]int{"warning": n}}
}

// shellWords are what a shell says by itself; each shell has its own.
var shellWords = regexp.MustCompile(`(?m)^  \| (\S*sh: |Segmentation fault).*\n`)

func TestVerdicts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec check.Spec
		want string // as Explain prints it
	}{
		"a command that exits with 0 passes": {
			check.Spec{Run: sh("true")},
			"unit  pass  3.1 s\n",
		},
		"a list is executed as it stands": {
			check.Spec{Run: list("test", "$HOME", "=", "$HOME")},
			"unit  pass  3.1 s\n",
		},
		"an exit code fails with the last lines of output": {
			check.Spec{Run: sh("echo one; echo two >&2; exit 3")},
			`unit  fail  3.1 s
  exited with code 3
  | one
  | two
`,
		},
		"failed tests are listed by name with message and place": {
			check.Spec{Run: sh(`cp made/pytest.xml "$REPORTS/unit.xml"; exit 1`), JUnit: "unit.xml"},
			`unit  fail  7 tests, 4 failed, 2 skipped  3.1 s
  exited with code 1
  4 of 7 tests failed
  - tests.test_traffic.TestClean.test_keeps_zero (tests/test_traffic.py:11)
      AssertionError: assert [{'count': 0}] == []
        Left contains one more item: {'count': 0}
        Use -v to get more diff
  - tests.test_traffic.test_with_fixture (tests/test_traffic.py:26)
      failed on setup with "RuntimeError: no database at <localhost> & port 5432"
  - tests.test_traffic.test_teardown (tests/test_traffic.py:45)
      assert 1 == 2
  - tests.test_traffic.test_teardown (tests/test_traffic.py:41)
      failed on teardown with "RuntimeError: teardown"
`,
		},
		"exit code 0 does not hide a failed test": {
			check.Spec{Run: sh("cp made/surefire.xml TEST-a.xml"), JUnit: "TEST-*.xml"},
			`unit  fail  4 tests, 2 failed, 1 skipped  3.1 s
  2 of 4 tests failed
  - TrafficTest.errs (TrafficTest.java:7)
      no <spark>
  - TrafficTest.fails (TrafficTest.java:6)
      counts differ ==> expected: <1> but was: <2>
`,
		},
		"a missing report is an error": {
			check.Spec{Run: sh(`touch "$REPORTS/junit.xml"`), JUnit: "unit.xml"},
			`unit  error  3.1 s
  report unit.xml is missing: JUnit XML was expected in the reports folder or the working copy; have the command write it to $REPORTS/unit.xml (there is junit.xml)
`,
		},
		"a report that is missing where it was said to be is an error": {
			check.Spec{Run: sh("cp made/pytest.xml unit.xml"), JUnit: "$REPORTS/unit.xml"},
			`unit  error  3.1 s
  report unit.xml is missing: JUnit XML was expected in the reports folder; have the command write it to $REPORTS/unit.xml
`,
		},
		"a report that the command did not write is an error": {
			check.Spec{Run: sh("true"), Coverage: "made/cover.out"},
			`unit  error  3.1 s
  report made/cover.out was there before the command ran, and the command did not write it: have it write $REPORTS/cover.out, or remove the old one from the repository
`,
		},
		"an empty report is an error": {
			check.Spec{Run: sh(`: > "$REPORTS/unit.xml"`), JUnit: "unit.xml"},
			`unit  error  3.1 s
  report unit.xml is empty: the tool that writes it did not finish; look at the check's output
`,
		},
		"a report that breaks off is an error": {
			check.Spec{Run: sh(`head -c 300 made/pytest.xml > "$REPORTS/unit.xml"`), JUnit: "unit.xml"},
			`unit  error  3.1 s
  report unit.xml is not the JUnit XML that was expected: line 1: it ends in the middle; have the tool write it whole, or name the right file
`,
		},
		"a report of another format is an error": {
			check.Spec{Run: sh(`cp made/coverage.py.xml "$REPORTS/unit.xml"`), JUnit: "unit.xml"},
			`unit  error  3.1 s
  report unit.xml is not the JUnit XML that was expected: its root element is <coverage> and not <testsuites> or <testsuite>; have the tool write it whole, or name the right file
`,
		},
		"a folder is no report": {
			check.Spec{Run: sh(`mkdir "$REPORTS/unit.xml"`), JUnit: "unit.xml"},
			"unit  error  3.1 s\n  report unit.xml is not a file\n",
		},
		"a huge report is an error": {
			check.Spec{Run: sh(`truncate -s 65M "$REPORTS/unit.xml"`), JUnit: "unit.xml"},
			`unit  error  3.1 s
  report unit.xml has 65 MiB, and at most 64 MiB are read: leave captured output out of it, or split the check
`,
		},
		"a link that leads out is not followed": {
			check.Spec{Run: sh(`ln -s /etc/passwd "$REPORTS/unit.xml"`), JUnit: "unit.xml"},
			`unit  error  3.1 s
  report unit.xml cannot be read: statat unit.xml: path escapes from parent
`,
		},
		"a report without a test is an error": {
			check.Spec{Run: sh(`echo '<testsuites/>' > "$REPORTS/unit.xml"`), JUnit: "unit.xml"},
			`unit  error  0 tests  3.1 s
  report unit.xml holds no test; correct which tests the command selects, or set allow_empty: true if that is meant
`,
		},
		"a report of skipped tests is an error": {
			check.Spec{Run: sh(`echo '<testsuite><testcase name="a"><skipped/></testcase></testsuite>' > "$REPORTS/unit.xml"`), JUnit: "unit.xml"},
			`unit  error  0 tests, 1 skipped  3.1 s
  report unit.xml: nothing was tested, 1 test skipped; set allow_empty: true if that is meant
`,
		},
		"a report without a test may be allowed": {
			check.Spec{Run: sh(`echo '<testsuites/>' > "$REPORTS/unit.xml"`), JUnit: "unit.xml", AllowEmpty: true},
			"unit  pass  0 tests  3.1 s\n",
		},
		"an exit code and a missing report fail with both reasons": {
			check.Spec{Run: sh("exit 4"), JUnit: "unit.xml"},
			`unit  fail  3.1 s
  exited with code 4
  report unit.xml is missing: JUnit XML was expected in the reports folder or the working copy; have the command write it to $REPORTS/unit.xml
`,
		},
		"a command that the shell does not find is an error": {
			check.Spec{Run: sh("pytest-of-nobody -q"), JUnit: "unit.xml"},
			`unit  error  3.1 s
  the command pytest-of-nobody was not found (exit code 127); install it, or correct what the check runs
  | (the shell)
`,
		},
		"a command that the shell may not execute is an error": {
			check.Spec{Run: sh("./made/cover.out")},
			`unit  error  3.1 s
  the command ./made/cover.out is not executable (exit code 126); run chmod +x on it and commit that, or correct what the check runs
  | (the shell)
`,
		},
		"a command that is not in PATH is an error": {
			check.Spec{Run: list("pytest-of-nobody")},
			`unit  error  3.1 s
  the command pytest-of-nobody was not found in PATH (/usr/bin:/bin); install it, or correct the command
`,
		},
		"a command that is not in the repository is an error": {
			check.Spec{Run: list("./ci/test")},
			`unit  error  3.1 s
  the command ./ci/test was not found; add it to the repository, or correct the command
`,
		},
		"a command that is not executable is an error": {
			check.Spec{Run: list("./made/cover.out")},
			`unit  error  3.1 s
  the command ./made/cover.out is not executable; run git update-index --chmod=+x on it, and commit
`,
		},
		"a folder is no command": {
			check.Spec{Run: list("./made")},
			"unit  error  3.1 s\n  the command ./made is not a file; correct the command\n",
		},
		"being killed fails with the signal": {
			check.Spec{Run: sh("kill -9 $$")},
			"unit  fail  3.1 s\n  was killed by SIGKILL; the machine may have run out of memory\n",
		},
		"being killed below the shell fails with the signal": {
			check.Spec{Run: sh("sh -c 'kill -SEGV $$'; exit $?")},
			`unit  fail  3.1 s
  exited with code 139: a process in it was killed by SIGSEGV
  | (the shell)
`,
		},
		"coverage at the threshold passes": {
			check.Spec{
				Run: sh(`cp made/coverage.py.xml "$REPORTS/c.xml"`), Coverage: "c.xml",
				Thresholds: check.Thresholds{Coverage: 69.2},
			},
			"unit  pass  coverage 69.2 %  3.1 s\n",
		},
		"coverage below the threshold fails": {
			check.Spec{
				Run: sh(`cp made/coverage.py.xml "$REPORTS/c.xml"`), Coverage: "c.xml",
				Thresholds: check.Thresholds{Coverage: 80},
			},
			"unit  fail  coverage 69.2 %  3.1 s\n  coverage 69.2 % is below the 80 % asked for\n",
		},
		"coverage just below the threshold never reads as the threshold": {
			check.Spec{
				Run: sh(`printf 'mode: set\na.go:1.1,2.2 7999 1\na.go:3.1,4.2 2001 0\n' > "$REPORTS/c"`), Coverage: "c",
				Thresholds: check.Thresholds{Coverage: 80},
			},
			"unit  fail  coverage 79.9 %  3.1 s\n  coverage 79.9 % is below the 80 % asked for\n",
		},
		"coverage of nothing is an error": {
			check.Spec{Run: sh(`echo 'mode: set' > "$REPORTS/c"`), Coverage: "c"},
			`unit  error  coverage 0 %  3.1 s
  report c covers no line of code; correct which sources are measured, or set allow_empty: true if that is meant
`,
		},
		"coverage in an unknown format is an error": {
			check.Spec{Run: sh(`echo 'TOTAL 80%' > "$REPORTS/c"`), Coverage: "c"},
			`unit  error  3.1 s
  report c is not the coverage report (Cobertura XML, JaCoCo XML, LCOV or a Go cover profile) that was expected: it begins with "TOTAL 80%"; have the tool write it whole, or name the right file
`,
		},
		"findings fail with rule, place and message": {
			check.Spec{Run: sh(`cp made/gitleaks.sarif "$REPORTS/s"`), SARIF: "s"},
			`unit  fail  2 findings  3.1 s
  2 warnings found, and none is allowed
  - warning aws-access-token (leak/job.py:1)
      aws-access-token has detected secret for file leak/job.py.
  - warning github-pat (leak/job.py:3)
      github-pat has detected secret for file leak/job.py.
`,
		},
		"findings within the thresholds pass": {
			check.Spec{Run: sh(`cp made/gitleaks.sarif "$REPORTS/s"`), SARIF: "s", Thresholds: warnings(2)},
			"unit  pass  2 findings  3.1 s\n",
		},
		"one finding too many fails": {
			check.Spec{Run: sh(`cp made/gitleaks.sarif "$REPORTS/s"; exit 1`), SARIF: "s", Thresholds: warnings(1)},
			`unit  fail  2 findings  3.1 s
  exited with code 1; if that only means findings, have the tool exit with 0 and let the thresholds judge
  2 warnings found, and at most 1 allowed
  - warning aws-access-token (leak/job.py:1)
      aws-access-token has detected secret for file leak/job.py.
  - warning github-pat (leak/job.py:3)
      github-pat has detected secret for file leak/job.py.
`,
		},
		"a log without a scan is an error": {
			check.Spec{Run: sh(`echo '{"version": "2.1.0", "runs": []}' > "$REPORTS/s"`), SARIF: "s"},
			`unit  error  3.1 s
  report s holds no scan; look at the check's output, or set allow_empty: true if that is meant
`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.spec.Name, tt.spec.Required = "unit", true
			got := shellWords.ReplaceAllString(explain(t, run(t, input(t, tt.spec))), "  | (the shell)\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestStartFailures(t *testing.T) {
	tests := map[string]struct{ script, want string }{
		"no program":     {"\x00\x01", "the command ./x is no program for this machine; a script needs a first line such as #!/bin/sh"},
		"no interpreter": {"#!/of/nobody\n", "the command ./x names an interpreter in its first line that was not found; install it, or correct that line"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := input(t, check.Spec{Name: "unit", Run: list("./x")})
			if err := os.WriteFile(filepath.Join(in.Dir, "x"), []byte(tt.script), 0o755); err != nil {
				t.Fatal(err)
			}
			got := run(t, in)[0]
			if got.Verdict != slipway.Errored || !cmp.Equal(got.Reasons, []string{tt.want}) {
				t.Errorf("got %s %q, want error %q", got.Verdict, got.Reasons, tt.want)
			}
		})
	}
}

func TestSpecsThatCannotBeRight(t *testing.T) {
	ok := check.Spec{Name: "unit", Run: sh("true")}
	with := func(change func(*check.Spec)) []check.Spec {
		s := ok
		change(&s)
		return []check.Spec{s}
	}
	tests := map[string]struct {
		specs     []check.Spec
		want, fix string
	}{
		"two of a name": {
			[]check.Spec{ok, ok}, `two checks are called "unit"`, "give each check a name of its own",
		},
		"a name with a slash": {
			with(func(s *check.Spec) { s.Name = "../unit" }), `"../unit" cannot be the name of a check`,
			"use letters, digits, dots, hyphens and underscores, beginning with a letter or digit, at most 100",
		},
		"no command": {
			with(func(s *check.Spec) { s.Run.Shell = " " }), "check unit has no command", "say what it runs: run: pytest -q",
		},
		"a negative time limit": {
			with(func(s *check.Spec) { s.Timeout = -time.Second }), "check unit has a negative time limit, -1s",
			"write a duration such as 10m, or leave it out for 15m",
		},
		"a report above": {
			with(func(s *check.Spec) { s.JUnit = "../unit.xml" }),
			`check unit: report "../unit.xml" lies outside the reports folder and the working copy`,
			"write a path relative to one of them, such as unit.xml for $REPORTS/unit.xml",
		},
		"an absolute report": {
			with(func(s *check.Spec) { s.SARIF = "$REPORTS//etc/passwd" }),
			`check unit: report "$REPORTS//etc/passwd" lies outside the reports folder and the working copy`,
			"write a path relative to one of them, such as unit.xml for $REPORTS/unit.xml",
		},
		"a broken pattern": {
			with(func(s *check.Spec) { s.Coverage = "cov[" }), `check unit: report "cov[" is not a pattern: syntax error in pattern`,
			"close the bracket, or put a backslash before it",
		},
		"too much coverage": {
			with(func(s *check.Spec) { s.Coverage, s.Thresholds.Coverage = "c", 120 }),
			"check unit: a coverage of 120 % cannot be asked for", "write a number from 0 to 100",
		},
		"coverage without a report": {
			with(func(s *check.Spec) { s.Thresholds.Coverage = 80 }),
			"check unit asks for a coverage of 80 % and names no coverage report", "name it beside thresholds, as in coverage: coverage.xml",
		},
		"findings without a report": {
			with(func(s *check.Spec) { s.Thresholds = warnings(1) }),
			"check unit limits findings and names no SARIF report", "name it: sarif: findings.sarif",
		},
		"findings of an unknown level": {
			with(func(s *check.Spec) { s.SARIF, s.Thresholds.Findings = "s", map[string]int{"info": 1} }),
			`check unit limits findings of level "info", which SARIF does not know`, "the levels are error, warning, note",
		},
		"negative findings": {
			with(func(s *check.Spec) { s.SARIF, s.Thresholds = "s", warnings(-1) }),
			"check unit: there cannot be -1 findings", "write 0 or more, or leave it out",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := check.Run(t.Context(), input(t, tt.specs...))
			if err == nil || err.Error() != tt.want || slipway.FixOf(err) != tt.fix || slipway.KindOf(err) != slipway.Invalid {
				t.Errorf("got %v (%s; fix %q), want %s (fix %q)", err, slipway.KindOf(err), slipway.FixOf(err), tt.want, tt.fix)
			}
		})
	}
}

func TestReportsFolderCannotBeMade(t *testing.T) {
	in := input(t, check.Spec{Name: "unit", Run: sh("true")})
	in.Reports = filepath.Join(in.Dir, "made/cover.out/reports")
	_, err := check.Run(t.Context(), in)
	if slipway.KindOf(err) != slipway.Unavailable || !strings.HasPrefix(err.Error(), "cannot make the reports folder: ") {
		t.Errorf("got %v", err)
	}
}

func TestEnvironmentOfACommand(t *testing.T) {
	in := input(t, check.Spec{
		Name: "unit",
		Run:  sh(`echo "$PWD|$REPORTS|$SLIPWAY_SCRIPT|$SLIPWAY_MODULES|$SLIPWAY_ARTIFACTS|$MODE|$BASE"; cat; env | grep -v SLIPWAY_STEP | grep -c SLIPWAY`),
		Env:  map[string]string{"MODE": "fast", "SLIPWAY_SCRIPT": "mine"},
	})
	in.Env = append(in.Env, "BASE=base", "MODE=slow")
	in.Artifacts = check.Artifacts{Folder: "/a", Script: "/a/traffic.py", Modules: "/a/lib.zip"}
	want := fmt.Sprintf("%s|%s|/a/traffic.py|/a/lib.zip|/a|fast|base\n3\n", in.Dir, filepath.Join(in.Reports, "unit"))
	if got := run(t, in)[0].Output; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestReportsOfAnEarlierAttemptAreGone(t *testing.T) {
	spec := check.Spec{Name: "unit", Run: sh(`test -e made/again || cp made/node.info "$REPORTS/c"; touch made/again`), Coverage: "c"}
	in := input(t, spec)
	if got := run(t, in)[0]; got.Verdict != slipway.Pass {
		t.Fatalf("got %s %q, want pass", got.Verdict, got.Reasons)
	}
	if got := run(t, in)[0]; got.Verdict != slipway.Errored {
		t.Errorf("got %s, want error: the command wrote nothing this time", got.Verdict)
	}
}

func TestOutputIsStreamedWholeAndKeptInPart(t *testing.T) {
	var log bytes.Buffer
	in := input(t, check.Spec{Name: "unit", Run: sh(`i=0; while [ $i -lt 30000 ]; do echo "line $i"; i=$((i+1)); done`)})
	in.Log = func(string) io.Writer { return &log }
	got := run(t, in)[0].Output
	if len(got) > 64<<10 || len(got) < 63<<10 || !strings.HasPrefix(got, "line ") || !strings.HasSuffix(got, "line 29999\n") {
		t.Errorf("kept %d bytes, %.20q ... %q", len(got), got, got[max(0, len(got)-12):])
	}
	if !strings.HasPrefix(log.String(), "line 0\n") || !strings.HasSuffix(log.String(), got) {
		t.Errorf("the log has %d bytes, %.20q ...", log.Len(), log.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestABrokenLogIsNoAnswer(t *testing.T) {
	in := input(t, check.Spec{Name: "unit", Run: sh("echo a; echo b")})
	in.Log = func(string) io.Writer { return full{} }
	if got := run(t, in)[0]; got.Verdict != slipway.Pass || got.Output != "a\nb\n" {
		t.Errorf("got %s %q", got.Verdict, got.Output)
	}
}

func TestSecretsAreMaskedEverywhere(t *testing.T) {
	const junit = `<testsuite><testcase name="s3cret"><failure message="s3cret">s3cret.py:1: no</failure></testcase></testsuite>`
	const sarif = `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"s3cret"}},"results":[
		{"ruleId":"s3cret","message":{"text":"s3cret"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"s3cret"}}}]}]}]}`
	in := input(t,
		check.Spec{
			Name: "unit", JUnit: "u", SARIF: "s",
			Run: sh(`echo s3cret; echo "$JUNIT" > $REPORTS/u; echo "$SARIF" > $REPORTS/s`),
			Env: map[string]string{"JUNIT": junit, "SARIF": sarif},
		},
		check.Spec{Name: "broken", SARIF: "s", Run: sh(`echo '{"version":"s3cret"}' > $REPORTS/s`)},
	)
	in.Secrets = []string{"s3cret"}
	emitted := ""
	in.Emit = func(e check.Event) {
		if e.Result != nil {
			emitted += fmt.Sprintf("%+v", *e.Result)
		}
	}
	results := run(t, in)
	all := fmt.Sprintf("%+v", results)
	if strings.Contains(all+emitted, "s3cret") || strings.Count(all, "***") != 8 {
		t.Errorf("a secret is told, or not masked 8 times: %s\n%s", all, emitted)
	}
}

func TestEventsAndOrder(t *testing.T) {
	in := input(t,
		check.Spec{Name: "a", Run: sh("true"), Required: true},
		check.Spec{Name: "b", Run: sh("false")},
		check.Spec{Name: "c", Run: sh("exit 2"), Required: true},
		check.Spec{Name: "d", Run: sh("nobody"), Required: true},
	)
	var events []string
	in.Emit = func(e check.Event) {
		what := "started"
		if e.Result != nil {
			what = string(e.Result.Verdict)
		}
		events = append(events, e.Time.Format("15:04:05 ")+e.Check+" "+what)
	}
	results := run(t, in)
	want := []string{
		"20:00:03 a started", "20:00:06 a pass",
		"20:00:09 b started", "20:00:12 b fail",
		"20:00:15 c started", "20:00:18 c fail",
		"20:00:21 d started", "20:00:24 d error",
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
	const told = `check c failed: exited with code 2
check d has no answer: the command nobody was not found (exit code 127); install it, or correct what the check runs`
	err := check.Err(results)
	if err == nil || err.Error() != told || slipway.KindOf(err) != slipway.Failed {
		t.Errorf("got %v, want %s", err, told)
	}
	if err := check.Err(results[:2]); err != nil {
		t.Errorf("an advisory check closes the gate: %v", err)
	}
	if got, _, _ := strings.Cut(explain(t, results[1:2]), "\n"); got != "b  fail (advisory)  3.1 s" {
		t.Errorf("got %q", got)
	}
}

// Each of the two checks blocks in opening the pipe until the other does, too.
func TestChecksRunAtTheSameTime(t *testing.T) {
	in := input(t,
		check.Spec{Name: "a", Run: sh("echo hello > made/pipe")},
		check.Spec{Name: "b", Run: sh("cat made/pipe")},
	)
	in.Parallel = 2
	in.Now = func() time.Time { return time.Time{} }
	fifo(t, filepath.Join(in.Dir, "made/pipe"))
	if got := run(t, in)[1].Output; got != "hello\n" {
		t.Errorf("got %q", got)
	}
}

func TestRunAfterItsContextEnded(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("ctrl-c"))
	in := input(t, check.Spec{Name: "unit", Run: sh("touch made/ran")})
	results, err := check.Run(ctx, in)
	if results != nil || err == nil || err.Error() != "run checks: ctrl-c" {
		t.Errorf("got %v, %v", results, err)
	}
	if _, err := os.Stat(filepath.Join(in.Dir, "made/ran")); err == nil {
		t.Error("the command ran")
	}
}
