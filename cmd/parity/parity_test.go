package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/notebook"
)

// nbconvert returns the Python of the real nbconvert. Where it cannot be had the
// test is skipped, but never when CI is set.
func nbconvert(t *testing.T, profile string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: the real nbconvert is left out")
	}
	var stderr strings.Builder
	cmd := exec.Command("../../scripts/nbconvert.sh", profile)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI compares with the real nbconvert: %v\n%s", err, stderr.String())
		}
		t.Skipf("SKIPPED: the real nbconvert cannot be had here: %v\n%s", err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// number reads a number that makes the test bigger, or another one.
func number(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// TestParity compares with the real nbconvert: the notebooks of testdata and of
// the examples, and PARITY_COUNT generated ones of the seed PARITY_SEED.
func TestParity(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, venv string
		profile    notebook.Profile
	}{
		{"ipython8", "ipython8", notebook.IPython8},
		{"ipython9", "ipython9", notebook.IPython9},
		{"noipython", "ipython9", notebook.NoIPython},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			python := nbconvert(t, tt.venv)
			var samples []sample
			for _, dir := range []string{"../../notebook/testdata", "../../examples"} {
				for _, to := range []string{"python", "script"} {
					var err error
					if samples, err = appendNotebooks(samples, dir, to); err != nil {
						t.Fatal(err)
					}
				}
			}
			g := newGenerator(t, number("PARITY_SEED", 1))
			samples = append(samples, g.samples(t, t.TempDir(), int(number("PARITY_COUNT", 400)))...)
			count := map[verdict]int{}
			err := comparison{python: python, profile: tt.profile, workers: 1}.all(samples, func(r result) {
				count[r.verdict]++
				if r.verdict == different && !known(t, r) {
					t.Errorf("%s --to %s %v: %s%s", filepath.Base(r.Path), r.To, r.Options, r.detail, keep(t, r.Path))
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d equal, %d failed in both, %d different", count[equal], count[failed], count[different])
			if count[equal] < len(samples)/2 {
				t.Error("too few notebooks can be converted for this to say much")
			}
		})
	}
}

// known reports whether a difference is one that we know and leave. These are all:
//
//   - a notebook without nbformat is one of format v1 to nbconvert, which no tool has
//     written since 2011. It takes any value as source (str(value)), and puts the cell
//     before in the place of one whose type v1 does not know. Slipway fails.
//   - true and 1.0 are the number 1 to Python, and so a notebook whose nbformat is one
//     of them is one of format v1. Slipway fails.
func known(t *testing.T, r result) bool {
	t.Helper()
	data, err := os.ReadFile(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	nb, err := notebook.Read(data)
	if strings.HasPrefix(r.detail, "only Slipway fails: unsupported nbformat ") {
		return regexp.MustCompile(`"nbformat": ?(true|1\.0)`).Match(data)
	}
	old := err != nil || nb.Format == 1
	return old && !strings.Contains(string(data), `"nbformat":`) && strings.HasPrefix(r.detail, "only Slipway fails: cell ")
}

// keep copies a generated notebook to where it outlives the test, if asked.
func keep(t *testing.T, path string) string {
	t.Helper()
	dir := os.Getenv("PARITY_KEEP")
	if dir == "" {
		return ""
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+"-"+filepath.Base(path))
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(" (kept in %s)", to)
}
