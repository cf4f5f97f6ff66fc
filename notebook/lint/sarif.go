package lint

import (
	"encoding/json"
	"net/url"
	"path/filepath"
)

// A File is a notebook's name with what was found in it.
type File struct {
	Name     string    `json:"file"`
	Findings []Finding `json:"findings"`
}

// The parts of the SARIF format, version 2.1.0, that findings need.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string      `json:"id"`
		Name    string      `json:"name"`
		Short   sarifText   `json:"shortDescription"`
		Default sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
)

// SARIF returns findings in the SARIF format, version 2.1.0. A place is the line
// of the notebook's file, and its logical location is the cell with its line.
func SARIF(files []File, version string) ([]byte, error) {
	driver := sarifDriver{Name: "slipway lint", Version: version}
	index := map[string]int{}
	for i, r := range rules {
		index[r.ID] = i
		driver.Rules = append(driver.Rules, sarifRule{r.ID, r.Name, sarifText{r.Text}, sarifConfig{level(r.Severity)}})
	}
	results := []sarifResult{}
	for _, file := range files {
		for _, f := range file.Findings {
			results = append(results, sarifResult{
				RuleID: f.Rule, RuleIndex: index[f.Rule], Level: level(f.Severity),
				Message:   sarifText{f.String() + ": " + f.Message},
				Locations: []sarifLocation{location(file.Name, f)},
			})
		}
	}
	log := sarifLog{
		Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0",
		Runs: []sarifRun{{sarifTool{driver}, "unicodeCodePoints", results}},
	}
	data, err := json.MarshalIndent(log, "", " ")
	return append(data, '\n'), err
}

func location(file string, f Finding) sarifLocation {
	l := sarifLocation{Physical: sarifPhysical{sarifArtifact{fileURI(file)}, sarifRegion{max(1, f.FileLine)}}}
	if f.Cell > 0 {
		name := Position{Cell: f.Cell}.String()
		l.Logical = []sarifLogical{{name, f.String(), "module"}}
	}
	return l
}

// fileURI is a path as a reference that is relative where the path is.
func fileURI(file string) string {
	u := url.URL{Path: filepath.ToSlash(filepath.Clean(file))}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}

func level(s Severity) string {
	if s == Info {
		return "note"
	}
	return string(s)
}
