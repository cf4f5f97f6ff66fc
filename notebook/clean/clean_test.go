package clean

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway/notebook"
)

// calls are the options that testdata/make.py gives to nbstripout.
var calls = map[string]Options{
	"":             {},
	"keep-outputs": {KeepOutputs: true},
	"keep-counts":  {KeepCounts: true},
	"drop-empty":   {DropEmpty: true},
	"drop-tagged":  {DropTagged: []string{"scratch"}},
	"keys": {Keys: []string{
		"metadata.toc.base", "metadata.vscode", "cell.metadata.papermill.duration", "cell.metadata.a.b", "cell.metadata.slideshow",
	}},
	"keep-keys": {KeepKeys: []string{"cell.metadata.collapsed", "metadata.widgets"}},
}

// TestNbstripout compares with what nbstripout 0.9.1 made of the same notebooks.
func TestNbstripout(t *testing.T) {
	data, err := os.ReadFile("testdata/nbstripout.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Call, Notebook string
		Want                 map[string]any
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 30 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			o, ok := calls[c.Call]
			if !ok {
				t.Fatalf("no options for %q", c.Call)
			}
			out, _, err := Clean([]byte(c.Notebook), o)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(normal(c.Want), normal(got)); diff != "" {
				t.Errorf("nbstripout's (-) and ours (+):\n%s", diff)
			}
		})
	}
}

// normal joins lists of lines, which nbformat writes anew.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, kid := range v {
			v[key] = normal(kid)
		}
	case []any:
		var text strings.Builder
		lines := true
		for i := range v {
			v[i] = normal(v[i])
			s, ok := v[i].(string)
			text.WriteString(s)
			lines = lines && ok
		}
		if lines {
			return text.String()
		}
	}
	return v
}

func TestFormattingStays(t *testing.T) {
	const in = "{\r\n    \"nbformat\": 4, \"metadata\": {\"widgets\": {}, \"z\": 1, \"a\": \"\\u00e9\"},\r\n" +
		"    \"cells\": [\r\n\t{\"outputs\": [ {\"output_type\": \"stream\"} ],\"execution_count\":3, \"source\": [\"x\\n\", \"y\"], " +
		"\"metadata\": { \"scrolled\" : true }, \"cell_type\": \"code\"}  ]}"
	const want = "{\r\n    \"nbformat\": 4, \"metadata\": {\"z\": 1, \"a\": \"\\u00e9\"},\r\n" +
		"    \"cells\": [\r\n\t{\"outputs\": [],\"execution_count\":null, \"source\": [\"x\\n\", \"y\"], " +
		"\"metadata\": {}, \"cell_type\": \"code\"}  ]}"
	got, report, err := Clean([]byte(in), Options{})
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("error is %v; (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff(Report{Outputs: 1, Counts: 1, Keys: 2}, report); diff != "" {
		t.Error(diff)
	}
}

