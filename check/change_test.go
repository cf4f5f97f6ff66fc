package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/check"
)

const diff = `diff --git a/lib/a.py b/lib/a.py
index 1..2 100644
--- a/lib/a.py
+++ b/lib/a.py
@@ -3 +3,2 @@ def f():
-old
+--- new
++++ b/lib/newer
@@ -10,2 +11,0 @@
-gone
-gone
diff --git a/old name.py b/new name.py
similarity index 90%
rename from old name.py
rename to new name.py
--- a/old name.py	
+++ b/new name.py	
@@ -1 +1 @@
-a
\ No newline at end of file
+b
\ No newline at end of file
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-x
-y
diff --git a/made.py b/made.py
new file mode 100644
--- /dev/null
+++ b/made.py
@@ -0,0 +1,3 @@
+1
+2
+3
diff --git a/logo.png b/logo.png
index 1..2 100644
Binary files a/logo.png and b/logo.png differ
diff --git "a/\303\274.py" "b/\303\274.py"
old mode 100644
new mode 100755
`

func TestParseDiff(t *testing.T) {
	got, err := check.ParseDiff("abc", strings.NewReader(diff))
	if err != nil {
		t.Fatal(err)
	}
	lines := func(file string, from, to int) []slipway.Lines {
		return []slipway.Lines{{File: file, From: from, To: to}}
	}
	want := check.Change{Base: "abc", Files: map[string]check.Changed{
		"lib/a.py":    {Added: lines("lib/a.py", 3, 4)},
		"new name.py": {From: "old name.py", Added: lines("new name.py", 1, 1)},
		"gone.py":     {Removed: true},
		"made.py":     {Added: lines("made.py", 1, 3)},
		"logo.png":    {},
		"ü.py":        {},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if names := got.Names(); !cmp.Equal(names, []string{"gone.py", "lib/a.py", "logo.png", "made.py", "new name.py", "old name.py", "ü.py"}) {
		t.Errorf("names %q", names)
	}
}

func TestDiffsThatCannotBeRead(t *testing.T) {
	const head = "diff --git a/x b/x\n"
	for text, want := range map[string]string{
		head + "@@ -1 +x @@\n":                `line 2 of the diff: "+x" is no place of a change`,
		head + "@@ -1\n":                      `line 2 of the diff: "-1" is no place of a change`,
		head + "+++ \"b/\\q\"\n":              `line 2 of the diff: "b/\q" is not a path as git quotes it`,
		head + "@@ -1 +1,99999999999999 @@\n": `line 2 of the diff: "+1,99999999999999" is no place of a change`,
	} {
		if _, err := check.ParseDiff("abc", strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzParseDiff(f *testing.F) {
	f.Add(diff)
	f.Add("diff --git a/x b/x\n@@ -1,2 +3,4 @@\n+a\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := check.ParseDiff("abc", strings.NewReader(text))
		if err != nil {
			return
		}
		for name, file := range c.Files {
			for _, l := range file.Added {
				if name == "" || l.File != name || l.To < l.From {
					t.Fatalf("%q has %+v", name, l)
				}
			}
		}
	})
}

// changed is a change that adds some lines of a file.
func changed(file string, from, to int) *check.Change {
	return &check.Change{Base: "0123456789abcdef", Files: map[string]check.Changed{file: {Added: []slipway.Lines{{File: file, From: from, To: to}}}}}
}

// write puts files into the working copy.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCoverageOfTheChange(t *testing.T) {
	cobertura := func(source, file string) string {
		return `<coverage><sources><source>` + source + `</source></sources><class filename="` + file + `"><lines>` +
			`<line number="1" hits="1"/><line number="2" hits="0"/><line number="3" hits="1"/><line number="4" hits="0"/><line number="5" hits="0"/></lines></class></coverage>`
	}
	tests := map[string]struct {
		report string
		change *check.Change
		asked  float64
		want   string
	}{
		"enough": {cobertura("DIR/lib", "a.py"), changed("lib/a.py", 1, 2), 50, "pass 1/2 lib/a.py 2-2"},
		"too little": {
			cobertura("DIR", "lib/a.py"), changed("lib/a.py", 2, 5), 50,
			"fail 1/4 lib/a.py 2-2 lib/a.py 4-5: coverage of the change is 25 % (1 of 4 lines), below the 50 % asked for",
		},
		"no line that is measured":    {cobertura("DIR", "lib/a.py"), changed("lib/a.py", 6, 9), 50, "pass"},
		"another file":                {cobertura("DIR", "lib/a.py"), changed("README.md", 1, 9), 50, "pass"},
		"nothing to compare with":     {cobertura("DIR", "lib/a.py"), nil, 50, "pass"},
		"a path of another machine":   {cobertura("/ci/build/lib", "/ci/build/lib/a.py"), changed("lib/a.py", 1, 2), 50, "pass 1/2 lib/a.py 2-2"},
		"a file of the same name":     {cobertura("DIR", "b/lib/a.py"), changed("lib/a.py", 1, 2), 50, "pass"},
		"a package of JaCoCo":         {`<report><package name="org/x"><sourcefile name="A.java"><line nr="1" ci="0"/></sourcefile></package></report>`, changed("src/main/java/org/x/A.java", 1, 9), 50, "fail 0/1 src/main/java/org/x/A.java 1-1: coverage of the change is 0 % (0 of 1 line), below the 50 % asked for"},
		"an import path of Go":        {"mode: set\nexample.com/x/lib/a.go:1.1,2.2 1 1\nexample.com/x/lib/a.go:3.1,3.9 1 0\n", changed("lib/a.go", 1, 3), 70, "fail 2/3 lib/a.go 3-3: coverage of the change is 66.6 % (2 of 3 lines), below the 70 % asked for"},
		"LCOV, with an absolute path": {"SF:DIR/lib/a.py\nDA:1,0\nDA:2,1\nend_of_record\n", changed("lib/a.py", 1, 2), 50, "pass 1/2 lib/a.py 1-1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := input(t, check.Spec{Name: "unit", Coverage: "c", Thresholds: check.Thresholds{Change: tt.asked}, Run: sh(`printf %s "$REPORT" > $REPORTS/c`)})
			write(t, in.Dir, map[string]string{"lib/a.py": "x", "b/lib/a.py": "x", "README.md": "x", "lib/a.go": "x"})
			in.Specs[0].Env = map[string]string{"REPORT": strings.ReplaceAll(tt.report, "DIR", in.Dir)}
			in.Change = tt.change
			r := run(t, in)[0]
			said := []string{string(r.Verdict)}
			if r.Change != nil {
				said = append(said, fmt.Sprintf("%d/%d", r.Change.Covered, r.Change.Total))
			}
			for _, l := range r.Uncovered {
				said = append(said, fmt.Sprintf("%s %d-%d", l.File, l.From, l.To))
			}
			got := strings.Join(said, " ")
			if len(r.Reasons) > 0 {
				got += ": " + strings.Join(r.Reasons, "; ")
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func base(b check.Baseline) func(string) (check.Baseline, bool) {
	return func(string) (check.Baseline, bool) { return b, true }
}

func TestCoverageDrops(t *testing.T) {
	const report = "SF:a\nLF:100\nLH:80\nend_of_record\n"
	known := func(covered int) func(string) (check.Baseline, bool) {
		return base(check.Baseline{Coverage: &slipway.Coverage{Covered: covered, Total: 100}})
	}
	tests := map[string]struct {
		change *check.Change
		base   func(string) (check.Baseline, bool)
		want   string
	}{
		"a little":        {changed("a", 1, 1), known(81), "pass"},
		"not at all":      {changed("a", 1, 1), known(70), "pass"},
		"too much":        {changed("a", 1, 1), known(82), "fail coverage drops from 82 % to 80 %, by more than the 1 % allowed"},
		"from unknown":    {changed("a", 1, 1), nil, "error the coverage at the base 0123456789ab is not known, so that nobody can say whether it drops; ask this check there, or merge the base again"},
		"without a base":  {nil, nil, "pass"},
		"from no measure": {changed("a", 1, 1), base(check.Baseline{}), "error the coverage at the base 0123456789ab is not known, so that nobody can say whether it drops; ask this check there, or merge the base again"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := input(t, check.Spec{Name: "unit", Coverage: "c", Thresholds: check.Thresholds{Drop: new(1.0)}, Run: sh(`printf %s "$REPORT" > $REPORTS/c`), Env: map[string]string{"REPORT": report}})
			in.Change, in.Base = tt.change, tt.base
			r := run(t, in)[0]
			if got := strings.TrimSpace(string(r.Verdict) + " " + strings.Join(r.Reasons, "; ")); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// sarif is a report of findings: rule, file and line of each, and what the scanner
// calls it, if it does.
func sarif(findings ...string) string {
	var results []string
	for _, f := range findings {
		var rule, file, line, print string
		fields := strings.Fields(f)
		rule, file, line = fields[0], fields[1], fields[2]
		prints := ""
		if len(fields) > 3 {
			print = fields[3]
			prints = `"partialFingerprints": {"primaryLocationLineHash": "` + print + `", "commitSha": "` + line + `"},`
		}
		results = append(results, `{"ruleId": "`+rule+`", `+prints+`"message": {"text": "no"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "`+file+`"}, "region": {"startLine": `+line+`}}}]}`)
	}
	return `{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [` + strings.Join(results, ", ") + `]}]}`
}

// scanOf runs a check that reports findings in a working copy, and returns what it
// found for others too.
func scanOf(t *testing.T, files map[string]string, report string, change *check.Change, known func(string) (check.Baseline, bool)) (slipway.CheckResult, check.Baseline) {
	t.Helper()
	in := input(t, check.Spec{Name: "lint", SARIF: "s", Thresholds: check.Thresholds{OnlyNew: true}, Run: sh(`printf %s "$REPORT" > $REPORTS/s`), Env: map[string]string{"REPORT": report}})
	write(t, in.Dir, files)
	var found check.Baseline
	in.Found = func(_ string, b check.Baseline) { found = b }
	in.Change, in.Base = change, known
	return run(t, in)[0], found
}

func TestOnlyNewFindingsCount(t *testing.T) {
	before := map[string]string{"a.py": "import os\nimport re\nx = 1\n", "old.py": "y = 1\n"}
	oldReport := sarif("F401 a.py 1", "F401 a.py 2", "E501 old.py 1", "S1 b.py 7 hash7")
	first, atBase := scanOf(t, before, oldReport, nil, nil)
	if first.Verdict != slipway.Pass || first.Known != 4 {
		t.Fatalf("on the base itself: %s %q, %d known", first.Verdict, first.Reasons, first.Known)
	}
	change := changed("a.py", 1, 2)
	change.Files["new.py"] = check.Changed{From: "old.py"}
	tests := map[string]struct {
		files  map[string]string
		report string
		want   string
	}{
		"the same":                 {before, oldReport, "pass 4"},
		"lines that moved":         {map[string]string{"a.py": "# new\n\nx = 2\n\timport  os\nimport re\n"}, sarif("F401 a.py 4", "F401 a.py 5"), "pass 2"},
		"a file that was renamed":  {map[string]string{"new.py": "# new\ny = 1\n"}, sarif("E501 new.py 2"), "pass 1"},
		"known by the scanner":     {nil, sarif("S1 b.py 90 hash7"), "pass 1"},
		"another one":              {before, sarif("F401 a.py 1", "F401 a.py 3"), "fail 1: 1 new warning found, and none is allowed"},
		"the same once more":       {map[string]string{"a.py": "import os\nimport os\n"}, sarif("F401 a.py 1", "F401 a.py 2"), "fail 1: 1 new warning found, and none is allowed"},
		"the same in another file": {map[string]string{"c.py": "import os\n"}, sarif("F401 c.py 1"), "fail 0: 1 new warning found, and none is allowed"},
		"another rule there":       {before, sarif("F402 a.py 1"), "fail 0: 1 new warning found, and none is allowed"},
		"without a line":           {nil, sarif("F401 nobody.py 0"), "fail 0: 1 new warning found, and none is allowed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, _ := scanOf(t, tt.files, tt.report, change, base(atBase))
			got := fmt.Sprintf("%s %d", r.Verdict, r.Known)
			if len(r.Reasons) > 0 {
				got += ": " + strings.Join(r.Reasons, "; ")
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	r, _ := scanOf(t, before, oldReport, change, nil)
	const unknown = "the findings at the base 0123456789ab are not known, so that nobody can say which are new; ask this check there, or merge the base again"
	if r.Verdict == slipway.Pass || r.Reasons[len(r.Reasons)-1] != unknown {
		t.Errorf("without a baseline: %s %q", r.Verdict, r.Reasons)
	}
	if r, _ := scanOf(t, before, sarif(), change, nil); r.Verdict != slipway.Pass {
		t.Errorf("nothing found, without a baseline: %s %q", r.Verdict, r.Reasons)
	}
}

func TestChecksThatAreNotNeeded(t *testing.T) {
	tests := map[string]struct {
		spec   check.Spec
		event  string
		change *check.Change
		want   string
	}{
		"another event":    {check.Spec{On: []string{"push", "tag"}}, "pull_request", nil, "it is asked on push and tag alone"},
		"its event":        {check.Spec{On: []string{"push"}}, "push", nil, ""},
		"no event":         {check.Spec{On: []string{"push"}}, "", nil, ""},
		"other files":      {check.Spec{Files: []string{"lib/**", "*.ipynb"}}, "push", changed("docs/a.md", 1, 1), "the change touches none of lib/**, *.ipynb"},
		"its files":        {check.Spec{Files: []string{"lib/**"}}, "push", changed("lib/x/a.py", 1, 1), ""},
		"nothing to judge": {check.Spec{Files: []string{"lib/**"}}, "push", nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.spec.Name, tt.spec.Required, tt.spec.Run = "unit", true, sh("touch made/ran")
			in := input(t, tt.spec)
			in.Event, in.Change = tt.event, tt.change
			results := run(t, in)
			_, err := os.Stat(filepath.Join(in.Dir, "made/ran"))
			if r := results[0]; r.Verdict != slipway.Pass || r.NotNeeded != tt.want || (err == nil) != (tt.want == "") || check.Err(results) != nil {
				t.Errorf("got %s, not needed %q, ran: %v", r.Verdict, r.NotNeeded, err == nil)
			}
			if tt.want != "" && explain(t, results) != "unit  pass  not needed: "+tt.want+"\n" {
				t.Errorf("it says %q", explain(t, results))
			}
		})
	}
}

func TestReviewsThatAreAskedFor(t *testing.T) {
	tests := map[string]struct {
		run     string
		want    []slipway.ReviewRequest
		verdict slipway.Verdict
		reason  string
	}{
		"two":        {`printf 'security: a new dependency, s3cret\n\n# a remark\ndata: drops a column' > $REPORTS/review`, []slipway.ReviewRequest{{Role: "security", Reason: "a new dependency, ***"}, {Role: "data", Reason: "drops a column"}}, slipway.Pass, ""},
		"none":       {`true`, nil, slipway.Pass, ""},
		"empty":      {`: > $REPORTS/review`, nil, slipway.Pass, ""},
		"and a fail": {`echo 'security: x' > $REPORTS/review; exit 1`, []slipway.ReviewRequest{{Role: "security", Reason: "x"}}, slipway.Fail, "exited with code 1"},
		"no role":    {`echo 'Please look' > $REPORTS/review`, nil, slipway.Errored, `$REPORTS/review, line 1: "Please look" is not a role and a reason; write it as in security: a new dependency`},
		"no reason":  {`echo 'security:' > $REPORTS/review`, nil, slipway.Errored, `$REPORTS/review, line 1: "security:" is not a role and a reason; write it as in security: a new dependency`},
		"too many":   {`for i in $(seq 51); do echo "a: $i"; done > $REPORTS/review`, nil, slipway.Errored, `$REPORTS/review asks for more than 50 reviews`},
		"a folder":   {`mkdir $REPORTS/review`, nil, slipway.Errored, "report review is not a file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := input(t, check.Spec{Name: "audit", Run: sh(tt.run)})
			in.Secrets = []string{"s3cret"}
			r := run(t, in)[0]
			if name == "too many" {
				r.Reviews = nil // the first fifty
			}
			if diff := cmp.Diff(tt.want, r.Reviews); diff != "" || r.Verdict != tt.verdict || strings.Join(r.Reasons, "; ") != tt.reason {
				t.Errorf("%s %q (-want +got)\n%s", r.Verdict, r.Reasons, diff)
			}
		})
	}
	r := []slipway.CheckResult{{Name: "audit", Verdict: slipway.Pass, Reviews: []slipway.ReviewRequest{{Role: "data", Reason: "drops a column"}}}}
	if got := explain(t, r); got != "audit  pass  0 ms\n  asks for a review by data: drops a column\n" {
		t.Errorf("it says %q", got)
	}
}

func TestScanForSecrets(t *testing.T) {
	const pat = "ghp_" + "1A2b3C4d5E6f7G8h9I0jK1l2M3n4O5p6Q7r8"
	files := map[string]string{
		"a.py": "x = 1\n# é\ntoken = '" + pat + "'\n", "b.py": "token = '" + pat + "'  # gitleaks:allow\n",
		"c.bin": "\x00" + pat, "sub/d.ipynb": `{"source": ["t = '` + pat + `'"]}`,
	}
	scan := func(change *check.Change) string {
		in := input(t, check.Spec{Name: "secrets", Scan: check.ScanSecrets})
		if err := os.RemoveAll(filepath.Join(in.Dir, "made")); err != nil {
			t.Fatal(err)
		}
		write(t, in.Dir, files)
		if err := os.Symlink("/etc/passwd", filepath.Join(in.Dir, "link")); err != nil {
			t.Fatal(err)
		}
		in.Change = change
		r := run(t, in)[0]
		said := append([]string{string(r.Verdict)}, r.Reasons...)
		for _, f := range r.Findings {
			if strings.Contains(f.Message, pat) {
				t.Errorf("the message tells the secret: %s", f.Message)
			}
			said = append(said, fmt.Sprintf("%s %s:%d", f.Rule, f.File, f.Line))
		}
		return strings.Join(said, " ")
	}
	both := changed("a.py", 1, 3)
	both.Files["link"] = check.Changed{Added: []slipway.Lines{{File: "link", From: 1, To: 1}}}
	both.Files["gone.py"] = check.Changed{Removed: true}
	tests := map[string]struct {
		change *check.Change
		want   string
	}{
		"everywhere":           {nil, "fail 2 errors found, and none is allowed github-pat a.py:3 github-pat sub/d.ipynb:1"},
		"in the change":        {both, "fail 1 error found, and none is allowed github-pat a.py:3"},
		"beside the change":    {changed("a.py", 1, 2), "pass"},
		"in another file":      {changed("b.py", 1, 1), "pass"},
		"in a file that is no": {changed("nobody.py", 1, 1), "pass"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := scan(tt.change); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
