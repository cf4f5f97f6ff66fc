package notebook

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A cellVector is a cell and what real IPythons made of it.
type cellVector struct {
	Name    string          `json:"name"`
	In      json.RawMessage `json:"in"`
	Out     json.RawMessage `json:"out"`
	Differs map[string]json.RawMessage
}

// pythonString decodes a JSON string as Python does, lone surrogates included;
// it is false for anything but a string.
func pythonString(t *testing.T, raw []byte) (string, bool) {
	t.Helper()
	doc, err := parseJSON(raw)
	if err != nil {
		t.Fatal(err)
	}
	return doc.text(doc.root), doc.root.kind == kindString
}

func TestCellsEqualIPython(t *testing.T) {
	data, err := os.ReadFile("testdata/cells.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []cellVector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 718 {
		t.Fatalf("got %d vectors, want 718", len(vectors))
	}
	for name, p := range map[string]Profile{"": IPython8, "ipy9.16.1-py313": IPython9} {
		t.Run(name, func(t *testing.T) {
			for _, v := range vectors {
				t.Run(v.Name, func(t *testing.T) { checkCell(t, v, name, p) })
			}
		})
	}
}

func checkCell(t *testing.T, v cellVector, profile string, p Profile) {
	t.Helper()
	if profile != "" && strings.HasPrefix(v.Name, "d ") {
		// These were recorded on Python 3.14, whose tokenizer reads them as 3.13's.
		profile = "ipy9.16.1-py314"
	}
	raw := v.Out
	if other, ok := v.Differs[profile]; ok {
		raw = other
	}
	in, _ := pythonString(t, v.In)
	want, ok := pythonString(t, raw)
	got, err := transform(in, p)
	switch {
	case ok && err != nil:
		t.Errorf("transform(%q): %v, want %q", in, err, want)
	case ok && got != want:
		t.Errorf("transform(%q)\n got %q\nwant %q", in, got, want)
	case !ok && err == nil:
		t.Errorf("transform(%q) = %q, want the error %s", in, got, raw)
	}
}

func TestNotebooksEqualNbconvert(t *testing.T) {
	data, err := os.ReadFile("testdata/notebooks.json")
	if err != nil {
		t.Fatal(err)
	}
	var outputs map[string]map[string]json.RawMessage
	if err := json.Unmarshal(data, &outputs); err != nil {
		t.Fatal(err)
	}
	if len(outputs) != 97 {
		t.Fatalf("got %d notebooks, want 97", len(outputs))
	}
	for version, p := range map[string]Profile{"nbconvert6.5.3": IPython8, "nbconvert7.17.1": IPython9} {
		for name, out := range outputs {
			t.Run(version+"/"+name, func(t *testing.T) { checkNotebook(t, name, out[version], p) })
		}
	}
}

func checkNotebook(t *testing.T, name string, out []byte, p Profile) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/notebooks", name))
	if err != nil {
		t.Fatal(err)
	}
	want, ok := pythonString(t, out)
	if !ok {
		t.Fatalf("no output in %s", out)
	}
	var got []byte
	nb, err := ReadStrict(data)
	if err == nil {
		got, err = nb.Python(Options{Profile: p})
	}
	failed := strings.HasPrefix(want, "!")
	switch {
	case !failed && err != nil:
		t.Errorf("%v, want %q", err, want)
	case !failed && string(got) != want:
		t.Errorf("got %q\nwant %q", got, want)
	case failed && err == nil:
		t.Errorf("no error, want %s", want)
	}
}
