package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"cel.dev/cel-go/common"
	celast "cel.dev/cel-go/common/ast"

	"github.com/slipway-cd/slipway/schema"
)

// A complaint is what is wrong at a place of an expression, in characters.
type complaint struct {
	at, length int
	message    string
	expected   string
	suggestion string
}

// offset is a place that CEL names, as a number of characters.
func offset(text string, at common.Location) int {
	runes, line := []rune(text), 1
	for i, r := range runes {
		if line == at.Line() {
			return min(i+at.Column(), len(runes))
		}
		if r == '\n' {
			line++
		}
	}
	return min(at.Column(), len(runes))
}

// token is the place of the word, the text in quotes or the sign at a place.
func token(text string, at int) (start, length int) {
	runes := []rune(text)
	if at >= len(runes) {
		return max(0, len(runes)-1), 1
	}
	if runes[at] == '.' && at+1 < len(runes) {
		at++
	}
	for runes[at] == '(' && at > 0 && isWord(runes[at-1]) || isWord(runes[at]) && at > 0 && isWord(runes[at-1]) {
		at-- // a call stands at its bracket
	}
	end := at + 1
	switch first := runes[at]; {
	case first == '"' || first == '\'':
		for end < len(runes) && runes[end] != first {
			end++
		}
		end = min(end+1, len(runes))
	case isWord(first):
		for end < len(runes) && isWord(runes[end]) {
			end++
		}
	default:
		for end < len(runes) && strings.ContainsRune("=<>&|!", runes[end]) {
			end++
		}
	}
	return at, end - at
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func complainAt(text string, at int, message string) complaint {
	start, length := token(text, at)
	return complaint{at: start, length: length, message: message}
}

// syntaxComplaints tell where an expression cannot be read. What follows the
// first one is most often its consequence.
func syntaxComplaints(text string, errors []*common.Error) faults {
	e := errors[0]
	c := complainAt(text, offset(text, e.Location), "it is no CEL expression")
	found := regexp.MustCompile(`(?:mismatched|extraneous) input '([^']*)'`).FindStringSubmatch(e.Message)
	switch {
	case strings.Contains(e.Message, "'<EOF>'"):
		c.message = "it ends too early"
	case found != nil && found[1] == "=":
		c.message, c.suggestion = "a single = compares nothing", "=="
	case strings.Contains(e.Message, "token recognition error at: '=") || strings.Contains(e.Message, "token recognition error at: '&") || strings.Contains(e.Message, "token recognition error at: '|"):
		sign := string([]rune(text)[c.at])
		c.message, c.suggestion = "a single "+sign+" is no operator", sign+sign
	case found != nil:
		c.message = fmt.Sprintf("%q cannot stand here", found[1])
		c.suggestion = map[string]string{"and": "&&", "or": "||", "not": "!"}[strings.ToLower(found[1])]
		c.expected = map[string]string{"d": aDuration, "h": aDuration, "m": aDuration, "s": aDuration, "GB": aSize, "MB": aSize, "GiB": aSize, "MiB": aSize}[found[1]]
	case strings.Contains(e.Message, "size exceeds limit"):
		c = complaint{length: 1, message: fmt.Sprintf("it is longer than %d characters", maxExpression)}
	case strings.Contains(e.Message, "recursion"):
		c = complaint{length: 1, message: "it is nested too deep"}
	}
	return faults{c}
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefined  = regexp.MustCompile(`^undefined field '([^']*)'`)
	overload   = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
)

// complaints tell in plain words what the compiler found.
func (c *compiler) complaints(text string, ast *celast.AST, errors []*common.Error) faults {
	var out faults
	for _, e := range errors {
		w := complainAt(text, offset(text, e.Location), e.Message)
		if m := undeclared.FindStringSubmatch(e.Message); m != nil {
			c.unknownName(&w, strings.TrimPrefix(m[1], "."))
		} else if m := undefined.FindStringSubmatch(e.Message); m != nil {
			c.unknownField(&w, text, ast, e.ExprID, m[1])
		} else if m := overload.FindStringSubmatch(e.Message); m != nil {
			mismatch(&w, text, m[1], m[2])
		} else if strings.HasPrefix(e.Message, "invalid matches argument") {
			w.message = "this is not a regular expression"
		}
		out = append(out, w)
		if isCall(text, w) {
			break // what stands in its brackets is not understood without it
		}
	}
	return out
}

// isCall reports whether a complaint is about a function that there is not.
func isCall(text string, w complaint) bool {
	runes := []rune(text)
	return strings.Contains(w.message, "function") && w.at+w.length < len(runes) && runes[w.at+w.length] == '('
}

// unknownName explains a variable or function that there is not.
func (c *compiler) unknownName(w *complaint, name string) {
	if c.kinds["run"].field(name) != nil {
		w.message, w.suggestion = fmt.Sprintf("there is no fact %q", name), "run."+name
		return
	}
	w.message = fmt.Sprintf("there is no fact or function %q", name)
	known := c.kinds[""].names()
	functions := []string{"has", "size", "sizeof", "duration", "timestamp", "matches", "contains", "startsWith", "endsWith", "exists", "all", "filter", "map"}
	if w.suggestion = schema.Nearest(name, slices.Concat(known, functions)); w.suggestion == "" {
		w.expected = "one of " + strings.Join(known, ", ")
	}
}

// unknownField explains a field that there is not.
func (c *compiler) unknownField(w *complaint, text string, ast *celast.AST, id int64, field string) {
	if i := strings.Index(string([]rune(text)[w.at:]), "."+field); i >= 0 { // has() stands at its name
		w.at, w.length = w.at+len([]rune(string([]rune(text)[w.at:])[:i]))+1, len([]rune(field))
	}
	kind, path := c.selected(ast, id)
	known := kind.names()
	if path == "" { // of a value that has no name: any field may be meant
		for _, k := range c.kinds {
			known = append(known, k.names()...)
		}
		slices.Sort(known)
		w.message = fmt.Sprintf("there is no field %q", field)
		w.suggestion = schema.Nearest(field, known)
		return
	}
	w.message = fmt.Sprintf("%s has no field %q", path, field)
	if path == "run" {
		w.message = fmt.Sprintf("the shape %s has no parameter %q", c.shape.Name, field)
	}
	if w.suggestion = schema.Nearest(field, known); w.suggestion == "" {
		w.expected = "one of " + strings.Join(known, ", ")
	}
}

// selected is the structure whose field the numbered expression selects, and
// what it is called in the expression.
func (c *compiler) selected(ast *celast.AST, id int64) (kind structure, path string) {
	celast.PreOrderVisit(ast.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.ID() != id || e.Kind() != celast.SelectKind {
			return
		}
		names, at := []string{}, e.AsSelect().Operand()
		for at.Kind() == celast.SelectKind {
			names, at = append(names, at.AsSelect().FieldName()), at.AsSelect().Operand()
		}
		if at.Kind() != celast.IdentKind {
			return
		}
		names = append(names, at.AsIdent())
		slices.Reverse(names)
		for _, name := range names {
			f := c.kinds[kind.name].field(name)
			if f == nil {
				kind = structure{}
				return
			}
			kind = c.kinds[f.typ.TypeName()]
		}
		path = strings.Join(names, ".")
	}))
	return kind, path
}

