package manifest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/manifest"
)

const checking = `slipway: v1
app: a
shape: python-job
build: {script: a.py, steps: [{name: fetch, run: make, network: true}]}
checks:
  unit:
    run: pytest
    coverage: c.xml
    thresholds: {coverage: {total: 70, change: 80.5, drop: 0}}
  lint: {run: ruff, sarif: s, thresholds: {findings: {warning: 1}, only_new: true}, network: true, memory: 2GB}
  leaks: {scan: secrets, on: [pull_request], files: [lib/**]}
`

func TestChecksAsTheyAreWritten(t *testing.T) {
	m, err := manifest.Load("slipway.yaml", []byte(checking), builtin(t))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]manifest.Check{
		"unit": {
			Name: "unit", Run: manifest.Command{Shell: "pytest"}, Timeout: 15 * time.Minute, Required: true, Coverage: "c.xml",
			Thresholds: manifest.Thresholds{Coverage: new(70.0), Change: new(80.5), Drop: new(0.0)},
		},
		"lint": {
			Name: "lint", Run: manifest.Command{Shell: "ruff"}, Timeout: 15 * time.Minute, Required: true, SARIF: "s",
			Thresholds: manifest.Thresholds{Findings: map[string]int{"warning": 1}, OnlyNew: true}, Network: true, Memory: 2e9,
		},
		"leaks": {Name: "leaks", Scan: "secrets", Timeout: 15 * time.Minute, Required: true, On: []string{"pull_request"}, Files: []string{"lib/**"}},
	}
	if diff := cmp.Diff(want, m.Checks); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !m.Build.Steps[0].Network {
		t.Error("the step has no network")
	}
}

func TestChecksThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct{ with, without, want string }{
		"neither run nor scan":         {"run: pytest", "timeout: 1m", "checks.unit has none of run, scan"},
		"both":                         {"scan: secrets", "scan: secrets, run: x", "checks.leaks has run and scan"},
		"a scan of nobody's":           {"scan: secrets", "scan: viruses", `checks.leaks.scan is the text "viruses", which is not allowed here`},
		"a change above a hundred":     {"change: 80.5", "change: 180", "checks.unit.thresholds.coverage.change is 180"},
		"only_new without a report":    {"sarif: s, thresholds: {findings: {warning: 1}, only_new: true}", "thresholds: {only_new: true}", "checks.lint.thresholds.only_new has no report to look at"},
		"a memory that is no size":     {"memory: 2GB", "memory: much", "checks.lint.memory is"},
		"a coverage without a report":  {"    coverage: c.xml\n", "", "checks.unit.thresholds.coverage has no report to look at"},
		"a network that is no boolean": {"network: true}]", "network: maybe}]", "build.steps[0].network is"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(checking, c.with, c.without, 1)
			if text == checking {
				t.Fatal("nothing was changed")
			}
			if _, err := manifest.Load("slipway.yaml", []byte(text), builtin(t)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

const checkingPlatform = `slipway: v1
environments: {local: {}}
checks:
  leaks-of-all: {scan: secrets}
  audit: {run: pip-audit, network: true, required: false}
isolation: required
limits: {memory: 8GB, processes: 4096, output: 50MB}
`

func TestChecksOfThePlatform(t *testing.T) {
	p, err := manifest.LoadPlatform("platform.yaml", []byte(checkingPlatform))
	if err != nil {
		t.Fatal(err)
	}
	if p.Isolation != "required" || p.Limits != (manifest.Limits{Memory: 8e9, Processes: 4096, Output: 50e6}) {
		t.Errorf("isolation %q, limits %+v", p.Isolation, p.Limits)
	}
	m, err := manifest.Load("slipway.yaml", []byte(checking), builtin(t))
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.AllChecks(p)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range all {
		from := "app"
		if c.Platform {
			from = "platform"
		}
		got = append(got, c.Name+" "+from)
	}
	if diff := cmp.Diff([]string{"audit platform", "leaks app", "leaks-of-all platform", "lint app", "unit app"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if all, err := m.AllChecks(nil); err != nil || len(all) != 3 {
		t.Errorf("without a platform: %d, %v", len(all), err)
	}
	taken, err := manifest.Load("slipway.yaml", []byte(strings.Replace(checking, "leaks:", "audit:", 1)), builtin(t))
	if err != nil {
		t.Fatal(err)
	}
	const want = "slipway.yaml:11:10: the platform has a check called audit, which holds for every app; give this one another name"
	if _, err := taken.AllChecks(p); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	broken := strings.Replace(checkingPlatform, "run: pip-audit", "run: x, thresholds: {coverage: 80}", 1)
	if _, err := manifest.LoadPlatform("platform.yaml", []byte(broken)); err == nil || !strings.Contains(err.Error(), "checks.audit.thresholds.coverage has no report to look at") {
		t.Errorf("got %v", err)
	}
}

func TestMatchFile(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"*.md", "docs/a.md", true},
		{"/*.md", "docs/a.md", false},
		{"docs/", "docs/b/a.md", true},
		{"lib/**", "lib/x/a.py", true},
		{"**/a.md", "a.md", true},
		{"?.md", "ab.md", false},
		{"lib", "lib/a.py", false},
		{"**", "a/b", true},
	} {
		if got := manifest.MatchFile(c.pattern, c.path); got != c.want {
			t.Errorf("%q for %q: %v", c.pattern, c.path, got)
		}
	}
}
