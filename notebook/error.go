package notebook

import (
	"fmt"
	"strings"
)

// An Error says what is wrong with a notebook, and where. Print it behind the
// name of the file: "traffic.ipynb: cell 5 line 3: ...".
type Error struct {
	// Cell is the number of the cell, counted from 1; 0 means the whole file.
	Cell int
	// ID is the cell's id, empty where the notebook gives none.
	ID string
	// Line is the line within the cell's source, counted from 1; 0 means the
	// whole cell.
	Line int
	// Msg says what is wrong and, where there is one, the way out.
	Msg string
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Cell > 0 {
		fmt.Fprintf(&b, "cell %d", e.Cell)
		if e.Line > 0 {
			fmt.Fprintf(&b, " line %d", e.Line)
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

func fileError(format string, args ...any) *Error {
	return &Error{Msg: fmt.Sprintf(format, args...)}
}

// Errors are all that is wrong with a notebook, in the order of its cells.
type Errors []*Error

// Error implements error, one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each of them to errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, one := range e {
		errs[i] = one
	}
	return errs
}
