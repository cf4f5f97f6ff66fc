package check

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/sandbox"
)

// A verdict is a result while it is being reached. It starts as a pass and only
// ever gets worse.
type verdict struct {
	spec   Spec
	dir    string
	change *Change   // nil: it is compared with nothing
	base   *Baseline // what is known of the base; nil: nothing
	found  Baseline  // what others can compare with
	result slipway.CheckResult
	cut    bool // the command was cut short, so reports it did not write need no reason
}

// failed says that the answer is no.
func (v *verdict) failed(format string, args ...any) {
	v.result.Verdict = slipway.Fail
	v.result.Reasons = append(v.result.Reasons, clip(fmt.Sprintf(format, args...)))
}

// errored says that there is no answer; a no from elsewhere stays one.
func (v *verdict) errored(format string, args ...any) {
	if v.result.Verdict != slipway.Fail {
		v.result.Verdict = slipway.Errored
	}
	v.result.Reasons = append(v.result.Reasons, clip(fmt.Sprintf(format, args...)))
}

// noCommand says why the command was not started, and what to do.
func (v *verdict) noCommand(err error) {
	v.cut = true
	if fix := slipway.FixOf(err); fix != "" {
		v.errored("%v; %s", err, fix)
		return
	}
	v.errored("%v", err)
}

// command judges how the command ended.
func (v *verdict) command(end sandbox.Result) {
	shell := v.spec.Run.Shell != ""
	v.cut = true
	switch {
	case end.Limit == sandbox.Time:
		v.failed("exceeded its time limit of %s; make it faster, or raise its timeout", slipway.DurationText(v.spec.Timeout))
	case end.Limit != "":
		v.failed("%s, and was ended", end.Reason)
	case end.Signal != 0:
		v.failed("was killed by %s%s", signalName(end.Signal), memoryHint(end.Signal))
	case shell && end.Code == 127:
		v.errored("the command %s was not found (exit code 127); install it, or correct what the check runs", v.culprit())
	case shell && end.Code == 126:
		v.errored("the command %s is not executable (exit code 126); run chmod +x on it and commit that, or correct what the check runs", v.culprit())
	case (shell || end.Isolated) && end.Code > 128 && end.Code < 160:
		s := syscall.Signal(end.Code - 128)
		v.failed("exited with code %d: a process in it was killed by %s%s", end.Code, signalName(s), memoryHint(s))
	default:
		v.cut = false
		v.exit(end.Code)
	}
	if v.result.Verdict != slipway.Pass && end.Isolated && !v.spec.Network && sandbox.LacksNetwork(v.result.Output) {
		v.failed("it ran without a network; if it needs one, say network: true")
	}
}

// exit judges a command that came to its own end.
func (v *verdict) exit(code int) {
	switch {
	case code == 0:
	case v.spec.SARIF != "":
		v.failed("exited with code %d; if that only means findings, have the tool exit with 0 and let the thresholds judge", code)
	default:
		v.failed("exited with code %d", code)
	}
}

// memoryHint names the usual reason of a kill that nobody here asked for.
func memoryHint(s syscall.Signal) string {
	if s == syscall.SIGKILL {
		return "; the machine may have run out of memory"
	}
	return ""
}

// shellComplaint is what shells say about a command that they cannot run: "sh: 1:
// pytest: not found", "bash: line 3: ./x: Permission denied".
var shellComplaint = regexp.MustCompile(`(?m)^\S*sh: (?:line )?(?:\d+: )?([^\n]*?): (?:command not found|not found|No such file or directory|Permission denied)\s*$`)

// culprit names the command that the shell could not run, if the shell said so.
func (v *verdict) culprit() string {
	said := shellComplaint.FindAllStringSubmatch(v.result.Output, -1)
	if len(said) > 0 {
		return said[len(said)-1][1]
	}
	return "it runs"
}

