package check

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// utf16le writes text as PowerShell does.
func utf16le(text string) string {
	data := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		data = binary.LittleEndian.AppendUint16(data, u)
	}
	return string(data)
}

// The reports were written by the tools they are named after.
func TestJUnitOfRealTools(t *testing.T) {
	pytest := []string{
		"tests.test_traffic.TestClean.test_keeps_zero (tests/test_traffic.py:11)",
		"tests.test_traffic.test_with_fixture (tests/test_traffic.py:26)",
		"tests.test_traffic.test_teardown (tests/test_traffic.py:45)",
		"tests.test_traffic.test_teardown (tests/test_traffic.py:41)",
	}
	tests := map[string]struct {
		counts   slipway.TestCounts
		failures []string
	}{
		"pytest.xml":        {slipway.TestCounts{Passed: 3, Failed: 4, Skipped: 2}, pytest},
		"pytest-xunit1.xml": {slipway.TestCounts{Passed: 3, Failed: 4, Skipped: 2}, pytest},
		"surefire.xml": { // with a flaky test, which passed in the end
			slipway.TestCounts{Passed: 2, Failed: 2, Skipped: 1},
			[]string{"TrafficTest.errs (TrafficTest.java:7)", "TrafficTest.fails (TrafficTest.java:6)"},
		},
		"gotestsum.xml": {
			slipway.TestCounts{Passed: 1, Failed: 2, Skipped: 1},
			[]string{"example.com/traffic.TestPeak/of_<one> (traffic_test.go:13)", "example.com/traffic.TestPeak"},
		},
		"node.xml": {slipway.TestCounts{Passed: 1, Failed: 1, Skipped: 2}, []string{"test.is null for <nothing>"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := parseJUnit(file(t, name))
			if err != nil {
				t.Fatal(err)
			}
			var failures []string
			for _, f := range r.failures {
				failures = append(failures, f.Name+where(f.File, f.Line))
			}
			if diff := cmp.Diff(tt.counts, r.counts); diff != "" {
				t.Errorf("counts (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.failures, failures); diff != "" {
				t.Errorf("failures (-want +got)\n%s", diff)
			}
		})
	}
}

func TestJUnitDialects(t *testing.T) {
	tests := map[string]struct {
		xml  string
		want string // passed/failed/skipped, and the failures
	}{
		"suites in suites": {
			`<testsuites><testsuite name="a"><testsuite name="b"><testcase name="x"/></testsuite><testcase name="y"/></testsuite></testsuites>`,
			"2/0/0",
		},
		"a test that failed more than once (googletest)": {
			`<testsuite><testcase classname="A" name="x"><failure message="one"/><failure message="two"/><error message="three"/></testcase></testsuite>`,
			"0/1/0 A.x: one\ntwo\nthree",
		},
		"a message in the text only (jest-junit)": {
			`<testsuite><testcase classname="peak hour" name="peak hour is 8"><failure>Error: 7 is not 8
    at Object.&lt;anonymous&gt; (peak.test.js:5:13)</failure></testcase></testsuite>`,
			"0/1/0 peak hour is 8: Error: 7 is not 8\n    at Object.<anonymous> (peak.test.js:5:13)",
		},
		"a failure that says nothing":         {`<testsuite><testcase name="x"><failure/></testcase></testsuite>`, "0/1/0 x: the report gives no message"},
		"a failure with a type only":          {`<testsuite><testcase name="x"><error type="IOError"/></testcase></testsuite>`, "0/1/0 x: IOError"},
		"a test without a name":               {`<testsuite><testcase classname="A"/><testcase><failure message="m"/></testcase></testsuite>`, "1/1/0 unnamed test: m"},
		"a status in an attribute (ctest)":    {`<testsuite><testcase name="x" status="fail"/><testcase name="y" status="disabled"/><testcase name="z" status="run"/></testsuite>`, "1/1/1 x: the report gives no message"},
		"a result in an attribute":            {`<testsuite><testcase name="x" status="run" result="suppressed"/></testsuite>`, "0/0/1"},
		"flaky tests passed":                  {`<testsuite><testcase name="x"><flakyFailure message="m"/><flakyError/></testcase></testsuite>`, "1/0/0"},
		"reruns do not count twice":           {`<testsuite><testcase name="x"><failure message="m"/><rerunFailure message="n"/></testcase></testsuite>`, "0/1/0 x: m"},
		"a failed suite":                      {`<testsuite name="s"><error message="no database"/></testsuite>`, "0/1/0 s: no database"},
		"failures counted and not named":      {`<testsuite name="s" failures="2" errors="1"><testcase name="x"/></testsuite>`, "1/1/0 s: the report counts 3 failures here and names none"},
		"output and properties are left out":  {`<testsuite><properties><property name="a"/></properties><testcase name="x"><system-out>F</system-out></testcase><system-err/></testsuite>`, "1/0/0"},
		"a namespace and a document type":     {`<!DOCTYPE testsuite SYSTEM "x"><testsuite xmlns="urn:x"><testcase name="x"/></testsuite>`, "1/0/0"},
		"another charset":                     {"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><testsuite><testcase name=\"x\"><failure message=\"z\xfcr\"/></testcase></testsuite>", "0/1/0 x: zür"},
		"a byte order mark":                   {"\ufeff<testsuite><testcase name=\"ü\"/></testsuite>", "1/0/0"},
		"UTF-16":                              {utf16le(`<?xml version="1.0" encoding="utf-16"?><testsuite><testcase name="x"><failure message="zür"/></testcase></testsuite>`), "0/1/0 x: zür"},
		"UTF-16 that is UTF-8":                {`<?xml version="1.0" encoding="utf-16"?><testsuite><testcase name="x"><failure message="zür"/></testcase></testsuite>`, "0/1/0 x: zür"},
		"place given by attributes":           {`<testsuite><testcase name="x" file="a_test.py" line="7"><failure message="m"/></testcase></testsuite>`, "0/1/0 x (a_test.py:7): m"},
		"a place in a text beats the test's":  {`<testsuite><testcase name="x" file="a.py" line="7"><failure message="m">b.py:9: no</failure></testcase></testsuite>`, "0/1/0 x (b.py:9): m"},
		"a time of day is no place":           {`<testsuite><testcase name="x"><failure message="m">12:30:15: late</failure></testcase></testsuite>`, "0/1/0 x: m"},
		"a line that is too large is unknown": {`<testsuite><testcase name="x"><failure message="m">b.py:99999999999999999999: no</failure></testcase></testsuite>`, "0/1/0 x: m"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := parseJUnit([]byte(tt.xml))
			if err != nil {
				t.Fatal(err)
			}
			parts := []string{fmt.Sprintf("%d/%d/%d", r.counts.Passed, r.counts.Failed, r.counts.Skipped)}
			for _, f := range r.failures {
				parts = append(parts, f.Name+where(f.File, f.Line)+": "+f.Message)
			}
			if got := strings.Join(parts, " "); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestXMLThatIsNoReport(t *testing.T) {
	const bomb = `<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>`
	tests := map[string]struct{ xml, want string }{
		"blank":              {"  \n", "it holds no element"},
		"no XML":             {"ok", "it holds no element"},
		"broken off":         {"<testsuites>\n<testsuite>\n", "line 3: it ends in the middle"},
		"a wrong tag":        {"<testsuite>\n</testsuites>", "line 2: element <testsuite> closed by </testsuites>"},
		"two documents":      {"<testsuite/><testsuite/>", "a second document, <testsuite>, follows the first: write each to a file of its own"},
		"text after the end": {"<testsuite/><", "line 1: it ends in the middle"},
		"an entity":          {bomb + "<testsuite><testcase name='&c;'/></testsuite>", "line 1: invalid character entity &c;"},
		"not UTF-8":          {"<testsuite name='\xff'/>", "line 1: invalid UTF-8"},
		"unknown charset":    {`<?xml version="1.0" encoding="klingon"?><testsuite/>`, `xml: opening charset "klingon": the charset "klingon" is not known; have the tool write UTF-8`},
		"too deep":           {"<testsuite>\n" + strings.Repeat("<a>", 300), "line 2: more than 200 elements lie in each other"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := parseJUnit([]byte(tt.xml)); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestJUnitListsAreBounded(t *testing.T) {
	long := strings.Repeat("ü", 5000)
	data := "<testsuite>" + strings.Repeat(`<testcase name="x"><failure message="`+long+`"/></testcase>`, mostListed+5) + "</testsuite>"
	r, err := parseJUnit([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	if r.counts.Failed != mostListed+5 || len(r.failures) != mostListed || len(r.failures[0].Message) > 4010 {
		t.Errorf("%d failed, %d listed, a message of %d bytes", r.counts.Failed, len(r.failures), len(r.failures[0].Message))
	}
}

func TestCoverage(t *testing.T) {
	tests := map[string]struct {
		data string
		want string // covered/total, or the error
	}{
		"coverage.py's Cobertura": {string(file(t, "coverage.py.xml")), "9/13"},
		"coverage.py's LCOV":      {string(file(t, "coverage.py.info")), "9/13"},
		"node's LCOV":             {string(file(t, "node.info")), "16/18"},
		"go test's profile":       {string(file(t, "cover.out")), "6/7"},

		"Cobertura: lines of methods do not count twice": {
			`<coverage><class filename="a"><methods><method><lines><line number="1" hits="0"/></lines></method></methods><lines><line number="1" hits="2"/></lines></class></coverage>`, "1/1",
		},
		"Cobertura: classes of one file": {
			`<coverage><class filename="a"><line number="1" hits="0"/></class><class filename="a"><line number="1" hits="1"/><line number="2" hits="0"/></class></coverage>`, "1/2",
		},
		"Cobertura: sums alone":          {`<coverage lines-valid="10" lines-covered="7"/>`, "7/10"},
		"Cobertura: sums that cannot be": {`<coverage lines-valid="7" lines-covered="10"/>`, "0/0"},
		"Cobertura: nothing (Clover's)":  {`<coverage><project><metrics statements="1"/></project></coverage>`, "0/0"},
		"Cobertura: a number of hits":    {`<coverage><class filename="a"><line number="1" hits="many"/></class></coverage>`, `file a: line 1 has "many" hits`},
		"Cobertura: a line's number":     {`<coverage><class filename="a"><line hits="1"/></class></coverage>`, `file a: a line has the number ""`},
		"Cobertura: broken off":          {`<coverage><class filename="a">`, "line 1: it ends in the middle"},
		"another root":                   {`<testsuite/>`, "its root element is <testsuite> and not <coverage> or <report>"},
		"JaCoCo: nothing":                {`<report name="jacoco"/>`, "0/0"},
		"JaCoCo: lines": {
			`<?xml version="1.0"?><!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd"><report name="x"><package name="org/x"><class name="org/x/A"><method name="a" line="3"/></class><sourcefile name="A.java"><line nr="3" mi="0" ci="2" mb="0" cb="0"/><line nr="4" mi="3" ci="0"/><counter type="LINE" missed="1" covered="1"/></sourcefile></package></report>`, "1/2",
		},
		"JaCoCo: no number":               {`<report><sourcefile name="A.java"><line nr="x"/></sourcefile></report>`, `file A.java: a line has the number "x"`},
		"JaCoCo: no count":                {`<report><sourcefile name="A.java"><line nr="1" ci="-1"/></sourcefile></report>`, `file A.java: line 1 has "-1" covered instructions`},
		"Go: a block without an end":      {"mode: set\na.go:1.1,9000000.2 1 1\n", "a.go:1: its blocks have more than 5000000 lines together"},
		"LCOV: the tests of a file":       {"TN:a\nSF:f\nDA:1,0\nend_of_record\nTN:b\nSF:f\nDA:1,3,checksum\nDA:2,0\nend_of_record\n", "1/2"},
		"LCOV: sums alone":                {"SF:f\r\nLF:9\r\nLH:4\r\nend_of_record\r\n", "4/9"},
		"LCOV: a negative count":          {"SF:f\nDA:1,-1\nend_of_record\n", "0/1"},
		"LCOV: broken off":                {"SF:f\nDA:1,1\n", "it ends in the middle: the record of f is not closed by end_of_record"},
		"LCOV: no number":                 {"SF:f\nDA:1\nend_of_record\n", "line 2: DA:1 is not a line and its hits"},
		"LCOV: no sum":                    {"SF:f\nLF:x\n", "line 2: LF:x is not a number of lines"},
		"LCOV: a line outside":            {"TN:\nDA:1,1\n", "line 2: DA stands outside of a record"},
		"LCOV: a record in a record":      {"SF:f\nSF:g\n", "line 2: a record begins where none can"},
		"LCOV: a line without end":        {"SF:" + strings.Repeat("f", 2<<20), "line 1: bufio.Scanner: token too long"},
		"Go: the same block twice":        {"mode: count\na.go:1.1,2.2 3 0\na.go:1.1,2.2 3 5\n", "3/3"},
		"Go: no profile":                  {"mode: set\nnonsense\n", `line "nonsense" doesn't match expected format: couldn't find a   before Count`},
		"Go: too many statements":         {"mode: set\na.go:1.1,2.2 9223372036854775807 1\n", "a.go:1: a block has 9223372036854775807 statements"},
		"a byte order mark before a mode": {"\ufeffmode: set\na.go:1.1,2.2 3 1\n", "3/3"},
		"something else":                  {"Name Stmts Miss Cover\n", `it begins with "Name Stmts Miss Cover"`},
		"nothing":                         {"", `it begins with ""`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := parseCoverage([]byte(tt.data))
			c := r.sum
			got := fmt.Sprintf("%d/%d", c.Covered, c.Total)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSARIFOfRealTools(t *testing.T) {
	tests := map[string][]slipway.Finding{
		"ruff.sarif": {
			{Rule: "I001", Level: "error", Message: "Import block is un-sorted or un-formatted", File: "bad.py", Line: 1},
			{Rule: "F401", Level: "error", Message: "`os` imported but unused", File: "bad.py", Line: 1},
			{Rule: "F401", Level: "error", Message: "`sys` imported but unused", File: "bad.py", Line: 2},
			{Rule: "F821", Level: "error", Message: "Undefined name `undefined`", File: "bad.py", Line: 5},
		},
		"gitleaks.sarif": {
			{Rule: "aws-access-token", Level: "warning", Message: "aws-access-token has detected secret for file leak/job.py.", File: "leak/job.py", Line: 1},
			{Rule: "github-pat", Level: "warning", Message: "github-pat has detected secret for file leak/job.py.", File: "leak/job.py", Line: 3},
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseSARIF(file(t, name), "/home/ada/traffic")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.findings); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// sarifTools describes the rules that the results below refer to.
const sarifTools = `"tool": {
	"driver": {"name": "t", "rules": [
		{"id": "zero", "defaultConfiguration": {"level": "note"}},
		{"id": "one", "guid": "g1", "defaultConfiguration": {"level": "error"}, "messageStrings": {"m": {"text": "{0} is not {1}"}}},
		{"id": "bare"}]},
	"extensions": [{"name": "x", "guid": "gx", "rules": [{"id": "zero", "defaultConfiguration": {"level": "error"}}]}]},
	"artifacts": [{"location": {"uri": "src/a%20b.py"}}],
	"invocations": [
		{"executionSuccessful": true},
		{"executionSuccessful": true, "ruleConfigurationOverrides": [{"descriptor": {"id": "one"}, "configuration": {"level": "note"}}]}]`

func TestSARIFResults(t *testing.T) {
	tests := map[string]struct {
		result string
		want   string // level rule place: message; empty: it does not count
	}{
		"its own level":              {`{"ruleId": "one", "level": "note", "message": {"text": "m"}}`, "note one: m"},
		"the rule's level":           {`{"ruleId": "one", "message": {"text": "m"}}`, "error one: m"},
		"the level of rule 0":        {`{"ruleIndex": 0, "message": {"text": "m"}}`, "note zero: m"},
		"no index is not index 0":    {`{"ruleId": "unheard", "message": {"text": "m"}}`, "warning unheard: m"},
		"an index of -1 is none":     {`{"ruleId": "one", "ruleIndex": -1, "message": {"text": "m"}}`, "error one: m"},
		"an index beyond the rules":  {`{"ruleId": "one", "ruleIndex": 99, "message": {"text": "m"}}`, "error one: m"},
		"a part of a rule":           {`{"ruleId": "one/2/b", "message": {"text": "m"}}`, "error one/2/b: m"},
		"a rule without a level":     {`{"ruleId": "bare", "message": {"text": "m"}}`, "warning bare: m"},
		"no rule at all":             {`{"message": {"text": "m"}}`, "warning : m"},
		"a rule by GUID":             {`{"rule": {"guid": "g1"}, "message": {"text": "m"}}`, "error one: m"},
		"a rule of an extension":     {`{"rule": {"id": "zero", "toolComponent": {"index": 0}}, "message": {"text": "m"}}`, "error zero: m"},
		"an extension by name":       {`{"rule": {"id": "zero", "toolComponent": {"name": "x"}}, "message": {"text": "m"}}`, "error zero: m"},
		"an extension by GUID":       {`{"rule": {"index": 0, "toolComponent": {"guid": "gx"}}, "message": {"text": "m"}}`, "error zero: m"},
		"an invocation's level":      {`{"ruleId": "one", "provenance": {"invocationIndex": 1}, "message": {"text": "m"}}`, "note one: m"},
		"another invocation's level": {`{"ruleId": "one", "provenance": {"invocationIndex": 0}, "message": {"text": "m"}}`, "error one: m"},
		"a message of the rule":      {`{"ruleId": "one", "message": {"id": "m", "arguments": ["7", "8"]}}`, "error one: 7 is not 8"},
		"no message":                 {`{"ruleId": "one"}`, "error one: the report gives no message"},
		"a place":                    {`{"ruleId": "one", "message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 7}}}]}`, "error one (a.py:7): m"},
		"a place by index":           {`{"ruleId": "one", "message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"index": 0}}}]}`, "error one (src/a b.py): m"},
		"a place in the copy":        {`{"ruleId": "one", "message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "file:///w/a.py"}}}]}`, "error one (a.py): m"},
		"a place elsewhere":          {`{"ruleId": "one", "message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "file:///usr/a.py"}}}]}`, "error one (/usr/a.py): m"},
		"a place on the web":         {`{"ruleId": "one", "message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "https://x/a"}}}]}`, "error one (https://x/a): m"},
		"a pass":                     {`{"ruleId": "one", "kind": "pass"}`, ""},
		"a level of none":            {`{"ruleId": "one", "level": "none"}`, ""},
		"known before":               {`{"ruleId": "one", "baselineState": "unchanged"}`, ""},
		"gone":                       {`{"ruleId": "one", "baselineState": "absent"}`, ""},
		"new":                        {`{"ruleId": "one", "baselineState": "new", "message": {"text": "m"}}`, "error one: m"},
		"changed":                    {`{"ruleId": "one", "baselineState": "updated", "message": {"text": "m"}}`, "error one: m"},
		"suppressed":                 {`{"ruleId": "one", "suppressions": [{"kind": "inSource"}]}`, ""},
		"not suppressed":             {`{"ruleId": "one", "suppressions": [], "message": {"text": "m"}}`, "error one: m"},
		"a suppression under review": {`{"ruleId": "one", "suppressions": [{"status": "accepted"}, {"status": "underReview"}], "message": {"text": "m"}}`, "error one: m"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := parseSARIF([]byte(`{"version": "2.1.0", "runs": [{`+sarifTools+`, "results": [`+tt.result+`]}]}`), "/w")
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, f := range r.findings {
				found = append(found, f.Level+" "+f.Rule+where(f.File, f.Line)+": "+f.Message)
			}
			if got := strings.Join(found, "\n"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSARIFAsAWhole(t *testing.T) {
	const tool = `"tool": {"driver": {"name": "ruff"}}`
	tests := map[string]struct{ log, want string }{
		"worst first": {
			`{"version": "2.1.0", "runs": [{` + tool + `, "results": [{"level": "note"}, {"level": "error"}, {"level": "warning"}, {"level": "error", "ruleId": "b"}]}]}`,
			"scanned error,error,warning,note",
		},
		"no results, yet carried out": {`{"version": "2.1.0", "runs": [{` + tool + `, "invocations": [{"executionSuccessful": true}]}]}`, "scanned "},
		"results that are empty":      {`{"version": "2.1.0", "runs": [{` + tool + `, "results": []}]}`, "scanned "},
		"no results":                  {`{"version": "2.1.0", "runs": [{` + tool + `}]}`, "not scanned "},
		"no run":                      {`{"version": "2.1.0"}`, "not scanned "},
		"a byte order mark":           {"\ufeff" + `{"version": "2.1.0", "runs": []}`, "not scanned "},
		"a tool that broke down": {
			`{"version": "2.1.0", "runs": [{` + tool + `, "results": [], "invocations": [{"executionSuccessful": false}]}]}`,
			"ruff: the tool says that its run was not successful; look at the check's output",
		},
		"results elsewhere": {
			`{"version": "2.1.0", "runs": [{"externalPropertyFileReferences": {"results": [{}]}}]}`,
			"unnamed tool: its results lie in other files, which are not read; have the tool write one file",
		},
		"an unknown level": {
			`{"version": "2.1.0", "runs": [{` + tool + `, "results": [{"level": "info"}]}]}`,
			`ruff: a result has the level "info", which SARIF does not know`,
		},
		"another version": {`{"version": "1.0.0", "runs": []}`, `its version is "1.0.0" and not "2.1.0"`},
		"broken off":      {`{"version": "2.1.0", `, "unexpected end of JSON input"},
		"no JSON":         {"<testsuites/>", "invalid character '<' looking for beginning of value"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := parseSARIF([]byte(tt.log), "/w")
			var found []string
			for _, f := range r.findings {
				found = append(found, f.Level)
			}
			got := "scanned " + strings.Join(found, ",")
			if !r.scanned {
				got = "not " + got
			}
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Arguments that hold places for each other must not make a message grow.
func TestSARIFMessagesAreBounded(t *testing.T) {
	m := sarifText{Text: strings.Repeat("{0}", 1<<20), Arguments: make([]string, 20)}
	for i := range m.Arguments {
		m.Arguments[i] = strings.Repeat(fmt.Sprintf("{%d}", i+1), 1000)
	}
	if got := len(m.string(nil)); got > 4010 {
		t.Errorf("a message of %d bytes", got)
	}
}