func TestReport(t *testing.T) {
	for want, report := range map[string]Report{
		"nothing":                            {},
		"1 output":                           {Outputs: 1},
		"2 outputs, 1 cell":                  {Outputs: 2, Cells: 1},
		"1 execution count, 3 metadata keys": {Counts: 1, Keys: 3},
	} {
		if got := report.String(); got != want || report.Empty() != (want == "nothing") {
			t.Errorf("%+v is %q, not %q", report, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		data    string
		options Options
		want    string
	}{
		{`{"cells": [`, Options{}, "not JSON: line 1 column 12: the document ends too early"},
		{``, Options{}, "the file is empty"},
		{
			`{"cells": [{"cell_type": "code", "metadata": {"keep_output": false, "tags": ["keep_output"]}, "source": ""}]}`,
			Options{},
			"cell 1: its metadata says keep_output: false, and its tags say keep_output; take one of them out",
		},
		{`{"cells": []}`, Options{Keys: []string{"kernelspec"}}, `the key "kernelspec" must begin with "metadata." or with "cell.metadata.", and go on`},
		{`{"cells": []}`, Options{KeepKeys: []string{"cell.source"}}, `the key "cell.source" is none of a cell's metadata; write cell.metadata.NAME`},
	} {
		if _, _, err := Clean([]byte(c.data), c.options); err == nil || err.Error() != c.want {
			t.Errorf("%s: error is %v, not %s", c.data, err, c.want)
		}
	}
}

// TestProperties: cleaning twice is cleaning once, and code never changes.
func TestProperties(t *testing.T) {
	files, err := filepath.Glob("../testdata/notebooks/*.ipynb")
	if err != nil || len(files) == 0 {
		t.Fatal("no notebooks", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range calls {
			holds(t, data, o)
		}
	}
}

func TestPropertiesOfRandomNotebooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{"1", "null", `{}`, `[]`, `{"a": [1, {"b": 2}]}`, `"x\\\""`, "true"})
		key := rapid.SampledFrom([]string{"collapsed", "execution", "tags", "keep_output", "init_cell", "x", "x.y"})
		cell := rapid.Custom(func(t *rapid.T) string {
			var meta []string
			for range rapid.IntRange(0, 4).Draw(t, "keys") {
				meta = append(meta, `"`+key.Draw(t, "key")+`" : `+value.Draw(t, "value"))
			}
			space := rapid.SampledFrom([]string{"", " ", "\n  "}).Draw(t, "space")
			return space + `{"metadata": {` + strings.Join(meta, ","+space) + `}, "cell_type": "` + rapid.SampledFrom([]string{"code", "markdown", "raw"}).Draw(t, "type") +
				`", "source": ` + rapid.SampledFrom([]string{`""`, `["a\n", "b"]`, `"\t"`, `[]`}).Draw(t, "source") +
				`, "outputs": [` + rapid.SampledFrom([]string{"", `{"execution_count": 3}`, ` {"a": []} , {"execution_count": null}`}).Draw(t, "outputs") +
				`], "execution_count": ` + rapid.SampledFrom([]string{"null", "7"}).Draw(t, "count") + `}` + space
		})
		cells := rapid.SliceOfN(cell, 0, 5).Draw(t, "cells")
		o := Options{
			KeepOutputs: rapid.Bool().Draw(t, "keep outputs"), KeepCounts: rapid.Bool().Draw(t, "keep counts"),
			DropEmpty: rapid.Bool().Draw(t, "drop empty"), Keys: rapid.SampledFrom([][]string{nil, {"cell.metadata.x.y"}, {"metadata.x"}}).Draw(t, "more"),
		}
		holds(t, []byte(`{"nbformat": 4, "cells": [`+strings.Join(cells, ",")+`], "metadata": {"widgets": {}, "x": {"y": 1}}}`), o)
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

func holds(t failer, data []byte, o Options) {
	once, report, err := Clean(data, o)
	if err != nil {
		return
	}
	if !json.Valid(once) && json.Valid(data) {
		t.Fatalf("not JSON any more:\n%s", once)
	}
	if report.Empty() != bytes.Equal(once, data) {
		t.Fatalf("took out %s, of\n%s\nwhich left\n%s", report, data, once)
	}
	twice, report, err := Clean(once, o)
	if err != nil || !report.Empty() || !bytes.Equal(once, twice) {
		t.Fatalf("cleaning again gives %v and takes out %s of\n%s", err, report, once)
	}
	if got, want := sources(t, once, Options{}), sources(t, data, o); !reflect.DeepEqual(got, want) {
		t.Fatalf("the sources are %q, not %q", got, want)
	}
}

// sources returns the cells' sources, but of those that the options drop.
func sources(t failer, data []byte, o Options) []string {
	nb, err := notebook.Read(data)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	c := cleaner{options: o}
	var all []string
	for i := range nb.Cells {
		if !c.goes(&nb.Cells[i]) {
			all = append(all, nb.Cells[i].Source)
		}
	}
	return all
}

func FuzzClean(f *testing.F) {
	f.Add([]byte(`{"nbformat": 4, "metadata": {"widgets": 1}, "cells": [{"cell_type": "code", "execution_count": 1, "source": ["a\n", "b"], "outputs": [{"data": {}}], "metadata": {"tags": ["keep_output"], "collapsed": true}}]}`))
	f.Add([]byte(`{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "prompt_number": 4, "input": "a", "outputs": [{}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		holds(t, data, Options{})
		holds(t, data, Options{DropEmpty: true, KeepOutputs: true, Keys: []string{"cell.metadata.a.b"}})
	})
}

// BenchmarkClean cleans a notebook of 50 MB with many outputs.
func BenchmarkClean(b *testing.B) {
	output := `{"output_type": "display_data", "data": {"image/png": "` + strings.Repeat("iVBORw0KGgo", 9000) + `", "text/html": ["` + strings.Repeat(`<td class=\"x\">1</td>\n`, 200) + `"]}}`
	cell := `{"cell_type": "code", "execution_count": 3, "metadata": {}, "outputs": [` + output + `], "source": ["x = 1\n", "y = 2"]},` + "\n"
	data := []byte(`{"nbformat": 4, "metadata": {}, "cells": [` + strings.TrimSuffix(strings.Repeat(cell, 500), ",\n") + `]}`)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, report, err := Clean(data, Options{}); err != nil || report.Outputs != 500 {
			b.Fatal(report, err)
		}
	}
}
