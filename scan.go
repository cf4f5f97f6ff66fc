package slipway

import "net/url"

// A Scan is what a check that scans said of a release's source, such as one for
// secrets or for vulnerabilities. There is one for each such check.
type Scan struct {
	Check         string     `json:"check"`
	Kind          string     `json:"kind"`   // secrets, which Slipway looks for itself; sarif, what another scanner reported
	Result        string     `json:"result"` // PASSED, WARNED or FAILED, as of a TestResult
	Configuration []Resource `json:"configuration"`
	Report        SARIF      `json:"report"` // what was found
}

// ScansOf are the scans among check results. The configuration is what the checks
// were, and how they answered.
func ScansOf(checks []CheckResult, configuration []Resource) []Scan {
	all := []Scan{}
	for _, c := range checks {
		if c.Scan != "" {
			all = append(all, Scan{
				Check: c.Name, Kind: c.Scan, Result: ResultOf([]CheckResult{c}, configuration).Result, Configuration: configuration,
				Report: sarifOf(c),
			})
		}
	}
	return all
}

// A SARIF is a report of findings as SARIF 2.1.0 has it, with those of its fields
// that we have.
type SARIF struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []SARIFRun `json:"runs"`
}

// A SARIFRun is what one scanner found. The scanner is called as the check is.
type SARIFRun struct {
	Tool    SARIFTool     `json:"tool"`
	Results []SARIFResult `json:"results"`
}

// A SARIFTool is a scanner.
type SARIFTool struct {
	Driver SARIFDriver `json:"driver"`
}

// A SARIFDriver names a scanner.
type SARIFDriver struct {
	Name string `json:"name"`
}

// A SARIFResult is a finding. One that the base of the change has too is unchanged.
type SARIFResult struct {
	RuleID    string            `json:"ruleId,omitempty"`
	Level     string            `json:"level"`
	Message   SARIFMessage      `json:"message"`
	Locations []SARIFLocation   `json:"locations,omitempty"`
	Partial   map[string]string `json:"partialFingerprints,omitempty"`
	Baseline  string            `json:"baselineState,omitempty"`
}

// A SARIFMessage is what a scanner says.
type SARIFMessage struct {
	Text string `json:"text"`
}

// A SARIFLocation is where a finding is.
type SARIFLocation struct {
	Physical SARIFPlace `json:"physicalLocation"`
}

// A SARIFPlace is a place in a file of the app's folder.
type SARIFPlace struct {
	File   SARIFFile    `json:"artifactLocation"`
	Region *SARIFRegion `json:"region,omitempty"`
}

// A SARIFFile is a file by its path.
type SARIFFile struct {
	URI string `json:"uri"`
}

// A SARIFRegion is a line.
type SARIFRegion struct {
	StartLine int `json:"startLine"`
}

// sarifOf is what a check found.
func sarifOf(c CheckResult) SARIF {
	results := []SARIFResult{}
	for _, f := range c.Findings {
		results = append(results, f.sarif())
	}
	return SARIF{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0",
		Runs: []SARIFRun{{Tool: SARIFTool{Driver: SARIFDriver{Name: c.Name}}, Results: results}},
	}
}

func (f Finding) sarif() SARIFResult {
	r := SARIFResult{RuleID: f.Rule, Level: f.Level, Message: SARIFMessage{Text: f.Message}}
	if f.File != "" {
		at := SARIFPlace{File: SARIFFile{URI: (&url.URL{Path: f.File}).String()}}
		if f.Line > 0 {
			at.Region = &SARIFRegion{StartLine: f.Line}
		}
		r.Locations = []SARIFLocation{{Physical: at}}
	}
	if f.Fingerprint != "" {
		r.Partial = map[string]string{"slipwayFingerprint/v1": f.Fingerprint}
	}
	if f.Known {
		r.Baseline = "unchanged"
	}
	return r
}
