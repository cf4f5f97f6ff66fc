package notebook

import (
	"strings"
)

// cLexer is the tokenizer of Python from 3.12 on, which is the C one of the
// compiler: it takes f-strings apart, and stops at the first fault.
type cLexer struct {
	lines []string
	sink  tokenSink

	row  int    // the line that is read
	line string // its text, always with a newline at the end
	pos  int
	done bool // all lines are read

	bol      bool // at the beginning of a line, before its indentation
	indents  []int
	alts     []int // the same, where a tab counts one column
	pending  int   // indents (above zero) or dedents to be emitted
	blank    bool  // the line holds no code
	comment  bool  // a comment stood alone on its line
	brackets int
	strings  []fstring // the f-strings that are open

	fault    string // why reading stopped before the end; "" where it did not
	faultRow int
}

const (
	eof         = -1
	maxBrackets = 200
	maxIndents  = 100
	maxFStrings = 150
	maxNested   = 3
)

// stop is what a step of the lexer returns: go on, the end, a fault at which
// reading ends in silence, or an error that ends the conversion.
type stop uint8

const (
	goOn stop = iota
	atEnd
	atFault
	raised
)

func (x *cLexer) run(lines []string, from lexState, sink tokenSink) error {
	*x = cLexer{
		lines: lines, sink: sink, row: from.row - 1, bol: true, strings: x.strings[:0],
		indents: append(x.indents[:0], from.indents...), alts: append(x.alts[:0], from.alts...),
	}
	if len(x.indents) == 0 {
		x.indents, x.alts = append(x.indents, 0), append(x.alts, 0)
	}
	for {
		switch x.next() {
		case goOn:
		case atEnd:
			return nil
		case atFault:
			if caughtFault(x.fault) {
				x.sink.token(token{kind: tokenError, line: max(x.row, 0)})
			}
			return nil
		case raised:
			return &Error{Line: x.row + 1, Msg: x.fault}
		}
	}
}

// caughtFault reports whether IPython puts an error token in place of what it
// could not read.
func caughtFault(fault string) bool {
	for _, known := range []string{
		"unterminated string literal", "invalid non-printable character",
		"after line continuation character", "expected EOF",
	} {
		if strings.Contains(fault, known) {
			return true
		}
	}
	return false
}

func (x *cLexer) fail(fault string) stop {
	if x.fault == "" {
		x.fault, x.faultRow = fault, x.row
	}
	return atFault
}

func (x *cLexer) raise(fault string) stop {
	x.fail(fault)
	return raised
}

// nextc returns the next byte, or eof.
func (x *cLexer) nextc() int {
	if x.pos >= len(x.line) && !x.readLine() {
		return eof
	}
	x.pos++
	return int(x.line[x.pos-1])
}

func (x *cLexer) readLine() bool {
	if x.done || x.fault != "" {
		return false
	}
	if x.row+1 >= len(x.lines) {
		x.done = true
		return false
	}
	x.row++
	x.line, x.pos = x.lines[x.row], 0
	if !strings.HasSuffix(x.line, "\n") {
		x.line += "\n"
	}
	if r, ok := surrogateIn(x.line); ok {
		x.raise("it holds the lone surrogate " + unicode15.repr(string(appendRune(nil, r))))
		x.pos = len(x.line)
		return false
	}
	if strings.IndexByte(x.line, 0) >= 0 {
		x.fail("source code cannot contain null bytes")
		x.pos = len(x.line)
		return false
	}
	return true
}

func (x *cLexer) backup(c int) {
	if c != eof {
		x.pos--
	}
}

// next reads one token.
func (x *cLexer) next() stop {
	if n := len(x.strings); n > 0 && x.strings[n-1].literal {
		return x.fstringText()
	}
	return x.code()
}

// code reads one token outside of the literal text of an f-string.
func (x *cLexer) code() stop {
	x.blank = false
	if x.bol {
		if x.row+1 < len(x.lines) && x.sink.startLine(
			lexState{row: x.row + 1, indents: x.indents, alts: x.alts}, x.brackets == 0 && len(x.strings) == 0,
		) {
			return atEnd
		}
		x.bol = false
		if s := x.indentation(); s != goOn {
			return s
		}
	}
	if x.pending != 0 {
		return x.indentToken()
	}
	for {
		c := x.nextc()
		for c == ' ' || c == '\t' || c == '\f' {
			c = x.nextc()
		}
		if c != '\\' {
			return x.lexeme(c)
		}
		if s := x.continuation(); s != goOn {
			return s
		}
	}
}

