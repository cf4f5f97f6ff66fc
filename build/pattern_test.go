package build

import "testing"

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, file string
		want          bool
	}{
		{"lib", "lib/a.py", true},
		{"lib/", "lib/deep/a.py", true},
		{"./lib", "lib/a.py", true},
		{".", "a.py", true},
		{"lib", "lib2/a.py", false},
		{"lib/a.py", "lib/a.py", true},
		{"lib/a.py", "lib", false},
		{"*.py", "a.py", true},
		{"*.py", "lib/a.py", false},
		{"lib/*", "lib/deep/a.py", true}, // the folder matches, and it lies below
		{"**", "lib/a.py", true},
		{"**/*.py", "a.py", true},
		{"**/*.py", "lib/deep/a.py", true},
		{"lib/**/*.py", "lib/a.py", true},
		{"lib/**/*.py", "lib/deep/er/a.py", true},
		{"lib/**/*.py", "lib/a.txt", false},
		{"lib/**", "lib/a.txt", true},
		{"[ab].py", "b.py", true},
		{"?.py", "ab.py", false},
	} {
		if got := matches(tt.pattern, tt.file); got != tt.want {
			t.Errorf("matches(%q, %q) is %v", tt.pattern, tt.file, got)
		}
	}
}
