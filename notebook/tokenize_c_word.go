package notebook

import "strings"

// word reads a name, or the string whose prefix it is.
func (x *cLexer) word(start int) stop {
	n := nameLen(x.line[start:], true)
	x.pos = start + n
	if c := int(x.peek()); n <= 2 && (c == '\'' || c == '"') && validPrefix(x.line[start:x.pos]) {
		x.pos++
		if strings.ContainsAny(x.line[start:x.pos-1], "fF") {
			return x.fstringStart(start, c)
		}
		return x.str(start, c)
	}
	return x.put(tokenName, start)
}

// str reads a string whose first quote, c, was read.
func (x *cLexer) str(start, c int) stop {
	row, size := x.row, 1
	quote := string(rune(c))
	if strings.HasPrefix(x.line[x.pos:], quote+quote) {
		size, x.pos = 3, x.pos+2
	}
	for ended := 0; ended < size; {
		switch n := x.nextc(); {
		case n == eof && x.fault != "":
			return x.end()
		case n == eof, n == '\n' && size == 1:
			x.row = row
			return x.unterminated(c, size)
		case n == c:
			ended++
		case n == '\\':
			ended = 0
			if x.nextc() == '\r' {
				x.nextc()
			}
		default:
			ended = 0
		}
	}
	t := token{kind: tokenString, line: row, col: start, end: x.pos}
	x.sink.token(t)
	return goOn
}

func (x *cLexer) unterminated(quote, size int) stop {
	if n := len(x.strings); n > 0 && x.strings[n-1].quote == quote && x.strings[n-1].size == size {
		return x.fail("f-string: expecting '}'")
	}
	if size == 3 {
		return x.fail("unterminated triple-quoted string")
	}
	return x.fail("unterminated string literal")
}

// put emits the token from start to here, on this line.
func (x *cLexer) put(kind tokenKind, start int) stop {
	x.sink.token(x.token(kind, start, x.pos))
	return goOn
}

func (x *cLexer) token(kind tokenKind, start, end int) token {
	t := token{kind: kind, line: x.row, col: start, end: end}
	if end == start+1 && kind != tokenNewline && kind != tokenNL {
		t.ch = x.line[start]
	}
	return t
}

// operator reads an operator or bracket that begins with c.
func (x *cLexer) operator(start, c int) stop {
	f := x.expression()
	if f != nil && c == ':' && f.depth-1 == f.exprDepth {
		f.literal, f.spec = true, true
		return x.put(tokenOther, start)
	}
	if n := cOperatorLen(x.line[start:]); n > 1 {
		x.pos = start + n
		return x.put(tokenOther, start)
	}
	switch c {
	case '(', '[', '{':
		if x.brackets >= maxBrackets {
			return x.fail("too many nested parentheses")
		}
		x.brackets++
		if f := x.innermost(); f != nil {
			f.depth++
		}
	case ')', ']', '}':
		if s := x.closing(c); s != goOn {
			return s
		}
	}
	if c < ' ' || c == 0x7f {
		return x.fail("invalid non-printable character")
	}
	return x.put(tokenOther, start)
}

// cOperatorLen returns the length of the operator of more than one character
// that s begins with, or 1.
func cOperatorLen(s string) int {
	if strings.HasPrefix(s, "<>") {
		return 2
	}
	if s[0] == '.' {
		return 1
	}
	return max(operatorLen(s), 1)
}

func (x *cLexer) closing(c int) stop {
	f := x.innermost()
	if f != nil && f.depth == 0 && c == '}' {
		return x.fail("f-string: single '}' is not allowed")
	}
	x.brackets = max(x.brackets-1, 0)
	if f == nil {
		return goOn
	}
	if f.depth--; f.depth < 0 {
		return x.fail("f-string: unmatched '" + string(rune(c)) + "'")
	}
	if c == '}' && f.depth == f.exprDepth {
		f.exprDepth--
		f.literal, f.spec = true, false
	}
	return goOn
}

func (x *cLexer) innermost() *fstring {
	if n := len(x.strings); n > 0 {
		return &x.strings[n-1]
	}
	return nil
}

// expression returns the innermost f-string where an expression of it is read.
func (x *cLexer) expression() *fstring {
	if f := x.innermost(); f != nil && f.exprDepth >= 0 {
		return f
	}
	return nil
}

// number reads a number.
func (x *cLexer) number(start int) stop {
	n, fault := cNumberLen(x.line[start:])
	if fault != "" {
		return x.fail(fault)
	}
	x.pos = start + n
	return x.put(tokenOther, start)
}
