package server

import (
	"testing"

	"github.com/slipway-cd/slipway/store"
)

// TestCameOf: of a job that was begun twice nobody hears that all was so before it came:
// the first one that began may have done it.
func TestCameOf(t *testing.T) {
	const shipped = `"deployment": {"number": 2, "plan": {"target": {"environment": "prod", "version": "v1"}}}`
	for name, c := range map[string]struct {
		outcome string
		attempt int
		want    string
	}{
		"deployed":             {`{"made": true, ` + shipped + `}`, 1, "Job 7: `v1` is live in `prod` (deployment 2)."},
		"shipped":              {`{"changed": true, ` + shipped + `}`, 1, "Job 7: `v1` is live in `prod` (deployment 2)."},
		"nothing to do":        {`{` + shipped + `}`, 1, "Job 7: `prod` has `v1` already (deployment 2)."},
		"begun twice":          {`{` + shipped + `}`, 2, "Job 7: `v1` is live in `prod` (deployment 2)."},
		"a run":                {`{"id": "20", "state": "succeeded"}`, 1, "Job 7: run `20` succeeded."},
		"something to be said": {`{"text": "ana says yes."}`, 1, "ana says yes."},
		"nothing to be said":   {`null`, 1, "Job 7: done."},
		"not an object":        {`[]`, 1, "Job 7: done."},
	} {
		if got := cameOf("Job 7", store.Job{Outcome: []byte(c.outcome), Attempt: c.attempt}); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
