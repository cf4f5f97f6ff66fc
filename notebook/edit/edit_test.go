package edit

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway/notebook"
)

func open(t testing.TB, text string) *File {
	t.Helper()
	f, err := Open([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	_, err := Open([]byte(`{"cells": [`))
	var e *notebook.Error
	if !errors.As(err, &e) || e.Error() != "not JSON: line 1 column 12: the document ends too early" {
		t.Errorf("error is %v", err)
	}
}

func TestValues(t *testing.T) {
	f := open(t, `{"cells": [], "a": {"b\"\\": [1, NaN, "x\u00e9\n", null], "b": true, "b": -1.5e3}, "s": ["p\n", "q"]}`)
	a := f.Root().Get("a")
	var keys, items []string
	for _, m := range a.Members() {
		keys = append(keys, m.Key)
	}
	for _, item := range a.Get(`b"\`).Items() {
		items = append(items, string(item.Raw()))
	}
	if diff := cmp.Diff([]string{`b"\`, "b", "b"}, keys); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1", "NaN", `"x\u00e9\n"`, "null"}, items); diff != "" {
		t.Error(diff)
	}
	if got := string(a.Get("b").Raw()); got != "-1.5e3" {
		t.Errorf("of two members the value is %s", got)
	}
	if got := a.Get(`b"\`).Items()[2].Text(); got != "xé\n" {
		t.Errorf("text is %q", got)
	}
	if got := f.Root().Get("s").Joined(); got != "p\nq" {
		t.Errorf("joined text is %q", got)
	}
	none := f.Root().Get("none").Get("none")
	if none.Exists() || none.Items() != nil || none.Members() != nil || none.Joined() != "" {
		t.Error("what is not there has something")
	}
}

func TestDropKeepsTheRest(t *testing.T) {
	const text = "{\n  \"cells\": [ ],\n  \"a\": 1,\n  \"b\": [1,2 , 3],\n  \"c\": {}\n}\n"
	for drop, want := range map[string]string{
		"":            text,
		"cells":       "{\n  \"a\": 1,\n  \"b\": [1,2 , 3],\n  \"c\": {}\n}\n",
		"a":           "{\n  \"cells\": [ ],\n  \"b\": [1,2 , 3],\n  \"c\": {}\n}\n",
		"a b":         "{\n  \"cells\": [ ],\n  \"c\": {}\n}\n",
		"c":           "{\n  \"cells\": [ ],\n  \"a\": 1,\n  \"b\": [1,2 , 3]\n}\n",
		"cells c":     "{\n  \"a\": 1,\n  \"b\": [1,2 , 3]\n}\n",
		"a c":         "{\n  \"cells\": [ ],\n  \"b\": [1,2 , 3]\n}\n",
		"cells a b c": "{}\n",
	} {
		f := open(t, text)
		root := f.Root()
		members := root.Members()
		got := f.Apply(root.Drop(func(i int) bool { return slices.Contains(strings.Fields(drop), members[i].Key) }))
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("without %q (-want +got):\n%s", drop, diff)
		}
	}
}

func TestReplace(t *testing.T) {
	f := open(t, `{"cells": [{"n": 7, "m": null}]}`)
	cell := f.Cells()[0]
	changes := append(cell.Get("n").Replace("null"), cell.Get("m").Replace("null")...)
	if got := string(f.Apply(changes)); got != `{"cells": [{"n": null, "m": null}]}` || len(changes) != 1 {
		t.Errorf("%d changes make %s", len(changes), got)
	}
}

// TestLines compares with what encoding/json makes of the same source.
func TestLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", `\`, `\n"`, "é%x", "\t"}), 1, 6).Draw(t, "lines")
		drop := rapid.SliceOfDistinct(rapid.IntRange(1, len(lines)), rapid.ID).Draw(t, "drop")
		text := strings.Join(lines, "\n")
		var source any = text
		list := rapid.Bool().Draw(t, "list")
		if list {
			source = slices.DeleteFunc(strings.SplitAfter(text, "\n"), func(s string) bool { return s == "" })
		}
		data, err := json.MarshalIndent(map[string]any{"nbformat": 4, "cells": []any{map[string]any{"cell_type": "code", "source": source}}}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(data)
		if err != nil {
			t.Fatal(err)
		}
		value := f.Cells()[0].Get("source")
		if list {
			for n, got := range f.TextLines(value) {
				if got != f.Line(value)+1+n {
					t.Fatalf("line %d is on the file's line %d, not %d, of\n%s", n+1, got, f.Line(value)+1+n, data)
				}
			}
		}
		changes, ok := f.DropLines(value, drop)
		if !ok {
			t.Fatalf("cannot drop %v from\n%s", drop, data)
		}
		changed, err := notebook.Read(f.Apply(changes))
		if err != nil {
			t.Fatalf("%v in\n%s", err, f.Apply(changes))
		}
		var kept []string
		for i, line := range lines {
			if !slices.Contains(drop, i+1) {
				kept = append(kept, line)
			}
		}
		want := strings.Join(kept, "\n")
		got := changed.Cells[0].Source
		if got != want && !(list && (got == want+"\n" || got+"\n" == want)) { // a list has no item for an empty last line
			t.Fatalf("%q without %v is %q, not %q", text, drop, got, want)
		}
	})
}

func TestDropLinesRefusesWhatIsNotLines(t *testing.T) {
	for _, source := range []string{`["a", "b\n"]`, `["a\nb\n", "c"]`, `["a\n", "b\nc"]`} {
		f := open(t, `{"cells": [{"cell_type": "code", "source": `+source+`}]}`)
		if _, ok := f.DropLines(f.Cells()[0].Get("source"), []int{1}); ok {
			t.Errorf("%s: lines were dropped", source)
		}
	}
}

func TestCellsStandInTheNotebooksOrder(t *testing.T) {
	files, err := filepath.Glob("../testdata/notebooks/*.ipynb")
	if err != nil || len(files) == 0 {
		t.Fatal("no notebooks", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(data)
		if err != nil {
			continue
		}
		cells := f.Cells()
		if len(cells) != len(f.Notebook.Cells) {
			t.Errorf("%s: %d cells, not %d", file, len(cells), len(f.Notebook.Cells))
			continue
		}
		for i, cell := range cells {
			if got, want := cell.Get("id").Text(), f.Notebook.Cells[i].ID; got != want {
				t.Errorf("%s: cell %d is %q, not %q", file, i+1, got, want)
			}
			if f.Line(cell) < 1 || f.Line(cell) > strings.Count(string(data), "\n")+1 {
				t.Errorf("%s: cell %d is on line %d", file, i+1, f.Line(cell))
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["a\n", "b"], "outputs": [{"data": {"x": [1, {}]}}]}]}`))
	f.Add([]byte(`{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": "a"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(data)
		if err != nil {
			return
		}
		if len(file.Cells()) != len(file.Notebook.Cells) {
			t.Fatalf("%d cells, not %d", len(file.Cells()), len(file.Notebook.Cells))
		}
		for _, cell := range file.Cells() {
			changes := cell.Drop(func(i int) bool { return i%2 == 0 })
			var e *notebook.Error
			if _, err := Open(file.Apply(changes)); errors.As(err, &e) && e.Cell == 0 {
				t.Fatalf("%v after changes in\n%s", err, file.Apply(changes))
			}
		}
	})
}
