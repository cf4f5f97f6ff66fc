package notebook

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// benchNotebooks reads the notebooks of testdata that can be read.
func benchNotebooks(b *testing.B) (raw [][]byte, size int64) {
	b.Helper()
	files, err := filepath.Glob("testdata/notebooks/*.ipynb")
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Read(data); err == nil {
			raw, size = append(raw, data), size+int64(len(data))
		}
	}
	return raw, size
}

func BenchmarkPython(b *testing.B) {
	for name, p := range map[string]Profile{"ipython8": IPython8, "ipython9": IPython9} {
		b.Run(name, func(b *testing.B) {
			notebooks, size := benchNotebooks(b)
			b.SetBytes(size)
			b.ReportMetric(float64(len(notebooks)), "notebooks/op")
			for b.Loop() {
				for _, data := range notebooks {
					nb, err := Read(data)
					if err != nil {
						b.Fatal(err)
					}
					_, _ = nb.Python(Options{Profile: p})
				}
			}
		})
	}
}

func BenchmarkGlue(b *testing.B) {
	notebooks, size := benchNotebooks(b)
	b.SetBytes(size)
	for b.Loop() {
		for _, data := range notebooks {
			nb, err := Read(data)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = nb.Glue(GlueOptions{})
		}
	}
}

// code is a cell's worth of ordinary code, about 1 KB.
var code = strings.Repeat("df = df.filter(col('a') > 10).withColumn(\"b\", f\"{x!r:>10}\")  # a comment\nif x:\n    y = [1, 2.5, 0x1f,\n         (3, 'four')]\n", 8)

// bigNotebooks are notebooks of about 50 MB, of the kinds that could take long.
func bigNotebooks(b *testing.B) map[string][]byte {
	b.Helper()
	const size = 50 << 20
	type cell map[string]any
	notebook := func(cells []cell) []byte {
		data, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 4, "metadata": cell{}, "cells": cells})
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
	one := func(source string, outputs ...any) cell {
		return cell{"cell_type": "code", "metadata": cell{}, "execution_count": 1, "source": source, "outputs": outputs}
	}
	var cells []cell
	for range size / 1200 {
		cells = append(cells, one("%time f()\n"+code))
	}
	magics := strings.Repeat("!ls\n"+strings.Repeat(code, size/len(code)/400), 400)
	return map[string][]byte{
		"outputs":    notebook([]cell{one("x = 1", cell{"output_type": "stream", "name": "stdout", "text": strings.Repeat("0123456789\n", size/12)})}),
		"cells":      notebook(cells),
		"one_cell":   notebook([]cell{one(strings.Repeat(code, size/len(code)))}),
		"400_magics": notebook([]cell{one(magics)}),
		"quotes":     notebook([]cell{one(strings.Repeat(`'\`, size/5))}),
		"blanks":     notebook([]cell{one("x =" + strings.Repeat(" ", size) + "$")}),
		"brackets":   notebook([]cell{one(strings.Repeat("(", size))}),
		"literal":    notebook([]cell{one("x = [" + strings.Repeat("1, ", size/3) + "]")}),
	}
}

func BenchmarkBig(b *testing.B) {
	for name, data := range bigNotebooks(b) {
		for profile, p := range map[string]Profile{"ipython8": IPython8, "ipython9": IPython9} {
			b.Run(name+"/"+profile, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for b.Loop() {
					nb, err := Read(data)
					if err != nil {
						b.Fatal(err)
					}
					_, _ = nb.Python(Options{Profile: p})
				}
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/(1<<20), "MB/op")
			})
		}
	}
}
