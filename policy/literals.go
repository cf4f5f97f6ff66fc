package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/slipway-cd/slipway/schema"
)

// literalCheck finds texts in an expression that can never be right: a value
// that a fact never has would make a rail that never fires.
type literalCheck struct {
	c     *compiler
	text  string
	ast   *celast.AST
	wrong faults
}

func (l *literalCheck) call(call celast.CallExpr) {
	args := call.Args()
	switch call.FunctionName() {
	case "duration", "sizeof", "timestamp":
		l.made(call.FunctionName(), args[0])
	case operators.Equals, operators.NotEquals:
		l.compared(args[0], args[1])
		l.compared(args[1], args[0])
	case operators.In:
		if args[1].Kind() == celast.ListKind {
			for _, item := range args[1].AsList().Elements() {
				l.compared(args[0], item)
			}
		}
	}
}

// literal is the text that an expression is, if it is one.
func literal(e celast.Expr) (string, bool) {
	if e.Kind() != celast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().Value().(string)
	return text, ok
}

func (l *literalCheck) complain(at celast.Expr, message string) *complaint {
	l.wrong = append(l.wrong, complainAt(l.text, offset(l.text, l.ast.SourceInfo().GetStartLocation(at.ID())), message))
	return &l.wrong[len(l.wrong)-1]
}

// made checks the text that a value is made of.
func (l *literalCheck) made(function string, arg celast.Expr) {
	text, ok := literal(arg)
	if !ok {
		return
	}
	switch function {
	case "duration":
		if _, err := time.ParseDuration(text); err != nil {
			w := l.complain(arg, fmt.Sprintf("%q is not a duration", text))
			w.expected = "hours, minutes and seconds, such as 72h, 60m or 90s"
			if d, err := schema.ParseDuration(text); err == nil { // days
				w.suggestion = strconv.Quote(schema.FormatDuration(d))
			}
		}
	case "sizeof":
		if _, err := schema.ParseSize(text); err != nil {
			l.complain(arg, fmt.Sprintf("%q is not a size", text)).expected = "a size such as 20GB or 512MiB"
		}
	case "timestamp":
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			w := l.complain(arg, fmt.Sprintf("%q is not a time", text))
			w.expected = "a time such as 2026-12-24T18:00:00Z"
			if _, err := time.Parse(time.DateOnly, text); err == nil {
				w.suggestion = strconv.Quote(text + "T00:00:00Z")
			}
		}
	}
}

// compared checks a text that a fact is compared with.
func (l *literalCheck) compared(with, value celast.Expr) {
	text, ok := literal(value)
	if !ok {
		return
	}
	of, name := l.factOf(with)
	switch {
	case of == nil:
	case len(of.enum) > 0 && !slices.Contains(of.enum, text):
		w := l.complain(value, fmt.Sprintf("%s is never %q", name, text))
		if near := schema.Nearest(text, of.enum); near != "" {
			w.suggestion = strconv.Quote(near)
		} else {
			w.expected = "one of " + strings.Join(slices.DeleteFunc(slices.Clone(of.enum), func(s string) bool { return s == "" }), ", ")
		}
	case name == "change.field":
		l.changed(value, text)
	}
}

// changed checks the name of a field of a plan.
func (l *literalCheck) changed(at celast.Expr, text string) {
	parameter, ok := strings.CutPrefix(text, "run.")
	if !ok {
		return
	}
	parameter, _, _ = strings.Cut(parameter, ".")
	run := l.c.kinds["run"]
	if run.field(parameter) != nil {
		return
	}
	w := l.complain(at, fmt.Sprintf("the shape %s has no parameter %q", l.c.shape.Name, parameter))
	if near := schema.Nearest(parameter, run.names()); near != "" {
		w.suggestion = strconv.Quote("run." + near)
	}
}

// factOf is the fact that an expression is, and its name.
func (l *literalCheck) factOf(e celast.Expr) (*fact, string) {
	switch e.Kind() {
	case celast.IdentKind:
		return l.c.kinds[""].field(e.AsIdent()), e.AsIdent()
	case celast.SelectKind:
		kind := l.ast.GetType(e.AsSelect().Operand().ID()).TypeName()
		field := e.AsSelect().FieldName()
		return l.c.kinds[kind].field(field), kind + "." + field
	default:
		return nil, ""
	}
}
