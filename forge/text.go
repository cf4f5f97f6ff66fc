package forge

import (
	"strings"
	"unicode/utf8"
)

// Cut shortens a text to so many bytes, between two characters, and shows that it
// did. It is for the texts that a Publisher writes.
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const mark = " …"
	end := most - len(mark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

// FirstLine is the part of a summary that fits where a forge has one line.
func FirstLine(summary string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(summary), "\n")
	return strings.TrimSpace(line)
}

// SameText says whether two texts differ in nothing but what forges change in a text
// that they keep: the ends of lines, and space around it.
func SameText(a, b string) bool {
	plain := strings.NewReplacer("\r\n", "\n")
	return strings.TrimSpace(plain.Replace(a)) == strings.TrimSpace(plain.Replace(b))
}