// indentation measures the line's indentation.
func (x *cLexer) indentation() stop {
	col, alt, cont := 0, 0, 0
	var c int
measure:
	for {
		switch c = x.nextc(); c {
		case ' ':
			col, alt = col+1, alt+1
		case '\t':
			col, alt = (col/8+1)*8, alt+1
		case '\f':
			col, alt = 0, 0
		case '\\':
			if cont == 0 {
				cont = col
			}
			if s := x.continuation(); s != goOn {
				return s
			}
		default:
			break measure
		}
	}
	x.backup(c)
	x.blank = c == '#' || c == '\n' || c == '\r'
	if x.blank || x.brackets > 0 {
		return goOn
	}
	if cont > 0 {
		col, alt = cont, cont
	}
	s := x.indent(col, alt)
	if x.fault != "" && x.pending != 0 {
		// Python itself breaks where a null byte meets a dedent.
		return raised
	}
	return s
}

func (x *cLexer) indent(col, alt int) stop {
	top := len(x.indents) - 1
	switch {
	case col == x.indents[top]:
	case col > x.indents[top]:
		if top+1 >= maxIndents {
			return x.raise("too many levels of indentation")
		}
		if alt <= x.alts[top] {
			return x.raise(inconsistentTabs)
		}
		x.pending++
		x.indents, x.alts = append(x.indents, col), append(x.alts, alt)
		return goOn
	default:
		for top > 0 && col < x.indents[top] {
			x.pending--
			top--
		}
		x.indents, x.alts = x.indents[:top+1], x.alts[:top+1]
		if col != x.indents[top] {
			return x.raise("unindent does not match any outer indentation level")
		}
	}
	if alt != x.alts[top] {
		return x.raise(inconsistentTabs)
	}
	return goOn
}

const inconsistentTabs = "inconsistent use of tabs and spaces in indentation"

func (x *cLexer) indentToken() stop {
	t := token{kind: tokenIndent, line: x.row, end: x.pos}
	if x.pending < 0 {
		t.kind, t.col = tokenDedent, x.pos
		x.pending++
	} else {
		x.pending--
	}
	x.sink.token(t)
	return goOn
}

// continuation reads the line end behind a backslash.
func (x *cLexer) continuation() stop {
	c := x.nextc()
	if c == '\r' {
		c = x.nextc()
	}
	if c != '\n' {
		return x.fail("unexpected character after line continuation character")
	}
	if c = x.nextc(); c == eof && x.fault != "" {
		return x.end()
	} else if c == eof {
		return x.fail("unexpected EOF in multi-line statement")
	}
	x.backup(c)
	return goOn
}

// lexeme reads the token that begins with c.
func (x *cLexer) lexeme(c int) stop {
	start := x.pos - 1
	switch {
	case c == '#':
		return x.commentToken(start)
	case c == eof:
		return x.end()
	case isNameByte(c) && !isDigitByte(c):
		return x.word(start)
	}
	if c == '\r' {
		c = x.nextc()
	}
	switch {
	case c == '\n':
		return x.newline(start)
	case isDigitByte(c), c == '.' && isDigit(x.line, x.pos):
		return x.number(start)
	case c == '.' && strings.HasPrefix(x.line[x.pos:], ".."):
		x.pos += 2
		return x.put(tokenOther, start)
	case c == '\'' || c == '"':
		return x.str(start, c)
	}
	return x.operator(start, c)
}

func isDigitByte(c int) bool { return '0' <= c && c <= '9' }

func isNameByte(c int) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || isDigitByte(c) || c == '_' || c >= 0x80
}

func (x *cLexer) commentToken(start int) stop {
	x.pos = start + commentLen(x.line[start:])
	x.comment = x.blank
	return x.put(tokenComment, start)
}

func (x *cLexer) end() stop {
	switch {
	case x.fault != "":
		if strings.HasPrefix(x.fault, "it holds") {
			return raised
		}
		return atFault
	case x.brackets > 0:
		return x.fail("unexpected EOF in multi-line statement")
	}
	x.sink.token(token{kind: tokenEnd, line: x.row + 1})
	return atEnd
}

func (x *cLexer) newline(start int) stop {
	kind := tokenNewline
	if x.blank || x.brackets > 0 || x.comment {
		kind = tokenNL
	}
	x.bol, x.comment = true, false
	return x.put(kind, start)
}

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
