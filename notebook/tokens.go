package notebook

import "strings"

// A TokenKind is the kind of a [Token].
type TokenKind uint8

// The kinds of tokens.
const (
	TokenOperator TokenKind = iota // an operator, a bracket, a number, either end of an f-string
	TokenName                      // an identifier or a keyword
	TokenString                    // a string, or literal text of an f-string
	TokenComment                   // a comment
	TokenNewline                   // the end of a statement
	TokenIndent                    // a block begins
	TokenDedent                    // a block ends
)

// A Token is one token of Python code. Line and column count from 0, columns
// in bytes; they are those of its first character.
type Token struct {
	Kind   TokenKind
	Text   string // empty where it goes over several lines
	Line   int
	Column int
}

// Tokens cuts Python code into tokens as Python 3.13 does, f-strings taken
// apart. Magics are not Python. It is false where the code cannot be cut to its
// end; the tokens up to there are returned nevertheless.
func Tokens(code string) ([]Token, bool) {
	sink := &tokenList{lines: splitPlain(code)}
	lexer := &cLexer{}
	err := lexer.run(sink.lines, lexState{}, sink)
	return sink.tokens, err == nil && lexer.fault == ""
}

// splitPlain splits code into lines that end in a newline, whichever line ends
// it has.
func splitPlain(code string) []string {
	code = strings.ReplaceAll(code, "\r\n", "\n")
	lines := strings.SplitAfter(strings.ReplaceAll(code, "\r", "\n"), "\n")
	last := len(lines) - 1
	if lines[last] == "" {
		return lines[:last]
	}
	lines[last] += "\n"
	return lines
}

type tokenList struct {
	wholeText
	lines  []string
	tokens []Token
}

func (l *tokenList) token(t token) {
	kind := TokenOperator
	switch t.kind {
	case tokenName:
		kind = TokenName
	case tokenString, tokenText:
		kind = TokenString
	case tokenComment:
		kind = TokenComment
	case tokenNewline:
		kind = TokenNewline
	case tokenIndent:
		kind = TokenIndent
	case tokenDedent:
		kind = TokenDedent
	case tokenOther:
	case tokenNL, tokenError, tokenEnd:
		return
	}
	text := ""
	if kind <= TokenComment && t.line < len(l.lines) && t.col <= t.end && t.end <= len(l.lines[t.line]) {
		text = l.lines[t.line][t.col:t.end]
	}
	if t.kind == tokenString && !closedString(text) {
		text = ""
	}
	l.tokens = append(l.tokens, Token{Kind: kind, Text: text, Line: t.line, Column: t.col})
}

// closedString reports whether the text of a string holds all of it.
func closedString(text string) bool {
	text = text[prefixLen(text):]
	for _, quote := range []string{`"""`, "'''", `"`, "'"} {
		if strings.HasPrefix(text, quote) {
			return len(text) >= 2*len(quote) && strings.HasSuffix(text, quote)
		}
	}
	return false
}
