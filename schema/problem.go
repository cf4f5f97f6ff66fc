package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Pos is a place in a file: line and column from 1, columns in characters, and
// the number of characters it spans. The zero Pos is no place.
type Pos struct {
	Line, Col, Len int
}

// Problem is one complaint about a file.
type Problem struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
	// Len is the number of characters the complaint is about, at least 1.
	Len int `json:"len"`
	// Path names the value, such as run.worker_type; empty for the whole file.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	// Source is the line of the file.
	Source string `json:"source,omitempty"`
	// Expected says what should stand there, if that is known.
	Expected string `json:"expected,omitempty"`
	// Suggestion is the nearest right text, as it would be written.
	Suggestion string `json:"suggestion,omitempty"`
}

// Error is the complaint in one line, with its place.
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Message)
}

// String is the complaint as people read it: the place and the message, the
// line with the place marked, what was expected, and the nearest right text.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Error())
	if strings.TrimSpace(p.Source) != "" {
		source, col := window([]rune(p.Source), p.Col)
		number := strconv.Itoa(p.Line)
		fmt.Fprintf(&b, "\n  %s | %s", number, string(source))
		marks := max(1, min(p.Len, len(source)-col+1))
		fmt.Fprintf(&b, "\n  %s%s", strings.Repeat(" ", len(number)+3+col-1), strings.Repeat("^", marks))
	}
	if p.Expected != "" {
		b.WriteString("\n  expected " + p.Expected)
	}
	if p.Suggestion != "" {
		b.WriteString("\n  did you mean " + p.Suggestion + "?")
	}
	return b.String()
}

// window cuts a long line around the column and makes it printable, one
// character for one. It returns the column in what is left.
func window(line []rune, col int) ([]rune, int) {
	const width, before = 120, 60
	start := 0
	if len(line) > width && col > before {
		start = min(col-before, len(line)-width)
	}
	line = slices.Clone(line[start:min(len(line), start+width)])
	for i, r := range line {
		if !unicode.IsPrint(r) {
			line[i] = ' '
		}
	}
	return line, col - start
}

// Problems are complaints about one or more files. As an error they read like a
// compiler's output.
type Problems []Problem

var _ error = Problems(nil)

// Error renders all complaints, with their source lines.
func (ps Problems) Error() string {
	all := make([]string, len(ps))
	for i, p := range ps {
		all[i] = p.String()
	}
	return strings.Join(all, "\n")
}

// Err returns the problems in the order of their places as an error, or nil if
// there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	ps = slices.Clone(ps)
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return ps
}