// mismatch explains values that do not go together.
func mismatch(w *complaint, text, operator, signature string) {
	args := splitTypes(strings.Trim(signature, "()"))
	sign := strings.Trim(operator, "_@")
	if strings.Contains(signature, ".(") { // a method
		on, _, _ := strings.Cut(signature, ".(")
		w.message = fmt.Sprintf("%s() does not take %s", operator, typeWords(on))
		return
	}
	if len(args) != 2 || !strings.HasPrefix(operator, "_") && operator != "@in" {
		words := make([]string, len(args))
		for i, a := range args {
			words[i] = typeWords(a)
		}
		w.message = fmt.Sprintf("%s does not take %s", sign, strings.Join(words, " and "))
		w.expected = map[string]string{"duration": aDuration, "sizeof": aSize, "timestamp": aTime}[operator]
		return
	}
	w.message = fmt.Sprintf("%s and %s do not go together (%s)", typeWords(args[0]), typeWords(args[1]), sign)
	if sign == "-" || sign == "+" {
		return
	}
	w.expected, w.suggestion = unit(args, text, w.at+w.length)
}

// What values with a unit look like.
const (
	aDuration = `a duration, such as duration("60m")`
	aSize     = `a size, such as sizeof("20GB")`
	aTime     = `a time, such as timestamp("2026-12-24T18:00:00Z")`
)

