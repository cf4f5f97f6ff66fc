//go:build linux && amd64

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"
)

// A process that was measured.
type measured struct {
	times []time.Duration // wall clock
	peak  int64           // resident kilobytes, the most
}

// run runs the program once more.
func (m *measured) run(b *testing.B, dir string, args ...string) {
	b.Helper()
	file, err := program()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
	began := time.Now()
	out, err := cmd.CombinedOutput()
	m.times = append(m.times, time.Since(began))
	if err != nil {
		b.Fatalf("slipway %v: %v\n%s", args, err, out)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.peak = max(m.peak, usage.Maxrss)
	}
}

// report gives the median and the slowest time, and the peak of memory.
func (m *measured) report(b *testing.B) {
	slices.Sort(m.times)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	b.ReportMetric(ms(m.times[len(m.times)/2]), "p50-ms")
	b.ReportMetric(ms(m.times[len(m.times)-1]), "max-ms")
	b.ReportMetric(float64(m.peak)/1e3, "peak-MB")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkHelp is the start of the process, with all that is linked in.
func BenchmarkHelp(b *testing.B) {
	var m measured
	for b.Loop() {
		m.run(b, b.TempDir(), "--help")
	}
	m.report(b)
}

// BenchmarkConvert converts the example's notebook.
func BenchmarkConvert(b *testing.B) {
	notebook, err := filepath.Abs("../../examples/traffic/traffic.ipynb")
	if err != nil {
		b.Fatal(err)
	}
	var m measured
	for b.Loop() {
		m.run(b, b.TempDir(), "convert", "--stdout", "-q", notebook)
	}
	m.report(b)
}

// BenchmarkShip is all that ship itself costs for an example, to staging: there
// are no checks, and nothing runs. The traffic example needs its virtual
// environment in the cache; the first ship of it there makes it.
func BenchmarkShip(b *testing.B) {
	for _, example := range []string{"pulse", "traffic"} {
		b.Run(example+"/first", func(b *testing.B) {
			var m measured
			for b.Loop() {
				b.StopTimer()
				dir := exampleWithoutChecks(b, example)
				b.StartTimer()
				m.run(b, dir, "ship", "staging", "-q")
			}
			m.report(b)
		})
		b.Run(example+"/next", func(b *testing.B) {
			var m, first measured
			dir := exampleWithoutChecks(b, example)
			first.run(b, dir, "ship", "staging", "-q")
			for b.Loop() {
				b.StopTimer()
				gitIn(b, dir, "commit", "-q", "--allow-empty", "-m", "next")
				b.StartTimer()
				m.run(b, dir, "ship", "staging", "-q")
			}
			m.report(b)
		})
		b.Run(example+"/again", func(b *testing.B) {
			var m measured
			dir := exampleWithoutChecks(b, example)
			m.run(b, dir, "ship", "staging", "-q")
			m = measured{}
			for b.Loop() {
				m.run(b, dir, "ship", "staging", "-q")
			}
			m.report(b)
		})
	}
}

var checksKey = regexp.MustCompile(`(?m)^checks:\n(  .*\n|\n)+`)

func exampleWithoutChecks(b *testing.B, name string) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../../examples", name))); err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(dir, "slipway.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	if !checksKey.Match(text) {
		b.Fatalf("%s has no checks to leave out", file)
	}
	if err := os.WriteFile(file, checksKey.ReplaceAll(text, nil), 0o644); err != nil {
		b.Fatal(err)
	}
	gitIn(b, dir, "init", "-q", "-b", "main")
	gitIn(b, dir, "add", "-A")
	gitIn(b, dir, "commit", "-q", "-m", "first")
	return dir
}

func gitIn(b *testing.B, dir string, args ...string) {
	b.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=bench", "-c", "user.email=bench@localhost"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("git %v: %v\n%s", args, err, out)
	}
}
