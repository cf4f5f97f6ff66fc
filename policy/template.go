package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/slipway-cd/slipway/schema"
)

// A template is a text with expressions in it.
type template []part

// A part is a text, or an expression.
type part struct {
	text    string
	program cel.Program // nil: it is a text
}

// template compiles a text in which {expression} stands for its value, and {{
// and }} for a brace.
func (c *compiler) template(text string) (template, faults) {
	var out template
	var wrong faults
	runes, plain := []rune(text), strings.Builder{}
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case (r == '{' || r == '}') && i+1 < len(runes) && runes[i+1] == r:
			plain.WriteRune(r)
			i++
		case r == '}':
			wrong = append(wrong, complaint{at: i, length: 1, message: "this } closes nothing", suggestion: "}}"})
		case r == '{':
			end := closing(runes, i)
			if end < 0 {
				return nil, append(wrong, complaint{at: i, length: 1, message: "this { is not closed", expected: "a } behind the expression, or {{ for a brace"})
			}
			program, bad := c.compile(string(runes[i+1:end]), nil)
			for _, b := range bad {
				b.at += i + 1
				wrong = append(wrong, b)
			}
			out = append(out, part{text: plain.String()}, part{text: string(runes[i+1 : end]), program: program})
			plain.Reset()
			i = end
		default:
			plain.WriteRune(r)
		}
	}
	return append(out, part{text: plain.String()}), wrong
}

// closing is the place of the brace that closes the one at a place; -1: none.
func closing(runes []rune, at int) int {
	depth, quote := 0, rune(0)
	for i := at; i < len(runes); i++ {
		switch r := runes[i]; {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case r == '{':
			depth++
		case r == '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// maxMessage is how many characters people are told; values come from anywhere.
const maxMessage = 500

// fill puts the values into the text. What cannot be had is said in its place.
func (t template) fill(facts any) string {
	var b strings.Builder
	for _, p := range t {
		if p.program == nil {
			b.WriteString(p.text)
			continue
		}
		v, _, err := p.program.Eval(facts)
		if err != nil {
			fmt.Fprintf(&b, "(%s: %s)", p.text, plainError(err))
			continue
		}
		b.WriteString(words(v))
	}
	text := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.TrimSpace(b.String())))
	if len(text) > maxMessage {
		text = append(text[:maxMessage-1], '…')
	}
	return string(text)
}

// words is a value for people.
func words(v ref.Val) string {
	switch v := v.(type) {
	case types.Duration:
		return schema.FormatDuration(v.Duration)
	case types.Timestamp:
		return v.UTC().Format(time.DateOnly + " 15:04 MST")
	case types.Double:
		return strconv.FormatFloat(float64(v), 'f', -1, 64)
	case size:
		return schema.FormatSize(int64(v))
	case traits.Mapper:
		var pairs []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			pairs = append(pairs, words(key)+": "+words(v.Get(key)))
		}
		slices.Sort(pairs)
		return strings.Join(pairs, ", ")
	case traits.Lister:
		var items []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			items = append(items, words(it.Next()))
		}
		return strings.Join(items, ", ")
	}
	return fmt.Sprint(v.Value())
}
