// Command parity compares what Slipway makes of notebooks with what the real
// nbconvert makes of them. make parity DIR=... runs it; its test does so on
// notebooks that it generates.
package main

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/slipway-cd/slipway/notebook"
)

func main() {
	code, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		os.Stderr.WriteString("parity: " + err.Error() + "\n") //nolint:errcheck // there is nowhere else to say it
		code = 2
	}
	os.Exit(code)
}

// run compares the notebooks of folders. It returns 1 where some differ.
func run(args []string, out io.Writer) (int, error) {
	flags := flag.NewFlagSet("parity", flag.ContinueOnError)
	python := flags.String("python", "python3", "the Python that has nbconvert")
	name := flags.String("profile", "ipython9", "ipython9, ipython8 or noipython")
	to := flags.String("to", "python", "python or script")
	workers := flags.Int("j", runtime.GOMAXPROCS(0), "how many nbconverts to run at the same time")
	verbose := flags.Bool("v", false, "show those that are equal, too")
	diffs := flags.Int("diff", 0, "measure so many diffs of two notebooks instead, and give the median")
	times := flags.Bool("time", false, "measure, one notebook after the other, and leave nbconvert as slow as it is")
	if err := flags.Parse(args); err != nil {
		return 2, err
	}
	if *diffs > 0 {
		return 0, measureDiff(out, flags.Args(), *diffs)
	}
	profile, err := notebook.ParseProfile(*name)
	if err != nil {
		return 2, err
	}
	var samples []sample
	for _, dir := range flags.Args() {
		if samples, err = appendNotebooks(samples, dir, *to); err != nil {
			return 2, err
		}
	}
	if len(samples) == 0 {
		return 2, fmt.Errorf("there is no notebook in %q", flags.Args())
	}
	count := map[verdict]int{}
	var theirs, ours time.Duration
	if *times {
		*workers = 1
	}
	err = comparison{*python, profile, *workers, *times}.all(samples, func(r result) {
		count[r.verdict]++
		theirs, ours = theirs+r.theirs, ours+r.ours
		if *verbose || r.verdict != equal {
			fmt.Fprintln(out, strings.TrimSpace(fmt.Sprintf("%-9s %s: %s", r.verdict, r.Path, r.detail)))
		}
	})
	if err != nil {
		return 2, err
	}
	summarize(out, count)
	if *times {
		fmt.Fprintf(out, "nbconvert took %.3f s, its start left out; Slipway %.3f s: %.0f times as fast\n",
			theirs.Seconds(), ours.Seconds(), theirs.Seconds()/ours.Seconds())
	}
	return min(count[different], 1), nil
}

// summarize says how many notebooks came out as nbconvert has them: equal, or
// failed there too.
func summarize(out io.Writer, count map[verdict]int) {
	all := count[equal] + count[failed] + count[different]
	percent := func(n int) float64 { return 100 * float64(n) / float64(all) }
	fmt.Fprintf(out, "%d notebooks: %d equal (%.2f %%), %d failed in both (%.2f %%), %d different (%.2f %%)\n", all,
		count[equal], percent(count[equal]), count[failed], percent(count[failed]), count[different], percent(count[different]))
}

// appendNotebooks appends the notebooks below a folder, or a single one.
func appendNotebooks(samples []sample, dir, to string) ([]sample, error) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".ipynb" {
			return err
		}
		samples = append(samples, sample{request: request{Path: path, To: to, Options: map[string]map[string]any{}}})
		return nil
	})
	return samples, err
}
