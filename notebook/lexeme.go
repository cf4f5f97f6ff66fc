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

// pyNumberLen returns the length of the number that s begins with, as the
// regular expressions of Python's tokenizer find it: "0x" is 0 and a name.
func pyNumberLen(s string) int {
	if !isDigit(s, 0) && !(s[0] == '.' && isDigit(s, 1)) {
		return 0
	}
	whole := digitsLen(s, 0)
	end := floatLen(s, whole)
	switch {
	case end > 0 && at(s, end)|0x20 == 'j':
		return end + 1
	case end == 0 && at(s, whole)|0x20 == 'j':
		return whole + 1
	case end > 0:
		return end
	}
	return intLen(s)
}

// floatLen returns the length of the float that s begins with, whole digits
// of it before the point; 0 where it is none.
func floatLen(s string, whole int) int {
	end := 0
	if at(s, whole) == '.' {
		end = whole + 1
		end += digitsLen(s, end)
	}
	start := max(end, whole)
	if at(s, start)|0x20 != 'e' {
		return end
	}
	exp := start + 1
	if c := at(s, exp); c == '+' || c == '-' {
		exp++
	}
	if n := digitsLen(s, exp); n > 0 {
		return exp + n
	}
	return end
}

func intLen(s string) int {
	if s[0] != '0' {
		return digitsLen(s, 0)
	}
	for _, base := range []struct {
		letter byte
		digits int
	}{{'x', 16}, {'b', 2}, {'o', 8}} {
		if at(s, 1)|0x20 == base.letter {
			if n := digitsOf(s, 2, base.digits, true); n > 0 {
				return 2 + n
			}
		}
	}
	return digitsOf(s, 0, 1, false)
}

// digitsLen returns the length of the decimal digits at i, with single
// underscores between them.
func digitsLen(s string, i int) int { return digitsOf(s, i, 10, false) }

// digitsOf is digitsLen for the digits of any base; with lead an underscore may
// come first.
func digitsOf(s string, i, base int, lead bool) int {
	n := 0
	for i+n < len(s) {
		switch c := s[i+n]; {
		case inBase(c, base):
			n++
		case c == '_' && (n > 0 || lead) && i+n+1 < len(s) && inBase(s[i+n+1], base):
			n += 2
		default:
			return n
		}
	}
	return n
}

// inBase reports whether c is a digit below base.
func inBase(c byte, base int) bool {
	d := hexDigit(c)
	return d >= 0 && d < base
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
