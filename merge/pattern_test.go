package merge

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatchesPath(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"*.md", "a.md", true},
		{"*.md", "docs/a.md", true},
		{"/*.md", "a.md", true},
		{"/*.md", "docs/a.md", false},
		{"docs/*.md", "docs/a.md", true},
		{"docs/*.md", "docs/b/a.md", false},
		{"docs/**", "docs/b/a.md", true},
		{"docs/**", "docs", false},
		{"docs/**", "doc/a", false},
		{"docs/", "docs/b/a.md", true},
		{"**/a.md", "a.md", true},
		{"**/a.md", "x/y/a.md", true},
		{"x/**/a.md", "x/a.md", true},
		{"x/**/a.md", "x/y/z/a.md", true},
		{"x/**/a.md", "y/x/a.md", false},
		{"x/**/y/**/z", "x/y/a/y/b/z", true},
		{"x/**/y/**/z", "x/a/b/z", false},
		{"**/**/a", "a", true},
		{"**", "x/y", true},
		{"*", "x/y", true},
		{"?.md", "ab.md", false},
		{"a*b*c", "x/aXbXbc", true},
		{"a*b*c", "aXbXbd", false},
		{"", "a", false},
		{"lib", "lib/a.py", false},
	} {
		if got := matchesPath(c.pattern, c.path); got != c.want {
			t.Errorf("%q for %q: %v", c.pattern, c.path, got)
		}
	}
}

// TestMatchesAsTheStandardLibraryDoes compares with path.Match, for texts without
// what it alone understands.
func TestMatchesAsTheStandardLibraryDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "text")
		want, err := path.Match(pattern, text)
		if err != nil {
			t.Skip(err)
		}
		if got := matches(pattern, text); got != want {
			t.Fatalf("%q for %q: %v, want %v", pattern, text, got, want)
		}
	})
}

func TestManyStarsAreQuick(t *testing.T) {
	if matches(strings.Repeat("a*", 30)+"b", strings.Repeat("a", 5000)) {
		t.Error("it matches")
	}
	if matchesPath(strings.Repeat("**/a/", 30)+"b", strings.Repeat("a/", 2000)+"c") {
		t.Error("it matches")
	}
}
