package notebook

import (
	"fmt"
	"strings"
)

// A Parameter is a literal of a cell tagged parameters: the default of the
// job's argument of that name.
type Parameter struct {
	Name string
	// Value is a string, int64, float64, bool, nil, []any, or a
	// map[string]any.
	Value any
	// Cell and Line say where it stands, both counted from 1; ID is the cell's
	// id.
	Cell int
	ID   string
	Line int
}

// An assignment is "name = value" or "name: type = value" at the left margin.
type assignment struct {
	name  string
	value string
	line  int // counted from 0
}

// parameters notes the literals of a parameters cell and writes the lines that
// let arguments take their place.
func (g *glueBuilder) parameters(code []string, first int) {
	var names []string
	for _, a := range assignments(code) {
		value, fault := parseLiteral(a.value)
		if fault != nil {
			g.warn(first+a.line+1, "the parameter %s is not a literal, so that no argument can take its place", a.name)
			continue
		}
		p := Parameter{Name: a.name, Value: plain(value), Cell: g.number, ID: g.cell.ID, Line: first + a.line + 1}
		g.result.Parameters = append(g.result.Parameters, p)
		names = append(names, a.name)
	}
	if len(names) == 0 {
		return
	}
	g.script.WriteString("\n" + argumentsMarker + "\n" + readArgument)
	for _, name := range names {
		fmt.Fprintf(&g.script, "%s = _slipway_argument(%q, %s)\n", name, name, name)
	}
}

// readArgument is the function that looks for a parameter among the job's
// arguments.
const readArgument = `# An argument of the job takes the place of the parameter of its name.
def _slipway_argument(name, value):
    import ast
    import sys

    text = None
    words = sys.argv[1:]
    for i, word in enumerate(words):
        if word == "--" + name and i + 1 < len(words):
            text = words[i + 1]
        elif word.startswith("--" + name + "="):
            text = word[len(name) + 3:]
    if text is None:
        return value
    if value is None or isinstance(value, str):
        return text
    try:
        if isinstance(value, bool):
            return {"true": True, "false": False}[text.lower()]
        if isinstance(value, (int, float)):
            return type(value)(text)
        return ast.literal_eval(text)
    except (KeyError, SyntaxError, ValueError):
        kind = type(value).__name__
        raise SystemExit(f"argument --{name}: expected {kind}, not {text!r}") from None


`

// assignments finds the assignments of code whose tokens are in order.
func assignments(code []string) []assignment {
	lines := make([]string, len(code))
	for i, line := range code {
		lines[i] = line + "\n"
	}
	f := assignmentFinder{lines: lines}
	if err := (&cLexer{}).run(lines, lexState{}, &f); err != nil {
		return nil
	}
	return f.found
}

// An assignmentFinder collects assignments from tokens.
type assignmentFinder struct {
	wholeText
	lines []string
	found []assignment

	n     int // tokens of this statement
	name  token
	depth int
	eq    token // the = of this statement
	other bool  // it is no assignment
}

func (f *assignmentFinder) token(t token) {
	if t.kind == tokenNewline {
		f.endStatement(t)
		return
	}
	if !t.kind.isCode() {
		return
	}
	f.n++
	switch {
	case f.n == 1:
		f.name = t
		f.other = t.kind != tokenName || t.col != 0
	case f.n == 2 && t.ch != '=' && t.ch != ':':
		f.other = true
	case t.ch == '=' && f.depth == 0 && f.eq.ch == 0:
		f.eq = t
	}
	switch t.ch {
	case '(', '[', '{':
		f.depth++
	case ')', ']', '}':
		f.depth--
	}
}

// endStatement ends a statement at its line end.
func (f *assignmentFinder) endStatement(end token) {
	if !f.other && f.eq.ch != 0 {
		f.found = append(f.found, assignment{
			name:  f.lines[f.name.line][f.name.col:f.name.end],
			value: f.between(end),
			line:  f.name.line,
		})
	}
	*f = assignmentFinder{lines: f.lines, found: f.found}
}

// between returns the text behind the = up to the statement's end.
func (f *assignmentFinder) between(end token) string {
	if end.line == f.eq.line {
		return f.lines[end.line][f.eq.col+1 : end.col]
	}
	text := f.lines[f.eq.line][f.eq.col+1:]
	return text + strings.Join(f.lines[f.eq.line+1:end.line], "") + f.lines[end.line][:end.col]
}
