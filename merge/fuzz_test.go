package merge_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/slipway-cd/slipway/merge"
)

// FuzzFacts evaluates whatever JSON says: nothing panics, and nothing is met while
// something is missing.
func FuzzFacts(f *testing.F) {
	for _, seed := range []merge.Facts{facts(f, "", ""), facts(f, "merge: {checks: {x: }, rails: [local], labels: {needs: [a]}}\n", simulatedRules)} {
		data, err := json.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "mara approves")
	}
	f.Add([]byte(`{"pull_request":{"fork":true},"rules":{"apps":[{"checks":[{"name":"a","required":true}],"head":{"gone":true}}]}}`), "check a passes")
	f.Fuzz(func(t *testing.T, data []byte, change string) {
		var facts merge.Facts
		if json.Unmarshal(data, &facts) != nil {
			t.Skip()
		}
		s := merge.Evaluate(facts)
		if s.Met == slices.ContainsFunc(s.Requirements, merge.Requirement.Missing) {
			t.Errorf("met is %v in\n%s", s.Met, lines(s))
		}
		_ = merge.Markdown(s)
		if what, err := merge.Simulate(facts, change); err == nil && what.Before.Summary != s.Summary {
			t.Errorf("before a change it is %q, not %q", what.Before.Summary, s.Summary)
		}
	})
}
