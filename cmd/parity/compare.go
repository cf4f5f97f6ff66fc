package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/slipway-cd/slipway/notebook"
)

// A verdict says how the two conversions of a notebook compare.
type verdict string

// The verdicts.
const (
	equal     verdict = "equal"
	failed    verdict = "failed" // both, so that nothing is wrong
	different verdict = "different"
)

// A sample is one notebook with the options to convert it with, as nbconvert
// takes them and as the library does.
type sample struct {
	request
	options notebook.Options
}

// A result is what came of a sample.
type result struct {
	sample
	verdict verdict
	detail  string
	// theirs and ours are how long nbconvert and Slipway took.
	theirs, ours time.Duration
}

// A comparison is how samples are compared.
type comparison struct {
	python  string // the one that has nbconvert
	profile notebook.Profile
	workers int  // how many nbconverts run at the same time
	asItIs  bool // leave nbconvert as slow as it is
}

// all compares every sample and hands over the results in the samples' order.
func (c comparison) all(samples []sample, each func(result)) error {
	results := make([]chan result, len(samples))
	for i := range results {
		results[i] = make(chan result, 1)
	}
	next := make(chan int)
	errs := make(chan error, c.workers)
	var group sync.WaitGroup
	for range c.workers {
		group.Go(func() { errs <- c.work(samples, next, results) })
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	go func() {
		defer close(next)
		for i := range samples {
			select {
			case next <- i:
			case <-done:
				return
			}
		}
	}()
	for i := range samples {
		select {
		case r := <-results[i]:
			each(r)
		case <-done:
			select {
			case r := <-results[i]:
				each(r)
			default:
			}
		}
	}
	<-done
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// work compares the samples whose numbers come, with an nbconvert of its own.
func (c comparison) work(samples []sample, next <-chan int, results []chan result) error {
	var more []string
	if c.asItIs {
		more = append(more, "--as-it-is")
	}
	o, err := startOracle(c.python, c.profile, more...)
	if err != nil {
		return err
	}
	for i := range next {
		s := samples[i]
		want, err := o.ask(s.request)
		if err != nil {
			return errors.Join(err, o.close())
		}
		s.options.Profile = c.profile
		began := time.Now()
		got, gotErr := convert(s)
		r := result{sample: s, ours: time.Since(began), theirs: time.Duration(want.Seconds * float64(time.Second))}
		r.verdict, r.detail = compare(got, gotErr, want)
		results[i] <- r
	}
	return o.close()
}

// convert is what the library makes of a sample, failing where nbconvert fails.
func convert(s sample) (notebook.Script, error) {
	data, err := os.ReadFile(s.Path)
	if err != nil {
		return notebook.Script{}, err
	}
	nb, err := notebook.ReadStrict(data)
	if err != nil {
		return notebook.Script{}, err
	}
	if s.To == "script" {
		return nb.Script(s.options)
	}
	text, err := nb.Python(s.options)
	return notebook.Script{Text: text, Extension: ".py"}, err
}

func compare(got notebook.Script, err error, want answer) (verdict, string) {
	switch {
	case err != nil && want.Error != "":
		return compareErrors(err, want)
	case err != nil:
		return different, fmt.Sprintf("only Slipway fails: %v", err)
	case want.Error != "":
		return different, "only nbconvert fails: " + want.Error
	case got.Extension != want.Extension:
		return different, fmt.Sprintf("nbconvert names it *%s, Slipway *%s", want.Extension, got.Extension)
	case string(got.Text) != want.Text:
		return different, firstDifference(want.Text, string(got.Text))
	}
	return equal, ""
}

// compareErrors asks for more than that both fail: where nbconvert knows the
// cell, Slipway has to name the same one.
func compareErrors(err error, want answer) (verdict, string) {
	var own *notebook.Error
	if want.Cell > 0 && (!errors.As(err, &own) || own.Cell != want.Cell) {
		return different, fmt.Sprintf("nbconvert fails at cell %d (%s), Slipway says: %v", want.Cell, want.Error, err)
	}
	return failed, err.Error()
}

// firstDifference shows the first line that differs.
func firstDifference(want, got string) string {
	for n := 1; ; n++ {
		wantLine, wantRest, wantMore := strings.Cut(want, "\n")
		gotLine, gotRest, gotMore := strings.Cut(got, "\n")
		if wantLine != gotLine || wantMore != gotMore {
			return fmt.Sprintf("line %d\n  nbconvert %s\n  slipway   %s", n, show(wantLine, wantMore), show(gotLine, gotMore))
		}
		want, got = wantRest, gotRest
	}
}

// show quotes a line, cut short, and says where the file ends with it.
func show(line string, more bool) string {
	if r := []rune(line); len(r) > 200 {
		line = string(r[:200]) + "…"
	}
	if more {
		return fmt.Sprintf("%q", line)
	}
	return fmt.Sprintf("%q and the end of the file", line)
}
