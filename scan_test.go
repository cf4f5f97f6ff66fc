package slipway_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

// What a scan found is told as SARIF, which other tools read.
func TestScansOf(t *testing.T) {
	scans := slipway.ScansOf([]slipway.CheckResult{
		{Name: "unit", Required: true, Verdict: slipway.Pass},
		{Name: "bandit", Verdict: slipway.Fail, Scan: "sarif", Findings: []slipway.Finding{
			{Rule: "B101", Level: "warning", Message: "assert", File: "lib/a b.py", Line: 3, Fingerprint: "f1"}, {Level: "note", Message: "exec", File: "x.py", Known: true},
		}},
		{Name: "secrets", Required: true, Verdict: slipway.Pass, Scan: "secrets"},
	}, nil)
	if len(scans) != 2 || scans[0].Result != slipway.TestsWarned || scans[1].Result != slipway.TestsPassed || scans[1].Kind != "secrets" || scans[1].Check != "secrets" {
		t.Fatalf("the scans are %+v", scans)
	}
	for i, want := range []string{
		`{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":{"name":"bandit"}},"results":[` +
			`{"ruleId":"B101","level":"warning","message":{"text":"assert"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"lib/a%20b.py"},"region":{"startLine":3}}}],"partialFingerprints":{"slipwayFingerprint/v1":"f1"}},` +
			`{"level":"note","message":{"text":"exec"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"x.py"}}}],"baselineState":"unchanged"}]}]}`,
		`{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":{"name":"secrets"}},"results":[]}]}`,
	} {
		got, err := json.Marshal(scans[i].Report)
		if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
			t.Errorf("report %d (-want +got), %v:\n%s", i, err, diff)
		}
	}
}
