package driver_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

func TestDiffNamesEachField(t *testing.T) {
	one, two := slipway.DigestOf([]byte("1")), slipway.DigestOf([]byte("2"))
	file := func(kind slipway.ArtifactKind, name string, d slipway.Digest, key string) slipway.Artifact {
		return slipway.Artifact{Kind: kind, Name: name, Digest: d, Key: key}
	}
	from := slipway.Target{
		Environment: "prod", Version: "v1", Commit: "c1", Shape: "glue-job",
		Artifacts: []slipway.Artifact{
			file(slipway.KindScript, "a.py", one, "here"), file(slipway.KindFile, "x.sql", one, ""), file(slipway.KindChecks, "checks.json", one, ""),
		},
		Run: map[string]any{
			"workers": 2, "timeout": "5m", "arguments": map[string]any{"a": "1", "b": "2", "p": map[string]any{"secret": "s/1"}},
			"connections": []string{"redshift"}, "tables": map[string]any{}, "role": nil,
		},
	}
	to := slipway.Target{
		Environment: "prod", Version: "v2", Commit: "c2", Shape: "glue-job",
		Artifacts: []slipway.Artifact{
			file(slipway.KindScript, "a.py", two, "here"), file(slipway.KindModules, "lib.zip", one, ""), file(slipway.KindChecks, "checks.json", two, ""),
		},
		Run: map[string]any{
			"workers": 10.0, "timeout": "5m", "arguments": map[string]any{"a": "1", "c": "3", "p": map[string]any{"secret": "s/2"}},
			"connections": []any{"redshift"},
		},
	}
	want := []slipway.Change{
		{Field: "version", Action: slipway.Update, From: "v1", To: "v2"},
		{Field: "commit", Action: slipway.Update, From: "c1", To: "c2"},
		{Field: "script", Action: slipway.Update, From: "a.py " + string(one), To: "a.py " + string(two)},
		{Field: "modules", Action: slipway.Add, To: "lib.zip " + string(one)},
		{Field: "file.x.sql", Action: slipway.Delete, From: "x.sql " + string(one)},
		{Field: "run.arguments.b", Action: slipway.Delete, From: "2"},
		{Field: "run.arguments.c", Action: slipway.Add, To: "3"},
		{Field: "run.arguments.p", Action: slipway.Update, From: map[string]any{"secret": "s/1"}, To: map[string]any{"secret": "s/2"}},
		{Field: "run.workers", Action: slipway.Update, From: 2.0, To: 10.0},
	}
	if diff := cmp.Diff(want, driver.Diff(from, to)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	from.Artifacts[0].Key = "elsewhere"
	if changes := driver.Diff(from, from); len(changes) != 0 {
		t.Errorf("a target differs from itself: %v", changes)
	}
}

// FuzzDiff holds Diff and Fingerprint to each other and to what storing does: a
// target that was stored is the same, and two have one fingerprint exactly if
// there is no change between them.
func FuzzDiff(f *testing.F) {
	f.Add(`{"a": {"b": 1}, "c": [1, 2]}`, `{"a": {"b": 1.0}, "c": [1, 2], "d": {}}`)
	f.Add(`{"p": {"secret": "x"}}`, `{"p": {"secret": "x", "more": null}}`)
	f.Add(`{"a.b": 1}`, `{"a": {"b": 1}}`)
	f.Fuzz(func(t *testing.T, one, two string) {
		var a, b, stored slipway.Target
		if json.Unmarshal([]byte(one), &a.Run) != nil || json.Unmarshal([]byte(two), &b.Run) != nil {
			return
		}
		data, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &stored); err != nil {
			t.Fatal(err)
		}
		if changes := driver.Diff(a, stored); len(changes) != 0 {
			t.Errorf("a stored target differs: %v", changes)
		}
		same := driver.Fingerprint(a) == driver.Fingerprint(b)
		if changes := driver.Diff(a, b); same != (len(changes) == 0) {
			t.Errorf("fingerprints are equal: %v, changes: %v", same, changes)
		}
	})
}