// reports reads all reports that were asked for and judges them.
func (v *verdict) reports(f *folders, before map[string]fs.FileInfo) {
	if v.spec.JUnit != "" {
		v.tests(f, before)
	}
	if v.spec.Coverage != "" {
		v.coverage(f, before)
	}
	if v.spec.SARIF != "" {
		v.findings(f, before)
	}
}

// read hands the bytes of each file of a report to parse, and reports whether
// all of them could be read. Otherwise the check has no answer.
func (v *verdict) read(f *folders, before map[string]fs.FileInfo, pattern, what string, parse func([]byte) error) bool {
	files, err := f.locate(pattern, what, before)
	for i := 0; err == nil && i < len(files); i++ {
		var data []byte
		if data, err = files[i].read(); err != nil {
			break
		}
		if wrong := parse(data); wrong != nil {
			err = fmt.Errorf("report %s is not the %s that was expected: %w; have the tool write it whole, or name the right file",
				files[i].name, what, wrong)
		}
	}
	if err != nil && !v.cut {
		v.errored("%v", err)
	}
	return err == nil
}

// tests judges the JUnit report.
func (v *verdict) tests(f *folders, before map[string]fs.FileInfo) {
	var all testReport
	whole := v.read(f, before, v.spec.JUnit, "JUnit XML", func(data []byte) error {
		r, err := parseJUnit(data)
		all.add(r)
		return err
	})
	if !whole && all.executed() == 0 {
		return
	}
	v.result.Tests, v.result.Failures = &all.counts, all.failures
	if all.counts.Failed > 0 {
		v.failed("%d of %s failed", all.counts.Failed, plural(all.executed(), "test"))
	}
	if hidden := all.counts.Failed - len(all.failures); hidden > 0 {
		v.failed("%d more failures are counted and not listed", hidden)
	}
	switch {
	case !whole || all.executed() > 0 || v.spec.AllowEmpty:
	case all.counts.Skipped > 0:
		v.errored("report %s: nothing was tested, %s skipped; set allow_empty: true if that is meant",
			v.spec.JUnit, plural(all.counts.Skipped, "test"))
	default:
		v.errored("report %s holds no test; correct which tests the command selects, or set allow_empty: true if that is meant", v.spec.JUnit)
	}
}

// coverage judges the coverage report.
func (v *verdict) coverage(f *folders, before map[string]fs.FileInfo) {
	var all coverReport
	whole := v.read(f, before, v.spec.Coverage, "coverage report (Cobertura XML, JaCoCo XML, LCOV or a Go cover profile)", func(data []byte) error {
		r, err := parseCoverage(data)
		all.add(r)
		return err
	})
	if !whole {
		return
	}
	sum := all.sum
	v.result.Coverage = &sum
	asked := v.spec.Thresholds.Coverage
	switch {
	case sum.Total == 0 && !v.spec.AllowEmpty:
		v.errored("report %s covers no line of code; correct which sources are measured, or set allow_empty: true if that is meant", v.spec.Coverage)
		return
	case sum.Total > 0 && sum.Percent() < asked:
		v.failed("coverage %s %% is below the %s %% asked for", tenths(sum), percent(asked))
	}
	v.found.Coverage = &sum
	v.coverageOfChange(&all, f)
	v.coverageDrop(sum)
}

// coverageOfChange judges the lines that the change adds. Where it adds none that
// the report knows, there is nothing to cover.
func (v *verdict) coverageOfChange(all *coverReport, f *folders) {
	if v.change == nil {
		return
	}
	sum, missed := all.ofChange(v.change, v.dir, f.dir.FS())
	if sum.Total == 0 {
		return
	}
	v.result.Change, v.result.Uncovered = &sum, missed
	if asked := v.spec.Thresholds.Change; sum.Percent() < asked {
		v.failed("coverage of the change is %s %% (%d of %s), below the %s %% asked for", tenths(sum), sum.Covered, plural(sum.Total, "line"), percent(asked))
	}
}

