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

func matchParts(pattern, path []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			if len(pattern) == 1 {
				return len(path) > 0
			}
			for i := range path {
				if matchParts(pattern[1:], path[i:]) {
					return true
				}
			}
			return false
		}
		if len(path) == 0 || !MatchText(pattern[0], path[0]) {
			return false
		}
		pattern, path = pattern[1:], path[1:]
	}
	return len(path) == 0
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
