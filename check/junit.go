package check

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A testReport is what a JUnit report says.
type testReport struct {
	counts   slipway.TestCounts
	failures []slipway.TestFailure // the first mostListed
}

// executed is the number of tests that ran.
func (r *testReport) executed() int { return r.counts.Passed + r.counts.Failed }

// add takes in the tests of another file.
func (r *testReport) add(o testReport) {
	r.counts.Passed += o.counts.Passed
	r.counts.Failed += o.counts.Failed
	r.counts.Skipped += o.counts.Skipped
	for _, f := range o.failures {
		r.list(f)
	}
}

// fail counts a failure and lists it.
func (r *testReport) fail(f slipway.TestFailure) {
	r.counts.Failed++
	r.list(f)
}

func (r *testReport) list(f slipway.TestFailure) {
	if len(r.failures) < mostListed {
		r.failures = append(r.failures, f)
	}
}

// A junitCase is <testcase>, in every dialect we met: pytest, surefire, gradle,
// gotestsum, jest-junit, node. What surefire calls flakyFailure and flakyError
// passed in the end; rerunFailure and rerunError stand beside the failure that
// counts.
type junitCase struct {
	Name     string         `xml:"name,attr"`
	Class    string         `xml:"classname,attr"`
	File     string         `xml:"file,attr"`
	Line     string         `xml:"line,attr"`
	Status   string         `xml:"status,attr"` // googletest, ctest
	Result   string         `xml:"result,attr"` // googletest
	Failures []junitProblem `xml:"failure"`
	Errors   []junitProblem `xml:"error"`
	Skipped  *junitProblem  `xml:"skipped"`
}

// A junitProblem is <failure> or <error>.
type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// A junitSuite is <testsuite> while it is read.
type junitSuite struct {
	name     string
	declared int // failures and errors that its attributes count
	before   int // failures counted before it began
}

// parseJUnit reads a JUnit XML report. What it makes of it is never better than
// the report: a failure that is counted and not named is a failure.
func parseJUnit(data []byte) (testReport, error) {
	var r testReport
	d := newXML(data)
	start, err := root(d, "testsuites", "testsuite")
	if err != nil {
		return r, err
	}
	open := []junitSuite{newSuite(start, 0)}
	for len(open) > 0 {
		t, err := d.Token()
		if err != nil {
			return r, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			open, err = r.element(d, t, open)
		case xml.EndElement: // of a suite: other elements are read whole
			r.close(open[len(open)-1])
			open = open[:len(open)-1]
		}
		if err != nil {
			return r, err
		}
	}
	return r, finish(d)
}

// element reads one element inside the innermost open suite.
func (r *testReport) element(d *xml.Decoder, e xml.StartElement, open []junitSuite) ([]junitSuite, error) {
	switch e.Name.Local {
	case "testsuite":
		return append(open, newSuite(e, r.counts.Failed)), nil
	case "testcase":
		var c junitCase
		if err := d.DecodeElement(&c, &e); err != nil {
			return open, err
		}
		r.testCase(c)
		return open, nil
	case "failure", "error": // of a whole suite
		var p junitProblem
		if err := d.DecodeElement(&p, &e); err != nil {
			return open, err
		}
		r.fail(failure(junitCase{Name: open[len(open)-1].name, Errors: []junitProblem{p}}))
		return open, nil
	}
	return open, d.Skip()
}

// newSuite begins a suite.
func newSuite(e xml.StartElement, before int) junitSuite {
	failures, _ := strconv.Atoi(attribute(e, "failures")) // absent or odd: it declares none
	errs, _ := strconv.Atoi(attribute(e, "errors"))
	return junitSuite{
		name:     cmp.Or(attribute(e, "name"), "unnamed test suite"),
		declared: max(0, failures) + max(0, errs),
		before:   before,
	}
}

// close ends a suite. A suite that counts failures and names none has failed.
func (r *testReport) close(s junitSuite) {
	if s.declared > 0 && r.counts.Failed == s.before {
		r.fail(slipway.TestFailure{
			Name:    clip(s.name),
			Message: fmt.Sprintf("the report counts %d failures here and names none", s.declared),
		})
	}
}

// testCase counts one test.
func (r *testReport) testCase(c junitCase) {
	state := strings.ToLower(cmp.Or(c.Result, c.Status))
	switch {
	case len(c.Failures)+len(c.Errors) > 0, slices.Contains([]string{"fail", "failed", "failure", "error"}, state):
		r.fail(failure(c))
	case c.Skipped != nil, slices.Contains([]string{"skipped", "suppressed", "notrun", "disabled", "pending"}, state):
		r.counts.Skipped++
	default:
		r.counts.Passed++
	}
}

// failure says what is wrong with a failed test, and where.
func failure(c junitCase) slipway.TestFailure {
	f := slipway.TestFailure{Name: clip(testName(c.Class, c.Name)), File: clip(c.File)}
	f.Line, _ = strconv.Atoi(c.Line) // absent: unknown
	var messages []string
	for _, p := range append(c.Failures, c.Errors...) {
		messages = append(messages, p.message())
		if file, line, ok := place(p.Text, c.Class); ok && len(messages) == 1 {
			f.File, f.Line = file, line
		}
	}
	f.Message = clip(strings.Join(messages, "\n"))
	if f.Message == "" {
		f.Message = "the report gives no message"
	}
	return f
}

// testName joins class and test, unless the test's name holds the class already.
func testName(class, name string) string {
	switch {
	case class == "" || strings.HasPrefix(name, class):
		return cmp.Or(name, "unnamed test")
	case name == "":
		return class
	}
	return class + "." + name
}

// message returns what the problem says: its message, or its text where the
// message says nothing.
func (p junitProblem) message() string {
	message := strings.TrimSpace(p.Message)
	if message == "" || message == "Failed" { // gotestsum's, always
		message = cmp.Or(body(p.Text), message, p.Type)
	}
	return message
}

// body returns the text of a problem without blank lines and the lines that go
// test puts around it.
func body(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(strings.TrimSpace(line), "--- ") {
			continue
		}
		lines = append(lines, line)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

var (
	linePlace  = regexp.MustCompile(`(?m)^\s*([^\s:"'<>()]+\.[A-Za-z]\w*):(\d+):`) // pytest, go test, compilers
	framePlace = regexp.MustCompile(`\(([\w$.-]+\.[a-z]+):(\d+)\)`)                // a Java stack trace
)

// place finds the place that a failure's text names: a line that begins with
// file:line:, or the first frame in the file of the test's own class.
func place(text, class string) (string, int, bool) {
	if m := linePlace.FindStringSubmatch(text); m != nil {
		line, err := strconv.Atoi(m[2])
		return clip(m[1]), line, err == nil
	}
	own := class[strings.LastIndex(class, ".")+1:]
	for _, m := range framePlace.FindAllStringSubmatch(text, 100) {
		if base, _, _ := strings.Cut(m[1], "."); base == own {
			line, err := strconv.Atoi(m[2])
			return m[1], line, err == nil
		}
	}
	return "", 0, false
}
