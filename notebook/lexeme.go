package notebook

import "strings"

// isBlankByte reports whether c separates tokens within a line.
func isBlankByte(c byte) bool { return c == ' ' || c == '\t' || c == '\f' }

// isLineEnd reports whether s begins with a line end that Python's tokenizer
// knows.
func isLineEnd(s string) bool {
	return strings.HasPrefix(s, "\n") || strings.HasPrefix(s, "\r\n")
}

// commentLen returns the length of the comment that s begins with.
func commentLen(s string) int {
	if n := strings.IndexAny(s, "\r\n"); n >= 0 {
		return n
	}
	return len(s)
}

// operatorLen returns the length of the operator that s begins with; 0 where
// there is none.
func operatorLen(s string) int {
	c, next := s[0], at(s, 1)
	switch c {
	case '(', ')', '[', ']', '{', '}', ',', ';', '~':
		return 1
	case '=', '+', '%', '&', '|', '^', '@', ':':
		return 1 + count(next == '=')
	case '-':
		return 1 + count(next == '=' || next == '>')
	case '*', '/', '<', '>':
		if next == c {
			return 2 + count(at(s, 2) == '=')
		}
		return 1 + count(next == '=')
	case '!':
		return 2 * count(next == '=')
	case '.':
		return 1 + 2*count(next == '.' && at(s, 2) == '.')
	}
	return 0
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// prefixLen returns the length of the string prefix, as in rb"", that s begins
// with; 0 where no quote follows.
func prefixLen(s string) int {
	n := 0
	for n < len(s) && n < 3 {
		switch s[n] {
		case '\'', '"':
			if validPrefix(s[:n]) {
				return n
			}
			return 0
		}
		n++
	}
	return 0
}

func validPrefix(s string) bool {
	switch strings.ToLower(s) {
	case "", "b", "r", "u", "f", "br", "rb", "fr", "rf":
		return true
	}
	return false
}

// nameLen returns the length of the ASCII letters, digits and underscores, and
// with all the bytes of other characters, that s begins with.
func nameLen(s string, all bool) int {
	for i := range len(s) {
		if c := s[i]; !isNameByte(int(c)) || c >= 0x80 && !all {
			return i
		}
	}
	return len(s)
}

func isDigit(s string, i int) bool { return i < len(s) && '0' <= s[i] && s[i] <= '9' }

// at returns the byte at i, or 0 behind the end.
func at(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}
