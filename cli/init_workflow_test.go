package cli

import (
	"testing"

	"github.com/goccy/go-yaml"
)

func TestYAMLText(t *testing.T) {
	for text, want := range map[string]string{
		"jobs/count":     "jobs/count",
		".":              `"."`,
		"jobs/sum (new)": `"jobs/sum (new)"`,
		"true":           `"true"`,
		"On":             `"On"`,
		"1.0":            `"1.0"`,
		"a: b #c":        `"a: b #c"`,
		`a"b\c`:          `"a\"b\\c"`,
		"straße":         `"straße"`,
	} {
		got := yamlText(text)
		var back any
		if err := yaml.Unmarshal([]byte(got), &back); got != want || err != nil || back != text {
			t.Errorf("%q is %s, not %s, and read back %v, %v", text, got, want, back, err)
		}
	}
}

func TestBranchPattern(t *testing.T) {
	for branch, want := range map[string]string{"main": "main", "team/trunk": "team/trunk", "c++": `c\+\+`, "!x[a]": `\!x\[a\]`} {
		if got := branchPattern(branch); got != want {
			t.Errorf("%s: %s, not %s", branch, got, want)
		}
	}
}

// TestPythonOf gives every setting of the menu that decides about the Python of a
// job one that a runner can have.
func TestPythonOf(t *testing.T) {
	menu, err := shapes()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		"glue_version":   {"3.0": "3.7", "4.0": "3.10", "5.0": "3.11", "5.1": "3.11", "6.0": "3.13"},
		"python_version": {"3": "3.x", "3.9": "3.9", "3.10": "3.10", "3.11": "3.11", "3.12": "3.12", "3.13": "3.13", "3.14": "3.14"},
	}
	for shape, parameter := range map[string]string{"glue-job": "glue_version", "python-job": "python_version"} {
		for _, value := range menu.Lookup(shape).Parameter(parameter).Type.Enum {
			if got := pythonOf(map[string]any{parameter: value}); got != want[parameter][value] || got == "" {
				t.Errorf("%s %s: Python %q, not %q", parameter, value, got, want[parameter][value])
			}
		}
	}
	if got := pythonOf(map[string]any{"type": "pythonshell", "python_version": "3.9"}); got != "3.9" {
		t.Errorf("a Python shell job: %s", got)
	}
}
