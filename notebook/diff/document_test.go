package diff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readDocument(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Read([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

// seeds are the notebooks of package notebook's test data.
func seeds(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../testdata/notebooks/*.ipynb")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d notebooks: %v", len(files), err)
	}
	out := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(file)] = data
	}
	return out
}

func TestReadAndWriteKeepsEachByte(t *testing.T) {
	read := 0
	for name, data := range seeds(t) {
		d, err := Read(data)
		if err != nil || d.older {
			continue
		}
		read++
		if diff := cmp.Diff(string(data), string(d.Bytes())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if read < 30 {
		t.Errorf("only %d notebooks were read", read)
	}
}

// oneCell is a notebook in the way that each of these programs writes it.
var oneCell = map[string]string{
	"Jupyter":          "{\n \"cells\": [\n  {\n   \"cell_type\": \"raw\",\n   \"metadata\": {},\n   \"source\": [\n    \"é <b>\\n\",\n    \"x\"\n   ]\n  }\n ],\n \"metadata\": {},\n \"nbformat\": 4,\n \"nbformat_minor\": 4\n}\n",
	"two spaces":       "{\n  \"nbformat\": 4,\n  \"nbformat_minor\": 4,\n  \"metadata\": {},\n  \"cells\": [\n    {\n      \"cell_type\": \"raw\",\n      \"source\": \"\\u00e9 \\u003cb\\u003e\\nx\",\n      \"metadata\": {}\n    }\n  ]\n}",
	"carriage returns": "{\r\n\t\"cells\": [\r\n\t\t{\r\n\t\t\t\"cell_type\": \"raw\",\r\n\t\t\t\"metadata\": {},\r\n\t\t\t\"source\": [\r\n\t\t\t\t\"é <b>\\n\",\r\n\t\t\t\t\"x\"\r\n\t\t\t]\r\n\t\t}\r\n\t],\r\n\t\"metadata\": {},\r\n\t\"nbformat\": 4,\r\n\t\"nbformat_minor\": 4\r\n}\r\n",
	"one line":         `{"cells": [{"cell_type": "raw", "metadata": {}, "source": ["é <b>\n", "x"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}`,
	"no spaces":        `{"cells":[{"cell_type":"raw","metadata":{},"source":["é <b>\n","x"]}],"metadata":{},"nbformat":4,"nbformat_minor":4}`,
}

func TestAChangeKeepsTheStyleOfTheFile(t *testing.T) {
	ops := `[{"op":"patch","key":"cells","diff":[{"op":"patch","key":0,"diff":[{"op":"patch","key":"source","diff":[{"op":"addrange","key":2,"valuelist":["\n<ü\ud83d\ude00\ud800\u0007>"]}]}]}]}]`
	added := map[string]string{"two spaces": `x\n\u003c\u00fc\ud83d\ude00\ud800\u0007\u003e"`, "": `<ü😀\ud800\u0007>"`}
	for name, text := range oneCell {
		want, ok := added[name]
		if !ok {
			want = added[""]
		}
		// The new line stands behind the last one, wherever the list of lines puts it.
		out, err := Patch(readDocument(t, text), []byte(ops))
		if err != nil {
			t.Fatal(err)
		}
		got := string(out.Bytes())
		if !strings.Contains(got, want) {
			t.Errorf("%s: no %s in\n%s", name, want, got)
		}
		back := Compare(out, readDocument(t, text), Options{})
		again, err := Patch(out, back.JSON())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text, string(again.Bytes())); diff != "" {
			t.Errorf("%s: there and back: %s", name, diff)
		}
	}
}

func TestAllStylesMeanTheSame(t *testing.T) {
	want := readDocument(t, oneCell["Jupyter"])
	for name, text := range oneCell {
		if d := Compare(want, readDocument(t, text), Options{}); !d.Empty() {
			t.Errorf("%s: %s", name, d.JSON())
		}
	}
}

func TestReadErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "the file is empty",
		"{":                              "not JSON: line 1 column 2: expected a key in double quotes",
		"[]":                             "not a notebook: expected a JSON object",
		`{"nbformat":5,"cells":[]}`:      "unsupported nbformat 5; formats 1 to 4 can be read",
		`{"nbformat":4,"cells":[{},[]]}`: "cell 2: it is not a JSON object",
	} {
		_, err := Read([]byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, not %q", text, err, want)
		}
	}
}

func TestOlderFormatsAreReadAsV4(t *testing.T) {
	old := readDocument(t, `{"nbformat":3,"metadata":{"name":"n"},"worksheets":[{"cells":[
		{"cell_type":"heading","level":2,"metadata":{},"source":"Title"},
		{"cell_type":"code","input":["x = 1\n","x"],"prompt_number":3,"metadata":{},"language":"python","outputs":[
			{"output_type":"pyout","prompt_number":3,"text":["1"],"png":"AAAA","metadata":{}},
			{"output_type":"stream","stream":"stdout","text":"hello"},
			{"output_type":"pyerr","ename":"E","evalue":"v","traceback":[]}]}]}]}`)
	var b strings.Builder
	if err := old.Text(&b); err != nil {
		t.Fatal(err)
	}
	want := `--- markdown ---
## Title

--- code ---
x = 1
x
--- output execute_result: image/png 3 B, #` + b.String()[strings.Index(b.String(), ", #")+3:][:8] + `
--- output stream: "hello"
--- output error: E: v

--- notebook ---
metadata.name: "n"
nbformat: 4
nbformat_minor: 0
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	if _, _, err := Merge(old, old, readDocument(t, oneCell["Jupyter"]), Labels{}); err == nil || err.Error() != "the base is of an older format than v4; save it with a current Jupyter first" {
		t.Error(err)
	}
}

// TestOnlySourcesOfCellsAreOneText holds the parser to what it takes for a source:
// a list of that name elsewhere is a list.
func TestOnlySourcesOfCellsAreOneText(t *testing.T) {
	before := `{"cells":[{"cell_type":"raw","metadata":{"source":["a"]},"source":["x\n","y"]}],"metadata":{"x":{"source":["a","b"]}},"nbformat":4,"nbformat_minor":4}`
	a := readDocument(t, before)
	b := readDocument(t, strings.Replace(before, `["a","b"]`, `"ab"`, 1))
	if Compare(a, b, Options{}).Empty() {
		t.Error("a list in the metadata is taken for a text")
	}
	c := readDocument(t, strings.Replace(before, `["x\n","y"]`, `"x\ny"`, 1))
	if d := Compare(a, c, Options{}); !d.Empty() {
		t.Errorf("a source is another as a text: %s", d.JSON())
	}
	for _, source := range []string{`["x", 1]`, `["x"`, `["x",]`, `["x\q"]`, `["x`} {
		if _, err := Read([]byte(strings.Replace(before, `["x\n","y"]`, source, 1))); err == nil {
			t.Errorf("%s is taken for a source", source)
		}
	}
}
