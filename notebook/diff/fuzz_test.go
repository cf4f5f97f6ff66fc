package diff

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"
)

// pairsOf are the golden pairs and some that are drawn, always the same ones.
func pairsOf(t testing.TB, drawnOnes int) [][2]string {
	t.Helper()
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pairs: %v", err)
	}
	var pairs [][2]string
	for _, file := range files {
		pair, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, [2]string{string(pair.Files[0].Data), string(pair.Files[1].Data)})
	}
	drawn := rapid.Custom(func(t *rapid.T) [2]string {
		a := drawDraft(t)
		return [2]string{string(a.bytes()), string(edited(t, a, "b").bytes())}
	})
	for i := range drawnOnes {
		pairs = append(pairs, drawn.Example(i))
	}
	return pairs
}

func seedPairs(f *testing.F) {
	f.Helper()
	for _, p := range pairsOf(f, 30) {
		f.Add([]byte(p[0]), []byte(p[1]))
	}
	var last []byte
	for _, data := range seeds(f) {
		f.Add(last, data)
		last = data
	}
}

// FuzzCompare checks that any two notebooks are compared, shown and patched.
func FuzzCompare(f *testing.F) {
	seedPairs(f)
	f.Fuzz(func(t *testing.T, dataA, dataB []byte) {
		a, errA := Read(dataA)
		b, errB := Read(dataB)
		if errA != nil || errB != nil {
			return
		}
		if !a.older && !bytes.Equal(a.Bytes(), dataA) {
			t.Fatalf("written as %q", a.Bytes())
		}
		d := Compare(a, b, Options{})
		got, err := Patch(a, d.JSON())
		if err != nil || !got.Equal(b) {
			t.Fatalf("patched: %v\n%s", err, d.JSON())
		}
		again, err := Read(got.Bytes())
		if err != nil || !b.older && !again.Equal(b) {
			t.Fatalf("read again: %v\n%s", err, got.Bytes())
		}
		var out bytes.Buffer
		for _, words := range []bool{false, true} {
			if err := d.WriteText(&out, TextOptions{Words: words, Color: words}); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.WriteHTML(&out, HTMLOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := b.Text(&out); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzMerge checks that any three notebooks are merged to one that can be read.
func FuzzMerge(f *testing.F) {
	for _, p := range pairsOf(f, 30) {
		f.Add([]byte(p[0]), []byte(p[1]), []byte(p[0]))
		f.Add([]byte(p[0]), []byte(p[1]), bytes.Replace([]byte(p[0]), []byte("x"), []byte("q"), 2))
	}
	f.Fuzz(func(t *testing.T, base, ours, theirs []byte) {
		var docs [3]*Document
		for i, data := range [][]byte{base, ours, theirs} {
			d, err := Read(data)
			if err != nil {
				return
			}
			docs[i] = d
		}
		got, conflicts, err := Merge(docs[0], docs[1], docs[2], Labels{})
		if err != nil {
			return // one of an older format
		}
		again, err := Read(got.Bytes())
		if err != nil || !again.Equal(got) {
			t.Fatalf("%v\n%s", err, got.Bytes())
		}
		for _, c := range conflicts {
			if c.Cell < 1 || c.Cell > got.Cells() || c.String() == "" {
				t.Fatal(fmt.Sprint(c))
			}
		}
	})
}

// FuzzPatch checks that operations of any kind are applied or refused.
func FuzzPatch(f *testing.F) {
	for _, p := range pairsOf(f, 30) {
		a, b := readDocument(f, p[0]), readDocument(f, p[1])
		f.Add([]byte(p[0]), Compare(a, b, Options{}).JSON())
	}
	f.Fuzz(func(t *testing.T, data, ops []byte) {
		d, err := Read(data)
		if err != nil {
			return
		}
		if got, err := Patch(d, ops); err == nil {
			_ = got.Bytes()
		}
	})
}
