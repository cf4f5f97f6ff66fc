package slipway_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

func TestAnnotations(t *testing.T) {
	r := slipway.CheckResult{
		Failures: []slipway.TestFailure{
			{Name: "roads.test_least", Message: "left is 1", File: "tests/test_roads.py", Line: 7},
			{Name: "without a place", Message: "no"},
			{Name: "cell 3", Message: "cell 3 line 2: AssertionError", File: "counts.ipynb"},
		},
		Findings: []slipway.Finding{
			{Rule: "F401", Level: "warning", Message: "unused", File: "lib/a.py", Line: 1},
			{Rule: "F401", Level: "warning", Message: "unused", File: "lib/b.py", Line: 1, Known: true},
		},
		Uncovered: []slipway.Lines{{File: "lib/a.py", From: 3, To: 3}, {File: "lib/a.py", From: 5, To: 9}},
	}
	want := []slipway.Annotation{
		{Path: "apps/roads/tests/test_roads.py", Line: 7, Level: "error", Title: "roads.test_least", Message: "left is 1"},
		{Path: "apps/roads/counts.ipynb", Line: 1, Level: "error", Title: "cell 3", Message: "cell 3 line 2: AssertionError"},
		{Path: "apps/roads/lib/a.py", Line: 1, Level: "warning", Title: "F401", Message: "unused"},
		{Path: "apps/roads/lib/a.py", Line: 3, Level: "note", Title: "not covered", Message: "no test ran line 3"},
		{Path: "apps/roads/lib/a.py", Line: 5, Level: "note", Title: "not covered", Message: "no test ran lines 5 to 9"},
	}
	if diff := cmp.Diff(want, r.Annotations("apps/roads")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := r.Annotations("."); got[0].Path != "tests/test_roads.py" {
		t.Errorf("at the root: %+v", got[0])
	}
}
