package lint

import (
	"strings"

	"github.com/slipway-cd/slipway/notebook"
)

// outside calls fn for each token that stands in no bracket and in no lambda's
// parameters, until fn returns true; it returns that token's index, or how many
// there are.
func outside(t []notebook.Token, fn func(i int) bool) int {
	depth, lambdas := 0, 0
	for i, tok := range t {
		switch {
		case tok.Kind == notebook.TokenString:
			continue
		case depth == 0 && lambdas == 0 && fn(i):
			return i
		case tok.Text == "lambda" && depth == 0:
			lambdas++
		case tok.Text == ":" && depth == 0 && lambdas > 0:
			lambdas--
		case tok.Text == "(" || tok.Text == "[" || tok.Text == "{":
			depth++
		case tok.Text == ")" || tok.Text == "]" || tok.Text == "}":
			depth--
		}
	}
	return len(t)
}

func operatorAt(t []notebook.Token, text string) int {
	return outside(t, func(i int) bool { return t[i].Text == text && t[i].Kind == notebook.TokenOperator })
}

func wordAt(t []notebook.Token, text string) int {
	return outside(t, func(i int) bool { return t[i].Text == text && t[i].Kind == notebook.TokenName })
}

func colonAt(t []notebook.Token) int { return operatorAt(t, ":") }

// splitAt splits tokens at an operator that stands in no bracket.
func splitAt(t []notebook.Token, text string) [][]notebook.Token {
	var parts [][]notebook.Token
	start := 0
	outside(t, func(i int) bool {
		if t[i].Text == text && t[i].Kind == notebook.TokenOperator {
			parts = append(parts, t[start:i])
			start = i + 1
		}
		return false
	})
	return append(parts, t[start:])
}

// target reads what is assigned to: plain names are bound, and names of which an
// attribute or an item is set are used.
func (b *binder) target(t []notebook.Token, s *scope) {
	b.targets(t, s, func(tok notebook.Token) { b.bind(tok, s) })
}

func (b *binder) targets(t []notebook.Token, s *scope, bind func(notebook.Token)) {
	for i := 0; i < len(t); i++ {
		tok := t[i]
		switch {
		case tok.Kind == notebook.TokenName && !keyword(tok.Text) && !is(t, i-1, "."):
			if is(t, i+1, ".") || is(t, i+1, "[") || is(t, i+1, "(") {
				b.use(tok, s)
			} else {
				bind(tok)
			}
		case (is(t, i, "(") || is(t, i, "[")) && i > 0 && follows(t[i-1]):
			end := closesAt(t, i)
			if end < 0 {
				end = len(t)
			}
			b.expression(t[i:end], s)
			i = end
		}
	}
}

// follows reports whether a bracket behind the token is a call or an index.
func follows(t notebook.Token) bool {
	return t.Kind == notebook.TokenString || t.Kind == notebook.TokenName && !keyword(t.Text) ||
		t.Text == ")" || t.Text == "]" || t.Text == "}" || strings.HasSuffix(t.Text, `"`) || strings.HasSuffix(t.Text, "'")
}

// expression reads names in an expression.
func (b *binder) expression(t []notebook.Token, s *scope) {
	local := func(tok notebook.Token) { b.local[tok.Text] = true }
	var open []string
	for i := 0; i < len(t); i++ {
		tok := t[i]
		if tok.Kind != notebook.TokenName {
			switch {
			case tok.Kind == notebook.TokenString:
			case tok.Text == "(" || tok.Text == "[" || tok.Text == "{":
				open = append(open, tok.Text)
			case len(open) > 0 && (tok.Text == ")" || tok.Text == "]" || tok.Text == "}"):
				open = open[:len(open)-1]
			}
			continue
		}
		switch {
		case tok.Text == "lambda":
			colon := i + 1 + colonAt(t[i+1:])
			b.lambda(t[i+1:colon], s)
			end := colon + outside(t[colon:], func(n int) bool {
				text := t[colon+n].Text
				return text == "," || text == ")" || text == "]" || text == "}"
			})
			b.expression(t[min(colon+1, end):end], newScope(s, true)) // it runs later
			i = end - 1
		case tok.Text == "for":
			end := i + 1 + wordAt(t[i+1:], "in")
			b.targets(t[i+1:end], s, local)
			i = end
		case tok.Text == "as":
			end := i + 1 + outside(t[i+1:], func(n int) bool {
				text := t[i+1+n].Text
				return text == "," || text == ")" || text == "]" || text == ":"
			})
			b.target(t[i+1:end], s)
			i = end - 1
		case keyword(tok.Text), is(t, i-1, "."), is(t, i-1, "!"):
		case is(t, i+1, ":="):
			b.bind(tok, s)
			b.local[tok.Text] = true
		case is(t, i+1, "=") && len(open) > 0 && open[len(open)-1] == "(" && (is(t, i-1, "(") || is(t, i-1, ",")):
			// a keyword of a call
		default:
			b.use(tok, s)
		}
	}
}

// lambda reads a lambda's parameters.
func (b *binder) lambda(t []notebook.Token, s *scope) {
	for _, part := range splitAt(t, ",") {
		for len(part) > 0 && part[0].Kind != notebook.TokenName {
			part = part[1:]
		}
		if len(part) > 0 {
			b.local[part[0].Text] = true
			b.expression(part[1:], s)
		}
	}
}