// coverageDrop holds the coverage against that of the base.
func (v *verdict) coverageDrop(now slipway.Coverage) {
	most := v.spec.Thresholds.Drop
	if v.change == nil || v.base == nil && most == nil {
		return
	}
	if v.base == nil || v.base.Coverage == nil {
		if most != nil {
			v.errored("the coverage at the base %.12s is not known, so that nobody can say whether it drops; ask this check there, or merge the base again", v.change.Base)
		}
		return
	}
	v.result.Base = v.base.Coverage
	if most != nil && v.base.Coverage.Percent()-now.Percent() > *most {
		v.failed("coverage drops from %s %% to %s %%, by more than the %s %% allowed", tenths(*v.base.Coverage), tenths(now), percent(*most))
	}
}

// findings judges the SARIF report.
func (v *verdict) findings(f *folders, before map[string]fs.FileInfo) {
	var all scanReport
	whole := v.read(f, before, v.spec.SARIF, "SARIF 2.1.0", func(data []byte) error {
		r, err := parseSARIF(data, v.dir)
		all.findings = append(all.findings, r.findings...)
		all.scanned = all.scanned || r.scanned
		return err
	})
	v.judgeFindings(all.findings, f.dir, whole)
	if whole && !all.scanned && !v.spec.AllowEmpty {
		v.errored("report %s holds no scan; look at the check's output, or set allow_empty: true if that is meant", v.spec.SARIF)
	}
}

// judgeFindings counts findings, those that the base has too apart where only new
// ones count.
func (v *verdict) judgeFindings(all []slipway.Finding, dir *os.Root, whole bool) {
	v.identify(all, dir)
	for _, level := range levels {
		v.limit(level, count(all, level, v.spec.Thresholds.OnlyNew))
	}
	if v.spec.Thresholds.OnlyNew && v.change != nil && v.base == nil && whole && len(all) > 0 {
		v.errored("the findings at the base %.12s are not known, so that nobody can say which are new; ask this check there, or merge the base again", v.change.Base)
	}
	slices.SortStableFunc(all, func(a, b slipway.Finding) int { return cmp.Compare(order(a), order(b)) })
	listed := min(len(all), mostListed)
	v.result.Findings = all[:listed]
	if hidden := len(all) - listed; hidden > 0 && v.result.Verdict != slipway.Pass {
		v.result.Reasons = append(v.result.Reasons, fmt.Sprintf("%d more findings are counted and not listed", hidden))
	}
}

// order puts new findings first, and the worst of them before the others.
func order(f slipway.Finding) int {
	n := slices.Index(levels, f.Level)
	if f.Known {
		n += len(levels)
	}
	return n
}

// limit judges the number of findings of one level.
func (v *verdict) limit(level string, n int) {
	limit, said := v.spec.Thresholds.Findings[level]
	if v.spec.Thresholds.OnlyNew {
		level = "new " + level
	}
	switch {
	case n <= limit, strings.HasSuffix(level, "note") && !said:
	case limit == 0:
		v.failed("%s found, and none is allowed", plural(n, level))
	default:
		v.failed("%s found, and at most %d allowed", plural(n, level), limit)
	}
}

// count returns how many findings have a level, known ones left out if only new
// ones count.
func count(all []slipway.Finding, level string, onlyNew bool) int {
	n := 0
	for _, f := range all {
		if f.Level == level && !(onlyNew && f.Known) {
			n++
		}
	}
	return n
}

// plural counts things: "1 test", "2 tests".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// percent writes a number as a person would.
func percent(p float64) string { return strconv.FormatFloat(p, 'f', -1, 64) }

// tenths writes the covered share in percent, rounded down to a tenth: what is
// below a threshold never reads as the threshold.
func tenths(c slipway.Coverage) string {
	if c.Total == 0 {
		return "0"
	}
	n := int64(c.Covered) * 1000 / int64(c.Total)
	return percent(float64(n) / 10)
}
