package diff

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// TestGolden compares the pairs in testdata/golden: a.ipynb and b.ipynb of each
// file with what is shown of them. UPDATE=1 rewrites what is expected.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pairs: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			pair, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := golden(t, pair)
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(txtar.Format(pair)), string(txtar.Format(got))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// golden shows a pair in each way there is.
func golden(t *testing.T, pair *txtar.Archive) *txtar.Archive {
	t.Helper()
	out := &txtar.Archive{Comment: pair.Comment, Files: pair.Files[:2:2]}
	a, b := readDocument(t, string(pair.Files[0].Data)), readDocument(t, string(pair.Files[1].Data))
	d := Compare(a, b, Options{})
	show := func(name string, write func(*bytes.Buffer) error) {
		var buf bytes.Buffer
		if err := write(&buf); err != nil {
			t.Fatal(err)
		}
		out.Files = append(out.Files, txtar.File{Name: name, Data: buf.Bytes()})
	}
	o := TextOptions{From: "a.ipynb", To: "b.ipynb", Context: 1}
	show("text", func(w *bytes.Buffer) error { return d.WriteText(w, o) })
	o.Words = true
	show("words", func(w *bytes.Buffer) error { return d.WriteText(w, o) })
	show("ops", func(w *bytes.Buffer) error { _, err := w.Write(d.JSON()); return err })
	show("summary", func(w *bytes.Buffer) error { _, err := w.WriteString(d.Summary() + "\n"); return err })
	patched, err := Patch(a, d.JSON())
	if err != nil || !patched.Equal(b) {
		t.Errorf("the operations do not lead to b.ipynb: %v", err)
	}
	return out
}
