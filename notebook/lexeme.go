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

// operators are Python's operators of more than one character, long ones first.
//
//nolint:gochecknoglobals // immutable table
var operators = []string{
	"**=", "//=", ">>=", "<<=", "...",
	"!=", "%=", "&=", "**", "*=", "+=", "-=", "->", "//", "/=", ":=", "<<", "<=", "==", ">=", ">>", "@=", "^=", "|=",
}

// operatorLen returns the length of the operator that s begins with; 0 where
// there is none.
func operatorLen(s string) int {
	if strings.IndexByte("%&()*+,-./:;<=>@[]^{|}~!", s[0]) < 0 {
		return 0
	}
	if len(s) > 1 && strings.IndexByte("*/><.=->:&|^@", s[1]) >= 0 {
		for _, op := range operators {
			if strings.HasPrefix(s, op) {
				return len(op)
			}
		}
	}
	if s[0] == '!' {
		return 0
	}
	return 1
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
		digits string
	}{{'x', "0123456789abcdefABCDEF"}, {'b', "01"}, {'o', "01234567"}} {
		if at(s, 1)|0x20 == base.letter {
			if n := digitsOf(s, 2, base.digits, true); n > 0 {
				return 2 + n
			}
		}
	}
	return digitsOf(s, 0, "0", false)
}

// digitsLen returns the length of the decimal digits at i, with single
// underscores between them.
func digitsLen(s string, i int) int { return digitsOf(s, i, "0123456789", false) }

// digitsOf is digitsLen for any digits; with lead an underscore may come first.
func digitsOf(s string, i int, digits string, lead bool) int {
	n := 0
	for i+n < len(s) {
		switch {
		case strings.IndexByte(digits, s[i+n]) >= 0:
			n++
		case s[i+n] == '_' && (n > 0 || lead) && i+n+1 < len(s) && strings.IndexByte(digits, s[i+n+1]) >= 0:
			n += 2
		default:
			return n
		}
	}
	return n
}

func isDigit(s string, i int) bool { return i < len(s) && '0' <= s[i] && s[i] <= '9' }

// at returns the byte at i, or 0 behind the end.
func at(s string, i int) byte {
	if i < len(s) {
		return s[i]
	}
	return 0
}
