package notebook

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// check looks for what a job cannot run: magics below the first line of code,
// and what Python's tokenizer finds wrong. It is false where there is any. The
// cell's line of code[0] is first, counted from 0.
func (g *glueBuilder) check(code []string, first int) bool {
	lines := make([]string, len(code))
	for i, line := range code {
		lines[i] = line + "\n"
	}
	if found := strayMagics(lines); len(found) > 0 {
		for _, m := range found {
			g.fail(first+m.line+1, "%s", strayText(lines, m))
		}
		return false
	}
	c := syntaxChecker{lines: lines, first: first}
	if fault := c.run(); fault != nil {
		g.fail(first+fault.Line, "%s", fault.Msg)
		return false
	}
	ok := true
	if c.future > 0 && g.begun {
		g.fail(first+c.future, "from __future__ must stand in the first cell that holds code")
		ok = false
	}
	for _, call := range c.calls {
		ok = g.apply(call.name+"()", "", first+call.line) && ok
	}
	return ok
}

// strayMagics finds IPython's special syntax in code, in the order of lines.
func strayMagics(lines []string) []match {
	t := newTransformer(IPython8, slices.Clone(lines))
	if err := t.scan(lexState{}, 0); err != nil {
		return nil // the syntax check says what it is
	}
	return t.candidates()
}

func strayText(lines []string, m match) string {
	text := strings.TrimSpace(lines[m.line][m.col:])
	switch {
	case m.kind == magicAssign:
		return "a job cannot assign what a magic returns: " + text
	case m.kind == systemAssign:
		return "a job cannot run a shell command: " + text + "; use Python's subprocess or boto3"
	case m.kind == helpEnd || text[0] == '?':
		return "a question to the notebook is not Python: " + text + "; take it out"
	case text[0] == '!':
		return "a job cannot run a shell command: " + text + "; use Python's subprocess or boto3"
	case text[0] == '%':
		return text + " stands below code; a magic stands at the top of a cell, unindented"
	}
	return fmt.Sprintf("a line cannot begin with %q in Python: %s", text[0], text)
}

// A syntaxChecker finds what is wrong with code as far as tokens tell.
type syntaxChecker struct {
	wholeText
	lines []string
	first int // the cell's line of lines[0], counted from 0

	future int    // the line of an import from __future__, counted from 1
	calls  []call // calls of functions that only notebooks have
	fault  *Error

	open   []bracket
	colon  bool    // the last statement ended in a colon
	indent bool    // an indent has come since
	line   []token // the last tokens of this statement
	last   token
}

type call struct {
	name string
	line int // counted from 0
}

type bracket struct {
	ch   byte
	line int
}

// run returns the first fault, its line counted from 1.
func (c *syntaxChecker) run() *Error {
	lexer := &cLexer{}
	if err := lexer.run(c.lines, lexState{}, c); err != nil {
		c.fail(lexer.faultRow, lexer.fault)
	}
	switch {
	case c.fault != nil || lexer.fault == "":
	case lexer.fault == "unexpected EOF in multi-line statement" && len(c.open) > 0:
		b := c.open[len(c.open)-1]
		c.fail(b.line, fmt.Sprintf("%q is never closed", b.ch))
	default:
		c.fail(lexer.faultRow, lexer.fault)
	}
	if c.fault == nil && c.colon {
		c.fail(c.last.line, "an indented block is expected below")
	}
	return c.fault
}

func (c *syntaxChecker) fail(line int, msg string) {
	if c.fault == nil {
		c.fault = &Error{Line: line + 1, Msg: msg}
	}
}

func (c *syntaxChecker) token(t token) {
	switch t.kind {
	case tokenIndent:
		if !c.colon {
			c.fail(t.line, "unexpected indent")
		}
		c.indent = true
		return
	case tokenNewline:
		c.endStatement()
		return
	default:
		if !t.kind.isCode() {
			return
		}
	}
	if len(c.line) == 0 && c.colon {
		if !c.indent {
			c.fail(t.line, "an indented block is expected")
		}
		c.colon, c.indent = false, false
	}
	c.inspect(t)
	c.line = append(c.line[max(0, len(c.line)-2):], t)
	c.last = t
}

// inspect looks at one token and the two before it.
func (c *syntaxChecker) inspect(t token) {
	switch t.ch {
	case '(', '[', '{':
		c.open = append(c.open, bracket{t.ch, t.line})
	case ')', ']', '}':
		c.close(t)
	case '?', '$', '`', '!':
		if t.kind == tokenOther && !c.conversion(t) {
			c.fail(t.line, fmt.Sprintf("the character %q is not Python", t.ch))
		}
	}
	if t.kind == tokenName {
		c.name(c.text(t), t)
	}
	if t.ch == '(' && len(c.line) > 0 && c.last.kind == tokenName {
		c.called(c.text(c.last))
	}
}

// conversion reports whether a ! stands in an f-string, as in {x!r}.
func (c *syntaxChecker) conversion(t token) bool {
	return t.ch == '!' && len(c.open) > 0 && c.open[len(c.open)-1].ch == '{'
}

func (c *syntaxChecker) text(t token) string { return c.lines[t.line][t.col:t.end] }

func (c *syntaxChecker) close(t token) {
	if len(c.open) == 0 {
		c.fail(t.line, fmt.Sprintf("%q closes nothing", t.ch))
		return
	}
	top := c.open[len(c.open)-1]
	c.open = c.open[:len(c.open)-1]
	if pair := map[byte]byte{'(': ')', '[': ']', '{': '}'}[top.ch]; pair != t.ch {
		c.fail(t.line, fmt.Sprintf("%q does not close the %q of line %d", t.ch, top.ch, c.first+top.line+1))
	}
}

func (c *syntaxChecker) name(text string, t token) {
	for _, r := range text {
		if r >= 0x80 && !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc, unicode.Other_ID_Start, unicode.Other_ID_Continue) {
			c.fail(t.line, fmt.Sprintf("the character %q is not Python", string(r)))
			return
		}
	}
	if text == "__future__" && len(c.line) == 1 && c.text(c.line[0]) == "from" {
		c.future = t.line + 1
	}
}

// called notes a call of a function that only notebooks have, unless it is a
// method or the name's definition.
func (c *syntaxChecker) called(name string) {
	if name != "display" && name != "get_ipython" {
		return
	}
	if len(c.line) > 1 {
		if before := c.line[len(c.line)-2]; before.ch == '.' || c.text(before) == "def" {
			return
		}
	}
	c.calls = append(c.calls, call{name, c.last.line})
}

func (c *syntaxChecker) endStatement() {
	c.colon = len(c.open) == 0 && len(c.line) > 0 && c.last.ch == ':'
	c.line = c.line[:0]
}
