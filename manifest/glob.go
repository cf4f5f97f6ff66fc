package manifest

import "strings"

// MatchFile reports whether a path is one of a pattern's files. In a pattern, * is
// any text up to a /, ? one letter, and ** any folders. A pattern without a / is for
// every folder, one that ends with / for all below it, and one that begins with / for
// the root.
func MatchFile(pattern, path string) bool {
	if strings.HasSuffix(pattern, "/") {
		pattern += "**"
	}
	if !strings.Contains(pattern, "/") {
		if pattern == "**" {
			return true
		}
		return MatchText(pattern, path[strings.LastIndexByte(path, '/')+1:])
	}
	return matchParts(strings.Split(strings.TrimPrefix(pattern, "/"), "/"), strings.Split(path, "/"))
}

// matchParts compares folder by folder. Only the last ** that was met is ever tried
// with more folders: whatever suits an earlier one suits it too.
func matchParts(pattern, path []string) bool {
	star, again := -1, 0 // where the last ** stands, and where its folders end
	p, t := 0, 0
	for t < len(path) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			star, again = p, t
			p++
			if p == len(pattern) {
				return true // something is left for it
			}
		case p < len(pattern) && MatchText(pattern[p], path[t]):
			p, t = p+1, t+1
		case star >= 0:
			again++
			p, t = star+1, again
		default:
			return false
		}
	}
	return p == len(pattern)
}

// MatchText reports whether a text is as a pattern, in which * is any text and ?
// one byte.
func MatchText(pattern, text string) bool {
	star, again := -1, 0 // where the last * stands, and where its text ends
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, again = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			again++
			p, t = star+1, again
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
