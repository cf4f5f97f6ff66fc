package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/slipway-cd/slipway/notebook/diff"
)

// measureDiff diffs two notebooks again and again, from their bytes to the text for
// people, and prints the median.
func measureDiff(out io.Writer, files []string, times int) error {
	if len(files) != 2 {
		return fmt.Errorf("-diff takes two notebooks, not %d", len(files))
	}
	before, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	after, err := os.ReadFile(files[1])
	if err != nil {
		return err
	}
	took := make([]time.Duration, times)
	size := 0
	for i := range took {
		var text bytes.Buffer
		began := time.Now()
		if err := diffOnce(&text, before, after); err != nil {
			return err
		}
		took[i], size = time.Since(began), text.Len()
	}
	slices.Sort(took)
	_, err = fmt.Fprintf(out, "%.4f ms, %d bytes of text\n", float64(took[times/2].Nanoseconds())/1e6, size)
	return err
}

func diffOnce(w io.Writer, before, after []byte) error {
	a, err := diff.Read(before)
	if err != nil {
		return err
	}
	b, err := diff.Read(after)
	if err != nil {
		return err
	}
	return diff.Compare(a, b, diff.Options{}).WriteText(w, diff.TextOptions{Words: true, Context: 3})
}
