package build

import (
	"path"
	"strings"
)

// isPattern reports whether a path names more than itself.
func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// matches reports whether a file lies at or below a path, or below what a
// pattern matches. A segment "**" stands for any number of folders.
func matches(pattern, file string) bool {
	return matchSegments(strings.Split(path.Clean(pattern), "/"), strings.Split(file, "/"))
}

func matchSegments(pattern, file []string) bool {
	switch {
	case len(pattern) == 0:
		return true // the file lies below what matched
	case pattern[0] == ".":
		return matchSegments(pattern[1:], file)
	case pattern[0] == "**" && len(pattern) == 1:
		return true
	case len(file) == 0:
		return false
	case pattern[0] == "**":
		return matchSegments(pattern[1:], file) || matchSegments(pattern, file[1:])
	}
	ok, err := path.Match(pattern[0], file[0])
	return ok && err == nil && matchSegments(pattern[1:], file[1:])
}
