package notebook

// cNumberLen returns the length of the number that s begins with, or what is
// wrong with it. The line end behind it ends every look ahead.
func cNumberLen(s string) (int, string) {
	if s[0] == '0' {
		for _, base := range []struct {
			letter byte
			digits int
			name   string
		}{{'x', 16, "hexadecimal"}, {'o', 8, "octal"}, {'b', 2, "binary"}} {
			if at(s, 1)|0x20 != base.letter {
				continue
			}
			n := 2 + digitsOf(s, 2, base.digits, true)
			if n == 2 || at(s, n) == '_' || isDigit(s, n) {
				return 0, "invalid " + base.name + " literal"
			}
			return n, ""
		}
	}
	return cDecimalLen(s)
}

func cDecimalLen(s string) (int, string) {
	const fault = "invalid decimal literal"
	n := digitsLen(s, 0)
	if n > 0 && at(s, n) == '_' {
		return 0, fault
	}
	if at(s, n) == '.' {
		n++
		n += digitsLen(s, n)
		if isDigit(s, n-1) && at(s, n) == '_' {
			return 0, fault
		}
	}
	if at(s, n)|0x20 == 'e' {
		exp := n + 1
		signed := at(s, exp) == '+' || at(s, exp) == '-'
		if signed {
			exp++
		}
		digits := digitsLen(s, exp)
		switch {
		case digits == 0 && signed:
			return 0, fault
		case digits == 0:
			return n, ""
		}
		if n = exp + digits; at(s, n) == '_' {
			return 0, fault
		}
	}
	if at(s, n)|0x20 == 'j' {
		n++
	}
	return n, ""
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
