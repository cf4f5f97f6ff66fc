package build_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/build"
)

// A cell is a code cell, or of another type where its tag says so.
type cell struct{ tag, source string }

func notebook(t testing.TB, cells ...cell) string {
	t.Helper()
	var all []map[string]any
	for _, c := range cells {
		one := map[string]any{"cell_type": "code", "metadata": map[string]any{}, "source": c.source, "outputs": []any{}, "execution_count": nil}
		switch c.tag {
		case "markdown":
			one["cell_type"] = "markdown"
		case "":
		default:
			one["metadata"] = map[string]any{"tags": []string{c.tag}}
		}
		all = append(all, one)
	}
	text, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 4, "metadata": map[string]any{}, "cells": all})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNotebook(t *testing.T) {
	nb := notebook(t,
		cell{"markdown", "# Traffic"},
		cell{"", "%glue_version 5.0\n%number_of_workers 3\n%region eu-west-1"},
		cell{"parameters", "source = 'in'\nlimit = 10"},
		cell{"", "print(source, limit)"},
		cell{"tests", "assert limit == 10"},
	)
	files := tree{files: map[string]string{"jobs/traffic.ipynb": nb}}
	s := stage(t)
	in := input(files, build.Plan{Notebook: "jobs/traffic.ipynb"})
	first := run(t, s, in)
	again := run(t, s, in)
	if !again.Reused || first.Reused {
		t.Errorf("reused: first %v, again %v", first.Reused, again.Reused)
	}
	again.Reused = false
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("reused (-first +again):\n%s", diff)
	}
	wantSettings := []build.Setting{
		{Name: "glue_version", Value: "5.0", Cell: 2, Line: 1, Magic: "%glue_version"},
		{Name: "workers", Value: int64(3), Cell: 2, Line: 2, Magic: "%number_of_workers"},
	}
	if diff := cmp.Diff(wantSettings, first.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	wantParameters := []build.Parameter{{Name: "source", Value: "in", Cell: 3, Line: 1}, {Name: "limit", Value: int64(10), Cell: 3, Line: 2}}
	if diff := cmp.Diff(wantParameters, first.Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if len(first.Warnings) != 1 || !strings.HasPrefix(first.Warnings[0], "jobs/traffic.ipynb: cell 2 line 3: ") {
		t.Errorf("warnings %q", first.Warnings)
	}
	script := read(t, first)["script traffic.py"]
	if !strings.Contains(script, "print(source, limit)\n") || strings.Contains(script, "assert") || !strings.Contains(script, "from traffic.ipynb") || len(first.Artifacts) != 1 {
		t.Errorf("script:\n%s", script)
	}
	tests, err := os.ReadFile(filepath.Join(first.Dir, first.Tests))
	if err != nil || first.Tests != "traffic_tests.py" || !strings.Contains(string(tests), "assert limit == 10\n") {
		t.Errorf("tests %s: %q, %v", first.Tests, tests, err)
	}
}

func TestNotebookErrorsNameTheCellAndLine(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"not JSON":     {`{"cells": [`, "n.ipynb: "},
		"empty":        {"", "n.ipynb: the file is empty"},
		"without code": {notebook(t, cell{"markdown", "# hello"}), "n.ipynb: the notebook has no code cells that could become a job"},
		"syntax":       {notebook(t, cell{"", "x = 1"}, cell{"", "# a\ny = 'open"}), "n.ipynb: cell 2 line 2: "},
		"two of them":  {notebook(t, cell{"", "!ls"}, cell{"", "x = 1\n%pip install x"}), "n.ipynb: cell 1 line 1: !ls runs a shell command"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			files := tree{files: map[string]string{"n.ipynb": tt.text}}
			_, err := stage(t).Run(t.Context(), input(files, build.Plan{Notebook: "n.ipynb"}))
			if slipway.KindOf(err) != slipway.Invalid || !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("%s: %v, want %s", slipway.KindOf(err), err, tt.want)
			}
			if name == "two of them" && !strings.Contains(err.Error(), "\nn.ipynb: cell 2 line 2: ") {
				t.Errorf("the second is not told: %v", err)
			}
		})
	}
}
