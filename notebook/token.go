package notebook

// A tokenKind is the kind of a token, as far as anybody here asks.
type tokenKind uint8

const (
	tokenOther   tokenKind = iota // comment, number, string, operator
	tokenName                     // an identifier or keyword
	tokenNewline                  // the end of a statement
	tokenNL                       // any other line end
	tokenIndent
	tokenDedent
	tokenError // a character that begins no token
	tokenEnd
	tokenString
	tokenComment
	tokenText // literal text of an f-string
)

// A token is one token of Python's tokenizer. Lines and columns count from 0,
// columns in bytes.
type token struct {
	kind tokenKind
	ch   byte // the token's character if it is a single ASCII one, otherwise 0
	sp   bool // the token is a single whitespace character
	line int
	col  int
	end  int // the column behind it, on the line where it ends
}

// A lexer cuts lines into tokens, the way one version of Python does. It
// returns an error only where Python's raises one that ends the conversion:
// for inconsistent indentation. At any other fault it stops.
type lexer interface {
	run(lines []string, emit func(token)) error
}

// lexerFor returns the tokenizer of the profile's Python.
func lexerFor(p Profile) lexer {
	if p == IPython8 {
		return &pyLexer{unicode: unicode14}
	}
	return &cLexer{}
}
