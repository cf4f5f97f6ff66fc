package check

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
)

// The parts of SARIF 2.1.0 that a verdict needs. An index that is absent is not
// the index 0, hence the pointers.
type (
	sarifLog struct {
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver     sarifTool   `json:"driver"`
			Extensions []sarifTool `json:"extensions"`
		} `json:"tool"`
		Artifacts []struct {
			Location sarifURI `json:"location"`
		} `json:"artifacts"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     *[]sarifResult    `json:"results"`
		External    struct {
			Results []json.RawMessage `json:"results"`
		} `json:"externalPropertyFileReferences"`
	}
	sarifTool struct {
		Name  string      `json:"name"`
		GUID  string      `json:"guid"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string               `json:"id"`
		GUID          string               `json:"guid"`
		Configuration sarifConfiguration   `json:"defaultConfiguration"`
		Messages      map[string]sarifText `json:"messageStrings"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifInvocation struct {
		Successful *bool `json:"executionSuccessful"`
		Overrides  []struct {
			Configuration sarifConfiguration `json:"configuration"`
			Descriptor    sarifRuleRef       `json:"descriptor"`
		} `json:"ruleConfigurationOverrides"`
	}
	sarifRuleRef struct {
		ID    string `json:"id"`
		Index *int   `json:"index"`
		GUID  string `json:"guid"`
		Tool  struct {
			Name  string `json:"name"`
			Index *int   `json:"index"`
			GUID  string `json:"guid"`
		} `json:"toolComponent"`
	}
	sarifResult struct {
		RuleID    string       `json:"ruleId"`
		RuleIndex *int         `json:"ruleIndex"`
		Rule      sarifRuleRef `json:"rule"`
		Kind      string       `json:"kind"`
		Level     string       `json:"level"`
		Message   sarifText    `json:"message"`
		Baseline  string       `json:"baselineState"`
		// What the scanner says is the same for the same finding elsewhere.
		Partial      map[string]string `json:"partialFingerprints"`
		Suppressions []struct {
			Status string `json:"status"`
		} `json:"suppressions"`
		Locations []struct {
			Physical struct {
				Artifact sarifURI `json:"artifactLocation"`
				Region   struct {
					StartLine int `json:"startLine"`
				} `json:"region"`
			} `json:"physicalLocation"`
		} `json:"locations"`
		Provenance struct {
			Invocation *int `json:"invocationIndex"`
		} `json:"provenance"`
	}
	sarifText struct {
		Text      string   `json:"text"`
		Markdown  string   `json:"markdown"`
		ID        string   `json:"id"`
		Arguments []string `json:"arguments"`
	}
	sarifURI struct {
		URI   string `json:"uri"`
		Index *int   `json:"index"`
	}
)

// A scanReport is what a SARIF log says: findings that count, worst first.
type scanReport struct {
	findings []slipway.Finding
	scanned  bool // a scan took place
}

// levels are SARIF's levels of findings, worst first.
var levels = []string{"error", "warning", "note"} //nolint:gochecknoglobals // a table

// parseSARIF reads a SARIF 2.1.0 log. Files below dir are named relative to it.
func parseSARIF(data []byte, dir string) (scanReport, error) {
	var report scanReport
	text, err := io.ReadAll(unmarked(data))
	if err != nil {
		return report, err
	}
	var log sarifLog
	if err := json.Unmarshal(text, &log); err != nil {
		return report, err
	}
	if log.Version != "2.1.0" {
		return report, fmt.Errorf("its version is %q and not \"2.1.0\"", plain(log.Version))
	}
	for _, run := range log.Runs {
		if err := report.run(run, dir); err != nil {
			return scanReport{}, fmt.Errorf("%s: %w", cmp.Or(plain(run.Tool.Driver.Name), "unnamed tool"), err)
		}
	}
	slices.SortStableFunc(report.findings, func(a, b slipway.Finding) int {
		return cmp.Compare(slices.Index(levels, a.Level), slices.Index(levels, b.Level))
	})
	return report, nil
}

// run takes in the findings of one run. A run without results did not look for
// any, unless it says that it was carried out.
func (s *scanReport) run(run sarifRun, dir string) error {
	carriedOut := false
	for _, i := range run.Invocations {
		if i.Successful != nil && !*i.Successful {
			return errors.New("the tool says that its run was not successful; look at the check's output")
		}
		carriedOut = carriedOut || i.Successful != nil
	}
	if len(run.External.Results) > 0 {
		return errors.New("its results lie in other files, which are not read; have the tool write one file")
	}
	s.scanned = s.scanned || carriedOut || run.Results != nil
	if run.Results == nil {
		return nil
	}
	for _, r := range *run.Results {
		if !r.counts() {
			continue
		}
		f, err := run.finding(r, dir)
		if err != nil {
			return err
		}
		if f.Level != "none" {
			s.findings = append(s.findings, f)
		}
	}
	return nil
}

// counts reports whether a result is a problem, known since now, that nobody
// suppressed. A suppression that is under review or rejected suppresses nothing.
func (r sarifResult) counts() bool {
	if r.Kind != "" && r.Kind != "fail" || r.Baseline == "unchanged" || r.Baseline == "absent" {
		return false
	}
	for _, s := range r.Suppressions {
		if s.Status != "" && s.Status != "accepted" {
			return true
		}
	}
	return len(r.Suppressions) == 0
}

// finding turns a result into a finding.
func (run sarifRun) finding(r sarifResult, dir string) (slipway.Finding, error) {
	ref := r.Rule
	ref.ID = cmp.Or(ref.ID, r.RuleID)
	if ref.Index == nil {
		ref.Index = r.RuleIndex
	}
	rule := run.rule(ref)
	f := slipway.Finding{Rule: ref.ID, Level: run.level(r, rule), Message: r.Message.string(rule)}
	if rule != nil {
		f.Rule = cmp.Or(f.Rule, rule.ID)
	}
	if f.Level != "none" && !slices.Contains(levels, f.Level) {
		return f, fmt.Errorf("a result has the level %q, which SARIF does not know", plain(f.Level))
	}
	if len(r.Locations) > 0 {
		at := r.Locations[0].Physical
		f.File, f.Line = run.file(at.Artifact, dir), max(0, at.Region.StartLine)
	}
	f.Fingerprint = r.fingerprint()
	f.Rule, f.Message, f.File, f.Fingerprint = clip(f.Rule), clip(f.Message), clip(f.File), clip(f.Fingerprint)
	return f, nil
}

// fingerprint is what the scanner says is the same for the same finding elsewhere.
// Some tools, gitleaks for one, keep commits and dates in that place: only what is
// called a hash or a fingerprint counts.
func (r sarifResult) fingerprint() string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(r.Partial)) {
		name := strings.ToLower(key)
		if r.Partial[key] != "" && (strings.Contains(name, "hash") || strings.Contains(name, "fingerprint")) {
			parts = append(parts, key+"="+r.Partial[key])
		}
	}
	return strings.Join(parts, "\n")
}

// level is the level of a result as SARIF 2.1.0, §3.27.10, has it: its own, or
// the one that the invocation set for the rule, or the rule's default, or
// warning.
func (run sarifRun) level(r sarifResult, rule *sarifRule) string {
	if r.Level != "" || rule == nil {
		return cmp.Or(r.Level, "warning")
	}
	if i := r.Provenance.Invocation; i != nil && *i >= 0 && *i < len(run.Invocations) {
		for _, o := range run.Invocations[*i].Overrides {
			if o.Configuration.Level != "" && run.rule(o.Descriptor) == rule {
				return o.Configuration.Level
			}
		}
	}
	return cmp.Or(rule.Configuration.Level, "warning")
}

// rule finds a rule by its index, its GUID or its id; an id may have parts below
// the rule's ("CA1000/1"). It is nil where the log does not describe the rule.
func (run sarifRun) rule(ref sarifRuleRef) *sarifRule {
	rules := run.tool(ref).Rules
	if i := ref.Index; i != nil && *i >= 0 && *i < len(rules) {
		return &rules[*i]
	}
	for id := ref.ID; ; id = id[:strings.LastIndex(id, "/")] {
		for i := range rules {
			if id != "" && rules[i].ID == id || ref.GUID != "" && rules[i].GUID == ref.GUID {
				return &rules[i]
			}
		}
		if !strings.Contains(id, "/") {
			return nil
		}
	}
}

// tool finds the part of the tool that a rule belongs to; the driver, unless the
// reference names an extension.
func (run sarifRun) tool(ref sarifRuleRef) sarifTool {
	extensions := run.Tool.Extensions
	if i := ref.Tool.Index; i != nil && *i >= 0 && *i < len(extensions) {
		return extensions[*i]
	}
	for _, e := range extensions {
		if ref.Tool.GUID != "" && e.GUID == ref.Tool.GUID || ref.Tool.Name != "" && e.Name == ref.Tool.Name {
			return e
		}
	}
	return run.Tool.Driver
}

// string is the text of a message, which may stand with its rule and have
// arguments.
func (m sarifText) string(rule *sarifRule) string {
	text := cmp.Or(m.Text, m.Markdown)
	if text == "" && rule != nil {
		text = cmp.Or(rule.Messages[m.ID].Text, rule.Messages[m.ID].Markdown)
	}
	text = clip(text) // and again after each argument, so that they cannot grow
	for i, a := range m.Arguments[:min(len(m.Arguments), 20)] {
		text = clip(strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", clip(a)))
	}
	return cmp.Or(strings.TrimSpace(text), "the report gives no message")
}

// file names the file of a location, relative to dir where it lies below it.
func (run sarifRun) file(at sarifURI, dir string) string {
	uri := at.URI
	if i := at.Index; uri == "" && i != nil && *i >= 0 && *i < len(run.Artifacts) {
		uri = run.Artifacts[*i].Location.URI
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "" && u.Scheme != "file" {
		return uri
	}
	if rel, err := filepath.Rel(dir, u.Path); err == nil && filepath.IsAbs(u.Path) && filepath.IsLocal(rel) {
		return rel
	}
	return u.Path
}
