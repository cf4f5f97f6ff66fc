package merge

import "github.com/slipway-cd/slipway/manifest"

// matchesPath reports whether a path is one of a pattern's files.
func matchesPath(pattern, path string) bool { return manifest.MatchFile(pattern, path) }

// matches reports whether a text is as a pattern.
func matches(pattern, text string) bool { return manifest.MatchText(pattern, text) }

func matchesAny(patterns []string, text string, match func(pattern, text string) bool) bool {
	for _, p := range patterns {
		if match(p, text) {
			return true
		}
	}
	return false
}
