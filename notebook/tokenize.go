package notebook

import (
	"strings"
)

// pyLexer is the tokenizer of Python up to 3.11, which was written in Python
// with regular expressions: what matches nothing is an error token of one
// character, and reading goes on.
type pyLexer struct {
	unicode unicodeVersion
	lines   []string
	sink    tokenSink

	row       int
	line      string
	indents   []int
	depth     int  // open brackets; below zero after a closing one too many
	continued bool // the line before ended in a backslash
	str       openString
	need      bool    // an open string goes on only behind a backslash
	dead      [2]bool // no further ' or " on this line begins a string
}

// An openString is a string that goes on on the next line.
type openString struct {
	quote string // "" where no string is open
	row   int
	col   int
}

func (x *pyLexer) run(lines []string, from lexState, sink tokenSink) error {
	*x = pyLexer{unicode: x.unicode, lines: lines, sink: sink, row: from.row, indents: append(x.indents[:0], from.indents...)}
	if len(x.indents) == 0 {
		x.indents = append(x.indents, 0)
	}
	for ; x.row < len(lines); x.row++ {
		clean := x.depth == 0 && !x.continued && !x.need && x.str.quote == ""
		if sink.startLine(lexState{row: x.row, indents: x.indents}, clean) {
			return nil
		}
		x.line, x.dead = lines[x.row], [2]bool{}
		more, err := x.physicalLine()
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	x.finish()
	return nil
}

// physicalLine reads one line; it is false where reading ends.
func (x *pyLexer) physicalLine() (bool, error) {
	pos := 0
	switch {
	case x.str.quote != "":
		var closed bool
		if pos, closed = x.continueString(); !closed {
			return true, nil
		}
	case x.depth == 0 && !x.continued:
		var column int
		pos, column = x.measure()
		if pos == len(x.line) {
			return false, nil
		}
		if c := x.line[pos]; c == '#' || c == '\r' || c == '\n' {
			x.blankLine(pos)
			return true, nil
		}
		if err := x.indent(pos, column); err != nil {
			return false, err
		}
	default:
		x.continued = false
	}
	for pos < len(x.line) {
		pos = x.next(pos)
	}
	return true, nil
}

// measure returns where the line's text begins, and in which column.
func (x *pyLexer) measure() (pos, column int) {
	for pos < len(x.line) {
		switch x.line[pos] {
		case ' ':
			column++
		case '\t':
			column = (column/8 + 1) * 8
		case '\f':
			column = 0
		default:
			return pos, column
		}
		pos++
	}
	return pos, column
}

func (x *pyLexer) blankLine(pos int) {
	if x.line[pos] == '#' {
		end := len(strings.TrimRight(x.line, "\r\n"))
		x.put(token{kind: tokenComment, col: pos, end: end})
		pos = end
	}
	x.put(token{kind: tokenNL, col: pos, end: len(x.line)})
}

func (x *pyLexer) indent(pos, column int) error {
	if column > x.indents[len(x.indents)-1] {
		x.indents = append(x.indents, column)
		x.put(token{kind: tokenIndent, end: pos})
	}
	for column < x.indents[len(x.indents)-1] {
		if !containsSorted(x.indents, column) {
			return &Error{Line: x.row + 1, Msg: "unindent does not match any outer indentation level"}
		}
		x.indents = x.indents[:len(x.indents)-1]
		x.put(token{kind: tokenDedent, col: pos, end: pos})
	}
	return nil
}

// containsSorted looks from the top, where a match is likely.
func containsSorted(indents []int, column int) bool {
	for i := len(indents) - 1; i >= 0 && indents[i] >= column; i-- {
		if indents[i] == column {
			return true
		}
	}
	return false
}

// continueString looks for the end of the open string. It returns the column
// behind it, and whether reading goes on there.
func (x *pyLexer) continueString() (int, bool) {
	end, ok := stringEnd(x.line, 0, x.str.quote)
	t := token{kind: tokenString, line: x.str.row, col: x.str.col, end: end}
	switch {
	case ok:
		x.sink.token(t)
		x.str, x.need = openString{}, false
		return end, true
	case x.need && !strings.HasSuffix(x.line, "\\\n") && !strings.HasSuffix(x.line, "\\\r\n"):
		// Python forgets to reset what it needs; a later string inherits it.
		t.kind, t.end = tokenError, len(x.line)
		x.sink.token(t)
		x.str = openString{}
	}
	return 0, false
}

// stringEnd returns the offset behind the closing quote of a string whose text
// begins at pos.
func stringEnd(line string, pos int, quote string) (int, bool) {
	for pos < len(line) {
		switch {
		case line[pos] == '\\':
			if pos+1 >= len(line) || line[pos+1] == '\n' {
				return 0, false
			}
			pos += 2
		case line[pos] == quote[0] && strings.HasPrefix(line[pos:], quote):
			return pos + len(quote), true
		default:
			pos++
		}
	}
	return 0, false
}

// next reads the token at pos, with the whitespace before it, and returns the
// offset behind it.
func (x *pyLexer) next(pos int) int {
	start := pos
	for start < len(x.line) && isBlankByte(x.line[start]) {
		start++
	}
	if start == len(x.line) {
		return start
	}
	switch c := x.line[start]; {
	case c == '\\' && isLineEnd(x.line[start+1:]):
		x.continued = true
		return len(x.line)
	case c == '#':
		end := start + commentLen(x.line[start:])
		x.put(token{kind: tokenComment, col: start, end: end})
		return end
	case c == '\n', c == '\r' && isLineEnd(x.line[start:]):
		return x.lineEnd(start)
	}
	return x.lexeme(pos, start)
}

// lexeme reads the token that begins at start, behind whitespace from pos on.
func (x *pyLexer) lexeme(pos, start int) int {
	rest := x.line[start:]
	n := nameLen(rest, false)
	if c := at(rest, n); n <= 2 && (c == '\'' || c == '"') {
		if end := x.quoted(start, n); end > 0 {
			return end
		}
	}
	switch {
	case isDigit(rest, 0), rest[0] == '.' && isDigit(rest, 1):
		n = pyNumberLen(rest)
		x.put(token{col: start, end: start + n})
		return start + n
	case n == 0 && rest[0] < 0x80:
		if n = operatorLen(rest); n == 0 {
			return x.strays(pos, start)
		}
		return x.operator(start, n)
	case at(rest, n) >= 0x80:
		if n = x.wordLen(start); n == 0 {
			return x.strays(pos, start)
		}
	}
	t := token{col: start, end: start + n, kind: tokenName}
	if rest[0] >= 0x80 {
		if r, _ := decodeRune(rest); !x.unicode.nameStart(r) {
			t.kind = tokenOther
		}
	}
	x.put(t)
	return start + n
}

// strays emits error tokens for the whitespace from pos and the character at
// start, which begins no token.
func (x *pyLexer) strays(pos, start int) int {
	for ; pos < start; pos++ {
		x.put(token{kind: tokenError, sp: true, col: pos, end: pos + 1})
	}
	r, n := decodeRune(x.line[start:])
	x.put(token{kind: tokenError, sp: isSpace(r), col: start, end: start + n})
	return start + n
}

func (x *pyLexer) lineEnd(start int) int {
	kind := tokenNewline
	if x.depth > 0 {
		kind = tokenNL
	}
	x.put(token{kind: kind, col: start, end: len(x.line)})
	return len(x.line)
}

func (x *pyLexer) operator(start, n int) int {
	switch x.line[start] {
	case '(', '[', '{':
		x.depth++
	case ')', ']', '}':
		x.depth--
	}
	x.put(token{col: start, end: start + n})
	return start + n
}

// quoted reads a string that begins at start with a prefix of some length, and
// returns the offset behind it; 0 where there is none.
func (x *pyLexer) quoted(start, prefix int) int {
	at := start + prefix
	if !validPrefix(x.line[start:at]) {
		return 0
	}
	quote := x.line[at : at+1]
	if strings.HasPrefix(x.line[at+1:], quote) && strings.HasPrefix(x.line[at+2:], quote) {
		return x.openOrWhole(start, at+3, x.line[at:at+3])
	}
	dead := &x.dead[0]
	if quote == `"` {
		dead = &x.dead[1]
	}
	if *dead {
		return 0
	}
	end, open := singleEnd(x.line, at+1, quote[0])
	switch {
	case open:
		x.str, x.need = openString{quote: quote, row: x.row, col: start}, true
		return len(x.line)
	case end == 0:
		// What this scan has seen, every later one on this line will see.
		*dead = true
		return 0
	}
	x.put(token{kind: tokenString, col: start, end: end})
	return end
}

func (x *pyLexer) openOrWhole(start, pos int, quote string) int {
	end, ok := stringEnd(x.line, pos, quote)
	if !ok {
		x.str = openString{quote: quote, row: x.row, col: start}
		return len(x.line)
	}
	x.put(token{kind: tokenString, col: start, end: end})
	return end
}

// singleEnd returns the offset behind the closing quote on the same line, 0
// where there is none, or true where the string goes on on the next line.
func singleEnd(line string, pos int, quote byte) (end int, open bool) {
	for pos < len(line) {
		switch line[pos] {
		case quote:
			return pos + 1, false
		case '\n':
			return 0, false
		case '\\':
			rest := line[pos+1:]
			if isLineEnd(rest) {
				return 0, true
			}
			if rest == "" {
				return 0, false
			}
			pos += 2
		default:
			pos++
		}
	}
	return 0, false
}

// wordLen returns the length of the word at start.
func (x *pyLexer) wordLen(start int) int {
	pos := start
	for pos < len(x.line) {
		r, n := decodeRune(x.line[pos:])
		if !x.unicode.word(r) {
			break
		}
		pos += n
	}
	return pos - start
}

func (x *pyLexer) put(t token) {
	t.line = x.row
	if t.end == t.col+1 {
		t.ch = x.line[t.col]
	}
	x.sink.token(t)
}

// finish emits what stands at the end of the input. An open bracket or string
// is an error to Python, behind which nothing comes.
func (x *pyLexer) finish() {
	if x.row == len(x.lines) && (x.depth != 0 || x.continued || x.str.quote != "") {
		return
	}
	last := ""
	if x.row > 0 {
		last = x.lines[x.row-1]
	}
	row := max(x.row-1, 0)
	if last != "" && !strings.HasSuffix(last, "\n") && !strings.HasSuffix(last, "\r") && !strings.HasPrefix(trimLeft(last), "#") {
		x.sink.token(token{kind: tokenNewline, line: row, col: len(last), end: len(last)})
	}
	for range x.indents[1:] {
		x.sink.token(token{kind: tokenDedent, line: x.row})
	}
	x.sink.token(token{kind: tokenEnd, line: x.row})
}
