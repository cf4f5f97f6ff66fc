package notebook

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTokens(t *testing.T) {
	got, ok := Tokens("if x:\r\n  y = f'a{b!r}'  # c\n\nz('''\n''', 1)")
	want := []Token{
		{TokenName, "if", 0, 0},
		{TokenName, "x", 0, 3},
		{TokenOperator, ":", 0, 4},
		{TokenNewline, "", 0, 5},
		{TokenIndent, "", 1, 0},
		{TokenName, "y", 1, 2},
		{TokenOperator, "=", 1, 4},
		{TokenOperator, "f'", 1, 6},
		{TokenString, "a", 1, 8},
		{TokenOperator, "{", 1, 9},
		{TokenName, "b", 1, 10},
		{TokenOperator, "!", 1, 11},
		{TokenName, "r", 1, 12},
		{TokenOperator, "}", 1, 13},
		{TokenOperator, "'", 1, 14},
		{TokenComment, "# c", 1, 17},
		{TokenNewline, "", 1, 20},
		{TokenDedent, "", 3, 0},
		{TokenName, "z", 3, 0},
		{TokenOperator, "(", 3, 1},
		{TokenString, "", 3, 2},
		{TokenOperator, ",", 4, 3},
		{TokenOperator, "1", 4, 5},
		{TokenOperator, ")", 4, 6},
		{TokenNewline, "", 4, 7},
	}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("ok is %v, tokens (-want +got):\n%s", ok, diff)
	}
}

func TestTokensOfWhatIsNotPython(t *testing.T) {
	for _, code := range []string{"x = (1", "s = 'a", "if x:\n    y\n  z\n", "a ? b"} {
		tokens, ok := Tokens(code)
		if ok != (code == "a ? b") || len(tokens) == 0 {
			t.Errorf("%q: ok is %v, %d tokens", code, ok, len(tokens))
		}
	}
}
