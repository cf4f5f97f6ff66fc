package local

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/slipway-cd/slipway"
)

func jobTarget(run map[string]any) slipway.Target {
	return slipway.Target{
		App: "app", Shape: "glue-job", Run: run,
		Artifacts: []slipway.Artifact{{Name: "job.py", Kind: slipway.KindScript}},
	}
}

func TestTimeoutsAreRead(t *testing.T) {
	for _, c := range []struct {
		in   any
		want time.Duration
	}{
		{nil, 0},
		{"60m", time.Hour},
		{"1h30m", 90 * time.Minute},
		{"90", 90 * time.Second},
		{90, 90 * time.Second},
		{json.Number("90"), 90 * time.Second},
		{1.5, 1500 * time.Millisecond},
	} {
		j, err := parseJob(jobTarget(map[string]any{"timeout": c.in}))
		if err != nil || j.timeout != c.want {
			t.Errorf("timeout %v is %s, error %v; want %s", c.in, j.timeout, err, c.want)
		}
	}
}

// FuzzParseJob holds parseJob to its word: whatever the parameters are, it types
// them or complains with an error of kind Invalid.
func FuzzParseJob(f *testing.F) {
	f.Add(`{"type": "glueetl", "glue_version": "5.0", "timeout": "60m", "arguments": {"a": {"secret": "b"}}}`)
	f.Add(`{"max_retries": 1e300, "queuing": 0, "tables": [], "bookmark": {}}`)
	f.Add(`{"additional_python_modules": [1], "extra_py_files": ["s3://x"], "schedule": "* * * * *", "timezone": "UTC"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var run map[string]any
		if json.Unmarshal([]byte(text), &run) != nil {
			return
		}
		j, err := parseJob(jobTarget(run))
		if err != nil && slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("kind %s: %v", slipway.KindOf(err), err)
		}
		if err == nil && (j.timeout < 0 || j.retries < 0 || j.concurrent < 1) {
			t.Errorf("accepted %+v", j)
		}
	})
}
