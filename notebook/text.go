package notebook

import (
	"strings"
	"unicode/utf8"
)

// decodeRune is utf8.DecodeRuneInString, but it also decodes a lone surrogate
// in its three-byte form.
func decodeRune(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 && isSurrogate(s) {
		return rune(s[0]&0x0f)<<12 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3
	}
	return r, n
}

// isSurrogate reports whether s begins with the three-byte form of a surrogate.
func isSurrogate(s string) bool {
	return len(s) >= 3 && s[0] == 0xed && s[1]&0xe0 == 0xa0 && s[2]&0xc0 == 0x80
}

// appendRune is utf8.AppendRune, but it also encodes a lone surrogate.
func appendRune(b []byte, r rune) []byte {
	if 0xd800 <= r && r <= 0xdfff {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}

// surrogateIn returns the first lone surrogate in s.
func surrogateIn(s string) (rune, bool) {
	for i := 0; ; {
		n := strings.IndexByte(s[i:], 0xed)
		if n < 0 {
			return 0, false
		}
		i += n
		if isSurrogate(s[i:]) {
			r, _ := decodeRune(s[i:])
			return r, true
		}
		i++
	}
}

// isSpace is Python's str.isspace for one character.
func isSpace(r rune) bool {
	switch {
	case r < 0x80:
		return r == ' ' || '\t' <= r && r <= '\r' || 0x1c <= r && r <= 0x1f
	case r == 0x85, r == 0xa0, r == 0x1680, 0x2000 <= r && r <= 0x200a,
		r == 0x2028, r == 0x2029, r == 0x202f, r == 0x205f, r == 0x3000:
		return true
	}
	return false
}

// isBlank is Python's str.isspace for a whole string.
func isBlank(s string) bool {
	return s != "" && trimLeft(s) == ""
}

// trimLeft is Python's str.lstrip.
func trimLeft(s string) string { return strings.TrimLeftFunc(s, isSpace) }

// trimRight is Python's str.rstrip.
func trimRight(s string) string { return strings.TrimRightFunc(s, isSpace) }

// fields is Python's str.split.
func fields(s string) []string { return strings.FieldsFunc(s, isSpace) }

// splitLines is Python's str.splitlines(keepends=True).
func splitLines(s string) []string {
	lines := make([]string, 0, strings.Count(s, "\n")+1)
	for s != "" {
		n := lineLen(s)
		lines = append(lines, s[:n])
		s = s[n:]
	}
	return lines
}

// lineLen returns the length of the first line of s, its end included.
func lineLen(s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c > 0x1e && c < 0xc2 {
			continue
		}
		switch {
		case c == '\n', c == '\v', c == '\f', 0x1c <= c && c <= 0x1e:
			return i + 1
		case c == '\r':
			if strings.HasPrefix(s[i+1:], "\n") {
				return i + 2
			}
			return i + 1
		case c == 0xc2 && strings.HasPrefix(s[i+1:], "\x85"):
			return i + 2
		case c == 0xe2 && (strings.HasPrefix(s[i+1:], "\x80\xa8") || strings.HasPrefix(s[i+1:], "\x80\xa9")):
			return i + 3
		}
	}
	return len(s)
}

// splitEnd returns a line without its line end.
func splitEnd(line string) string {
	if body, ok := strings.CutSuffix(line, "\r\n"); ok {
		return body
	}
	for _, end := range []string{"\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\u0085", "\u2028", "\u2029"} {
		if body, ok := strings.CutSuffix(line, end); ok {
			return body
		}
	}
	return line
}
