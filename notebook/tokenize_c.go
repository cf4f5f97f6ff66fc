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
