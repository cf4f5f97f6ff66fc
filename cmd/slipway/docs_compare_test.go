package main

import (
	"regexp"
	"strings"
	"testing"
)

// matchesPage reports whether what is seen is what the page shows.
func matchesPage(want, got string) bool {
	want, got = alike(want), alike(got)
	if !strings.Contains(want, "...") {
		return want == got
	}
	var pattern strings.Builder
	pattern.WriteString("^")
	for line := range strings.Lines(want) {
		if line == "...\n" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, ".*"))
	}
	return regexp.MustCompile(pattern.String() + "$").MatchString(got)
}

// alike replaces all that differs from run to run and from machine to machine.
func alike(text string) string {
	for _, r := range unstableOnPage {
		text = r.pattern.ReplaceAllString(text, r.with)
	}
	return text
}

var unstableOnPage = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`\b0\.0\.0-\d{14}-[0-9a-f]{12}\b`), "VERSION"},
	{regexp.MustCompile(`-dirty\.[0-9a-f]{8}\b`), "-dirty.TREE"},
	{regexp.MustCompile(`\b\d{8}t\d{6}-[0-9a-f]{8}\b`), "RUN"},
	{regexp.MustCompile(`sha256:([0-9a-f]{64}|[0-9a-f]{8})\b`), "sha256:DIGEST"},
	{regexp.MustCompile(`/([0-9a-f]{64}|[0-9a-f]{20}|[0-9a-f]{8})/`), "/DIGEST/"},
	{regexp.MustCompile(`([^0-9a-f])([0-9a-f]{40}|[0-9a-f]{12})\b`), "${1}COMMIT"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b`), "TIME"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "CLOCK"},
	{regexp.MustCompile(`\b(\d+ min \d+ s|\d+\.\d s|\d+ ms)\b`), "TOOK"},
	{regexp.MustCompile(`\bprocess \d+`), "process PID"},
	{regexp.MustCompile(`Python 3\.\d+(\.\d+)?`), "Python 3.X"},
	{regexp.MustCompile(`"(time|took_ns)":("[^"]*"|\d+)`), `"$1":TIME`},
	{regexp.MustCompile(`(?m)  \d+(\.\d+)?(ms|s)$`), "  TOOK"},
	{regexp.MustCompile(`(?m) +$`), ""},
	{regexp.MustCompile(`   +`), "  "},
}

// TestMatchesPage keeps the comparison from letting everything pass.
func TestMatchesPage(t *testing.T) {
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{"a\nb\n", "a\nb\n", true},
		{"a\nb\n", "a\n", false},
		{"", "a\n", false},
		{"a\n...\nd\n", "a\nb\nc\nd\n", true},
		{"a\n...\nd\n", "a\nb\nc\n", false},
		{"...\nd\n", "d\n", true},
		{"a ... d\n", "a b c d\n", true},
		{"a ... d\n", "a b\nc d\n", false},
		{"done  31 ms\n", "done  1.2 s\n", true},
		{"done  31 ms\n", "stopped  31 ms\n", false},
		{"release 0.0.0-20261122101500-0123456789ab made\n", "release 0.0.0-20270101000000-ba9876543210 made\n", true},
		{"release 0.0.0-20261122101500-0123456789ab made\n", "release v1 made\n", false},
	} {
		if got := matchesPage(c.want, c.got); got != c.same {
			t.Errorf("%q and %q: %v", c.want, c.got, got)
		}
	}
}
