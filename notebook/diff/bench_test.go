package diff

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// large is a notebook of n cells of some twenty lines each. Ids are those of
// generation, so that another one has none in common with it.
func large(n, generation int, word func(i, line int) string) draft {
	d := draft{minor: 5}
	for i := range n {
		var b strings.Builder
		for line := range 20 {
			fmt.Fprintf(&b, "value_%s = compute(%d, %d)\n", word(i, line), i, line)
		}
		d.cells = append(d.cells, draftCell{
			id: fmt.Sprintf("g%d-%d", generation, i), kind: "code", source: b.String(), count: i + 1, outputs: []string{fmt.Sprintf("%d\n", i)},
		})
	}
	return d
}

// pairsOfLarge are pairs that are hard in one way each.
func pairsOfLarge(n int) map[string][2]draft {
	plain := func(i, line int) string { return fmt.Sprint(i, "_", line) }
	other := func(i, line int) string { return fmt.Sprint("new", i*7, "_", line) }
	everyFifth := func(i, line int) string {
		if i%5 == 0 && line == 3 {
			return "edited"
		}
		return plain(i, line)
	}
	shuffled := large(n, 0, plain)
	shuffled.cells = append([]draftCell(nil), shuffled.cells...)
	rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { shuffled.cells[i], shuffled.cells[j] = shuffled.cells[j], shuffled.cells[i] })
	unnamed := shuffled
	unnamed.minor = 4
	before := large(n, 0, plain)
	before.minor = 4
	same := func(int, int) string { return "same" }
	return map[string][2]draft{
		"a fifth edited":             {large(n, 0, plain), large(n, 0, everyFifth)},
		"a fifth edited, new ids":    {large(n, 0, plain), large(n, 1, everyFifth)},
		"all cells new":              {large(n, 0, plain), large(n, 1, other)},
		"all cells replaced":         {large(n, 0, plain), large(n, 0, other)},
		"all cells alike, new ids":   {large(n, 0, same), large(n, 1, same)},
		"shuffled":                   {large(n, 0, plain), shuffled},
		"shuffled and without ids":   {before, unnamed},
		"another number of the same": {large(n/2, 0, plain), large(n, 1, plain)},
	}
}

func BenchmarkDiff(b *testing.B) {
	for _, n := range []int{10, 250, 5000} {
		for name, p := range pairsOfLarge(n) {
			b.Run(fmt.Sprintf("%d cells/%s", n, name), func(b *testing.B) {
				before, after := p[0].bytes(), p[1].bytes()
				b.SetBytes(int64(len(before) + len(after)))
				for b.Loop() {
					docA, errA := Read(before)
					docB, errB := Read(after)
					if errA != nil || errB != nil || Compare(docA, docB, Options{}).Empty() {
						b.Fatal(errA, errB)
					}
				}
			})
		}
	}
}

// BenchmarkExample reads two versions of the example, compares them and prints the
// result, as scripts/bench_notebook.py has nbdime do.
func BenchmarkExample(b *testing.B) {
	before, err := os.ReadFile("../../examples/traffic/traffic.ipynb")
	if err != nil {
		b.Fatal(err)
	}
	after := bytes.ReplaceAll(before, []byte("vehicles_per_hour"), []byte("per_hour"))
	for b.Loop() {
		docA, errA := Read(before)
		docB, errB := Read(after)
		if errA != nil || errB != nil {
			b.Fatal(errA, errB)
		}
		if err := Compare(docA, docB, Options{}).WriteText(io.Discard, TextOptions{Words: true, Context: 3}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	for _, n := range []int{10, 250, 5000} {
		for name, p := range pairsOfLarge(n) {
			b.Run(fmt.Sprintf("%d cells/%s", n, name), func(b *testing.B) {
				theirs := p[0]
				theirs.cells = append([]draftCell(nil), theirs.cells...)
				for i := range theirs.cells {
					if i%3 == 0 {
						theirs.cells[i].source += "their_line = 1\n"
					}
				}
				docBase, docA, docB := p[0].document(b), p[1].document(b), theirs.document(b)
				for b.Loop() {
					if _, _, err := Merge(docBase, docA, docB, Labels{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestLargeNotebooks compares and merges notebooks of many cells, and what is large
// in another way; the benchmarks say what it takes.
func TestLargeNotebooks(t *testing.T) {
	pairs := pairsOfLarge(1000)
	for _, name := range []string{"a fifth edited, new ids", "all cells new", "shuffled and without ids"} {
		t.Run(name, func(t *testing.T) {
			p := pairs[name]
			docA, docB := p[0].document(t), p[1].document(t)
			d := Compare(docA, docB, Options{})
			if got, err := Patch(docA, d.JSON()); err != nil || !got.Equal(docB) {
				t.Errorf("the operations do not lead there: %v", err)
			}
		})
	}
	t.Run("merge", func(t *testing.T) {
		base := pairs["shuffled"][0].document(t)
		if _, _, err := Merge(base, pairs["shuffled"][1].document(t), pairs["a fifth edited"][1].document(t), Labels{}); err != nil {
			t.Fatal(err)
		}
	})
	for name, cell := range largeCells() {
		t.Run(name, func(t *testing.T) {
			docA, docB := readDocument(t, cellJSON(4, cell("a"), "{}")), readDocument(t, cellJSON(4, cell("b"), "{}"))
			var out strings.Builder
			d := Compare(docA, docB, Options{})
			if err := d.WriteText(&out, TextOptions{Words: true, Context: 3}); err != nil {
				t.Fatal(err)
			}
			if got, err := Patch(docA, d.JSON()); err != nil || !got.Equal(docB) {
				t.Errorf("the operations do not lead there: %v", err)
			}
			if _, _, err := Merge(Empty(), docA, docB, Labels{}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// largeCells are single cells that are large in one way each; the name goes into
// all of it.
func largeCells() map[string]func(name string) string {
	const n = 100_000
	code := func(source, outputs string) string {
		return fmt.Sprintf(`{"cell_type":"code","metadata":{},"execution_count":null,"source":"%s","outputs":[%s]}`, source, outputs)
	}
	each := func(format string, name string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, name, i)
		}
		return b.String()
	}
	return map[string]func(string) string{
		"lines":  func(name string) string { return code(each(`%s_value = f(%d)\n`, name), "") },
		"a line": func(name string) string { return code(each(`%s%d `, name), "") },
		"outputs": func(name string) string {
			return code("", strings.TrimSuffix(each(`{"output_type":"stream","name":"stdout","text":"%s%d"},`, name), ","))
		},
		"keys": func(name string) string {
			return code("", `{"output_type":"display_data","metadata":{},"data":{"application/json":{`+strings.TrimSuffix(each(`"%s%d":1,`, name), ",")+`}}}`)
		},
		"values": func(name string) string {
			same := strings.TrimSuffix(each(`"%.0s%d":"`+name+`",`, name), ",")
			return code("", `{"output_type":"display_data","metadata":{},"data":{"application/json":{`+same+`}}}`)
		},
	}
}
