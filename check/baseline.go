package check

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A Baseline is what a check found at one commit, for others to be compared with.
// It is plain data.
type Baseline struct {
	Findings map[string]int    `json:"findings,omitempty"` // how often each fingerprint was found
	Coverage *slipway.Coverage `json:"coverage,omitempty"`
}

// identify gives findings their fingerprints, and says which of them the base has
// too. Where the commit is compared with nothing, and only new ones count, none is new.
func (v *verdict) identify(all []slipway.Finding, dir *os.Root) {
	files := sourceLines{dir: dir, files: map[string][]string{}}
	v.found.Findings = map[string]int{}
	seen := map[string]int{}
	for i := range all {
		f := &all[i]
		f.Fingerprint = fingerprint(*f, v.change.before(f.File), files.line(f.File, f.Line))
		v.found.Findings[f.Fingerprint]++
		switch {
		case v.change == nil:
			f.Known = v.spec.Thresholds.OnlyNew
		case v.base != nil:
			seen[f.Fingerprint]++
			f.Known = seen[f.Fingerprint] <= v.base.Findings[f.Fingerprint]
		}
		if f.Known {
			v.result.Known++
		}
	}
}

// fingerprint names a finding: as the scanner does, if it does, else by its rule,
// its file's name at the base and the text of its line, so that it stays the same
// when lines above it come and go.
func fingerprint(f slipway.Finding, file, line string) string {
	parts := []string{f.Rule, file}
	switch {
	case f.Fingerprint != "":
		parts = []string{f.Rule, f.Fingerprint}
	case line != "":
		parts = append(parts, strings.Join(strings.Fields(line), " "))
	default:
		parts = append(parts, f.Message, strconv.Itoa(f.Line))
	}
	return slipway.DigestOf([]byte(strings.Join(parts, "\x00"))).Hex()[:16]
}

// sourceLines reads lines of the working copy.
type sourceLines struct {
	dir   *os.Root
	files map[string][]string
}

// mostSource is how much of a file is looked at.
const mostSource = 8 << 20

// line returns a line of a file; empty if there is none.
func (s sourceLines) line(file string, n int) string {
	if file == "" || n <= 0 {
		return ""
	}
	lines, ok := s.files[file]
	if !ok {
		lines = s.read(file)
		s.files[file] = lines
	}
	if n > len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[n-1])
}

// read reads a file as lines; one that cannot be read has none.
func (s sourceLines) read(file string) []string {
	info, err := s.dir.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := s.dir.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close() // read only
	data, err := io.ReadAll(io.LimitReader(f, mostSource))
	if err != nil {
		return nil
	}
	return strings.Split(string(data), "\n")
}
