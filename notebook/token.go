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

// isCode reports whether the token is part of a statement's text.
func (k tokenKind) isCode() bool {
	return k == tokenOther || k == tokenName || k == tokenString || k == tokenError
}

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

// A lexState is where a lexer may begin: at the start of a line, outside of
// brackets, strings and continued lines. The zero value is the start of a text.
type lexState struct {
	row     int
	indents []int // the columns of the open blocks
	alts    []int // the same, where a tab counts one column
}

// A tokenSink takes what a lexer finds.
type tokenSink interface {
	// token takes the next token.
	token(t token)
	// startLine is called before each line; clean says that a lexer may begin
	// there. It returns true to stop. The slices are the lexer's own.
	startLine(s lexState, clean bool) bool
}

// A lexer cuts lines into tokens, the way one version of Python does. It
// returns an error only where Python's raises one that ends the conversion:
// for inconsistent indentation. At any other fault it stops.
type lexer interface {
	run(lines []string, from lexState, sink tokenSink) error
}

// lexerFor returns the tokenizer of the profile's Python.
func lexerFor(p Profile) lexer { //nolint:ireturn // one of two
	if p == IPython8 {
		return &pyLexer{unicode: unicode14}
	}
	return &cLexer{}
}

// wholeText is a tokenSink's startLine for those who never stop.
type wholeText struct{}

func (wholeText) startLine(lexState, bool) bool { return false }
