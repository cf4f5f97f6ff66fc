package notebook

import "strings"

// CheckPython says what is wrong with a Python file as far as its tokens tell:
// indentation, brackets, strings, a missing block. It is nil where that is all in
// order. The error names the line and no cell.
func CheckPython(source []byte) *Error {
	text := strings.TrimPrefix(string(source), "\ufeff")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	lines := strings.SplitAfter(text, "\n")
	last := len(lines) - 1
	if lines[last] == "" {
		lines = lines[:last]
	} else {
		lines[last] += "\n"
	}
	c := syntaxChecker{lines: lines}
	if fault := c.run(); fault != nil {
		return &Error{Line: fault.Line, Msg: fault.Msg}
	}
	return nil
}
