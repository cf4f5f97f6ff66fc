package check

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// validate refuses specs that cannot be right whatever the commands do.
func validate(specs []Spec) error {
	seen := map[string]bool{}
	for _, s := range specs {
		if seen[s.Name] {
			return slipway.Errorf(slipway.Invalid, "two checks are called %q", s.Name).
				WithFix("give each check a name of its own")
		}
		seen[s.Name] = true
		if err := s.validate(); err != nil {
			return err
		}
	}
	return nil
}

// validate reports the first thing in s that cannot be right.
func (s Spec) validate() error {
	if len(s.Name) > 100 || !namePattern.MatchString(s.Name) {
		return slipway.Errorf(slipway.Invalid, "%q cannot be the name of a check", s.Name).
			WithFix("use letters, digits, dots, hyphens and underscores, beginning with a letter or digit, at most 100")
	}
	if s.Scan != "" {
		if s.Scan != ScanSecrets {
			return slipway.Errorf(slipway.Invalid, "check %s scans for %q, which is not known", s.Name, s.Scan).
				WithFix("the scan that there is, is %s", ScanSecrets)
		}
		return nil
	}
	if strings.TrimSpace(s.Run.Shell) == "" && (len(s.Run.Args) == 0 || s.Run.Args[0] == "") {
		return slipway.Errorf(slipway.Invalid, "check %s has no command", s.Name).
			WithFix("say what it runs: run: pytest -q")
	}
	if s.Timeout < 0 {
		return slipway.Errorf(slipway.Invalid, "check %s has a negative time limit, %s", s.Name, s.Timeout).
			WithFix("write a duration such as 10m, or leave it out for %s", slipway.DurationText(DefaultTimeout))
	}
	for _, pattern := range []string{s.JUnit, s.Coverage, s.SARIF} {
		if err := s.validateReport(pattern); err != nil {
			return err
		}
	}
	return s.validateThresholds()
}

// validateReport refuses a report path that leaves its folder.
func (s Spec) validateReport(pattern string) error {
	p := strings.TrimPrefix(pattern, reportsPrefix)
	if pattern == "" {
		return nil
	}
	if !filepath.IsLocal(p) {
		return slipway.Errorf(slipway.Invalid, "check %s: report %q lies outside the reports folder and the working copy", s.Name, pattern).
			WithFix("write a path relative to one of them, such as unit.xml for $REPORTS/unit.xml")
	}
	if _, err := path.Match(p, ""); err != nil {
		return slipway.Errorf(slipway.Invalid, "check %s: report %q is not a pattern: %w", s.Name, pattern, err).
			WithFix("close the bracket, or put a backslash before it")
	}
	return nil
}

// validateThresholds refuses a threshold that no report could be held against.
func (s Spec) validateThresholds() error {
	t := s.Thresholds
	if !(t.Coverage >= 0 && t.Coverage <= 100) {
		return slipway.Errorf(slipway.Invalid, "check %s: a coverage of %s %% cannot be asked for", s.Name, percent(t.Coverage)).
			WithFix("write a number from 0 to 100")
	}
	if !(t.Change >= 0 && t.Change <= 100) {
		return slipway.Errorf(slipway.Invalid, "check %s: a coverage of %s %% of the change cannot be asked for", s.Name, percent(t.Change)).
			WithFix("write a number from 0 to 100")
	}
	if (t.Change > 0 || t.Drop != nil) && s.Coverage == "" {
		return slipway.Errorf(slipway.Invalid, "check %s limits the coverage of changes and names no coverage report", s.Name).
			WithFix("name it beside thresholds, as in coverage: coverage.xml")
	}
	if t.Drop != nil && !(*t.Drop >= 0 && *t.Drop <= 100) {
		return slipway.Errorf(slipway.Invalid, "check %s: coverage cannot drop by %s points", s.Name, percent(*t.Drop)).
			WithFix("write a number from 0 to 100")
	}
	if t.Coverage > 0 && s.Coverage == "" {
		return slipway.Errorf(slipway.Invalid, "check %s asks for a coverage of %s %% and names no coverage report", s.Name, percent(t.Coverage)).
			WithFix("name it beside thresholds, as in coverage: coverage.xml")
	}
	if (len(t.Findings) > 0 || t.OnlyNew) && s.SARIF == "" {
		return slipway.Errorf(slipway.Invalid, "check %s limits findings and names no SARIF report", s.Name).
			WithFix("name it: sarif: findings.sarif")
	}
	for level, n := range t.Findings {
		if !slices.Contains(levels, level) {
			return slipway.Errorf(slipway.Invalid, "check %s limits findings of level %q, which SARIF does not know", s.Name, level).
				WithFix("the levels are %s", strings.Join(levels, ", "))
		}
		if n < 0 {
			return slipway.Errorf(slipway.Invalid, "check %s: there cannot be %d findings", s.Name, n).
				WithFix("write 0 or more, or leave it out")
		}
	}
	return nil
}
