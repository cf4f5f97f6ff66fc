package slipway_test

import (
	"os"
	"strings"
	"testing"
)

func TestEveryDependencyIsExplained(t *testing.T) {
	const page = "docs/decisions/dependencies.md"
	explained, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	modules := required(t)
	for file, imports := range goFiles(t) {
		for _, imp := range imports {
			m := owner(modules, imp)
			if m != "" && !strings.Contains(string(explained), "| `"+m+"` |") {
				t.Errorf("%s: %s has no line for module %s", file, page, m)
			}
		}
	}
}

// required returns the paths of the modules in go.mod.
func required(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			modules = append(modules, fields[0])
		}
	}
	return modules
}

// owner returns the module that holds a package: the longest path that it begins
// with; empty for the standard library and this module.
func owner(modules []string, imp string) string {
	var longest string
	for _, m := range modules {
		if (imp == m || strings.HasPrefix(imp, m+"/")) && len(m) > len(longest) {
			longest = m
		}
	}
	return longest
}
