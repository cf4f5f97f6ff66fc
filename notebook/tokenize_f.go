package notebook

import "strings"

// An fstring is an f-string that is being read.
type fstring struct {
	quote, size int
	row, col    int
	raw         bool
	literal     bool // its text is read, not an expression in it
	spec        bool // the text is a format specification
	depth       int  // open brackets within
	exprDepth   int  // depth at which the innermost expression began; -1 in none
}

// fstringStart begins an f-string whose first quote, c, was read.
func (x *cLexer) fstringStart(start, c int) stop {
	if len(x.strings)+1 >= maxFStrings {
		return x.fail("too many nested f-strings")
	}
	f := fstring{quote: c, size: 1, row: x.row, col: start, literal: true, exprDepth: -1}
	f.raw = strings.ContainsAny(x.line[start:x.pos], "rR")
	quote := string(rune(c))
	if strings.HasPrefix(x.line[x.pos:], quote+quote) {
		f.size = 3
		x.pos += 2
	}
	x.strings = append(x.strings, f)
	return x.put(tokenOther, start)
}

// fstringText reads one token of an f-string's text: a bracket that begins an
// expression, its end, or the text up to one of these.
func (x *cLexer) fstringText() stop {
	f := x.innermost()
	if x.pos >= len(x.line) && !x.readLine() {
		return x.fstringOpen(f, eof)
	}
	rest := x.line[x.pos:]
	if rest[0] == '{' && at(rest, 1) != '{' {
		if f.exprDepth++; f.exprDepth >= maxNested {
			return x.fail("f-string: expressions nested too deeply")
		}
		f.literal = false
		return x.code()
	}
	if strings.HasPrefix(rest, strings.Repeat(string(rune(f.quote)), f.size)) {
		start := x.pos
		x.pos += f.size
		x.strings = x.strings[:len(x.strings)-1]
		return x.put(tokenOther, start)
	}
	return x.fstringMiddle(f)
}

// fstringMiddle reads literal text.
func (x *cLexer) fstringMiddle(f *fstring) stop {
	row, start := x.row, x.pos
	named := false // within \N{...}
	for ended := 0; ended < f.size; {
		c := x.nextc()
		spec := f.spec && f.exprDepth >= 0
		if c == eof || c == '\n' && f.size == 1 {
			if spec && c == '\n' {
				x.backup(c)
				f.literal, f.spec = false, false
				return x.middle(row, start, x.pos)
			}
			return x.fstringOpen(f, c)
		}
		if c == f.quote {
			ended++
			continue
		}
		ended = 0
		switch c {
		case '{':
			return x.brace(f, row, start, x.peek() != '{' || spec)
		case '}':
			if named {
				return x.middle(row, start, x.pos)
			}
			return x.brace(f, row, start, x.peek() != '}' || spec || f.depth != 0)
		case '\\':
			named = x.fstringEscape(f) || named
		}
	}
	x.pos -= f.size
	return x.middle(row, start, x.pos)
}

// brace ends literal text at a brace that was read: a single one leads to an
// expression or out of it, a double one is text.
func (x *cLexer) brace(f *fstring, row, start int, single bool) stop {
	if !single {
		x.pos++
		return x.middle(row, start, x.pos-1)
	}
	x.pos--
	if x.line[x.pos] == '{' {
		if f.exprDepth++; f.exprDepth >= maxNested {
			return x.fail("f-string: expressions nested too deeply")
		}
	}
	f.literal, f.spec = false, false
	return x.middle(row, start, x.pos)
}

// fstringEscape reads what a backslash escapes, and reports whether that
// begins a character's name.
func (x *cLexer) fstringEscape(f *fstring) bool {
	c := x.nextc()
	if c == '\r' {
		c = x.nextc()
	}
	switch {
	case c == '{' || c == '}':
		x.backup(c)
	case c == 'N' && !f.raw && x.peek() == '{':
		x.pos++
		return true
	}
	return false
}

// peek returns the next byte of the line, or 0.
func (x *cLexer) peek() byte { return at(x.line, x.pos) }

func (x *cLexer) middle(row, start, end int) stop {
	if row == x.row {
		x.sink.token(x.token(tokenText, start, end))
	} else {
		x.sink.token(token{kind: tokenText, line: row, col: start, end: end})
	}
	return goOn
}

func (x *cLexer) fstringOpen(f *fstring, c int) stop {
	if x.fault != "" {
		return x.end()
	}
	x.row = f.row
	if f.size == 3 && c == eof {
		return x.fail("unterminated triple-quoted f-string literal")
	}
	return x.fail("unterminated f-string literal")
}