// splitTypes cuts a list of types at the commas between them.
func splitTypes(list string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range list {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out, from = append(out, strings.TrimSpace(list[from:i])), i+1
			}
		}
	}
	return append(out, strings.TrimSpace(list[from:]))
}

// unit says how a value of the one type is written, where one of another type
// stands behind the operator.
func unit(args []string, text string, behind int) (expected, suggestion string) {
	start := behind
	for start < len([]rune(text)) && []rune(text)[start] == ' ' {
		start++
	}
	at, length := token(text, start)
	literal := string([]rune(text)[at:min(at+length, len([]rune(text)))])
	quoted := literal
	if unquoted := strings.Trim(literal, `"'`); unquoted == literal {
		quoted = ""
	}
	switch args[0] {
	case "google.protobuf.Duration", "duration":
		expected = aDuration
		if quoted != "" {
			suggestion = "duration(" + quoted + ")"
		}
	case sizeType.TypeName():
		expected = aSize
		if quoted != "" {
			suggestion = "sizeof(" + quoted + ")"
		} else if literal == "size" {
			suggestion = "sizeof, for size() counts characters and entries"
		}
	case "environment":
		expected, suggestion = "a field of it", "environment.name"
	case "google.protobuf.Timestamp", "timestamp":
		expected = aTime
		if quoted != "" && len(quoted) > len(`"2026-12-24T"`) {
			suggestion = "timestamp(" + quoted + ")"
		}
	case "int", "double":
		if _, err := strconv.ParseFloat(strings.Trim(quoted, `"'`), 64); quoted != "" && err == nil {
			suggestion = strings.Trim(quoted, `"'`)
		} else if args[0] == "double" && args[1] == "int" {
			suggestion = literal + ".0"
		} else {
			expected = "a number"
		}
	case "string":
		expected = "a text in quotes"
		if literal != "" && quoted == "" && args[1] != "string" {
			suggestion = strconv.Quote(literal)
		}
	case "cost", "month", "run", "plan", "release", "others", "spending", "people":
		expected = "a field of it"
	}
	return expected, suggestion
}

// typeWords says a type in plain words.
func typeWords(name string) string {
	words := map[string]string{
		"int": "a whole number", "uint": "a whole number", "double": "a number", "bool": "true or false", "string": "a text",
		"duration": "a duration", "google.protobuf.Duration": "a duration", "timestamp": "a time", "google.protobuf.Timestamp": "a time",
		sizeType.TypeName(): "a size", "null": "null", "dyn": "a value",
	}
	switch {
	case words[name] != "":
		return words[name]
	case strings.HasPrefix(name, "list("):
		return "a list"
	case strings.HasPrefix(name, "map("):
		return "a map"
	default:
		return "the facts of " + name
	}
}

// literals checks the texts that stand in an expression.
func (c *compiler) literals(text string, ast *celast.AST) faults {
	var out faults
	celast.PreOrderVisit(ast.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.CallKind {
			return
		}
		l := literalCheck{c: c, text: text, ast: ast}
		l.call(e.AsCall())
		out = append(out, l.wrong...)
	}))
	return out
}
