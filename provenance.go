package slipway

import (
	"encoding/json"
	"time"
)

// A Provenance says from what, and by whom, a release's artifacts were built. It
// is the predicate of SLSA, version 1, with those of its fields that we have.
type Provenance struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      BuildRun        `json:"runDetails"`
}

// A BuildDefinition is what went into a build.
type BuildDefinition struct {
	BuildType            string          `json:"buildType"`
	ExternalParameters   BuildParameters `json:"externalParameters"`
	ResolvedDependencies []Resource      `json:"resolvedDependencies"`
}

// BuildParameters are what the app's team asked for.
type BuildParameters struct {
	App     string          `json:"app"`
	Version string          `json:"version"`
	Path    string          `json:"path"`  // the app's folder in its repository
	Build   json.RawMessage `json:"build"` // the manifest's build
}

// A Resource is something that is named by its digests, as in-toto writes it.
type Resource struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// A BuildRun says who built, and when.
type BuildRun struct {
	Builder  Builder       `json:"builder"`
	Metadata BuildMetadata `json:"metadata"`
	// Byproducts are the release's record, which is no artifact.
	Byproducts []Resource `json:"byproducts,omitempty"`
}

// A Builder is what builds: this program, on somebody's machine.
type Builder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version,omitempty"`
}

// BuildMetadata says which run of the builder it was.
type BuildMetadata struct {
	InvocationID string    `json:"invocationId"`
	FinishedOn   time.Time `json:"finishedOn"` // when the release's record was made
}

// A TestResult is what a release's checks came to: in-toto's predicate
// test-result, version 0.1. Checks that are not required and did not pass are
// warnings.
type TestResult struct {
	Result        string     `json:"result"` // PASSED, WARNED or FAILED
	Configuration []Resource `json:"configuration"`
	PassedTests   []string   `json:"passedTests,omitempty"`
	WarnedTests   []string   `json:"warnedTests,omitempty"`
	FailedTests   []string   `json:"failedTests,omitempty"`
}

// The results of tests.
const (
	TestsPassed = "PASSED"
	TestsWarned = "WARNED"
	TestsFailed = "FAILED"
)

// ResultOf is what check results come to. The configuration is what the checks
// were, and how they answered.
func ResultOf(checks []CheckResult, configuration []Resource) TestResult {
	r := TestResult{Result: TestsPassed, Configuration: configuration}
	for _, c := range checks {
		switch {
		case c.Verdict == Pass:
			r.PassedTests = append(r.PassedTests, c.Name)
		case c.Required:
			r.FailedTests = append(r.FailedTests, c.Name)
		default:
			r.WarnedTests = append(r.WarnedTests, c.Name)
		}
	}
	switch {
	case len(r.FailedTests) > 0:
		r.Result = TestsFailed
	case len(r.WarnedTests) > 0:
		r.Result = TestsWarned
	}
	return r
}
