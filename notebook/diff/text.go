package diff

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// TextOptions say how a diff is shown in a terminal.
type TextOptions struct {
	// From and To name the two notebooks, as in "traffic.ipynb (HEAD)".
	From, To string
	// Color marks with the colours of a terminal what came and went.
	Color bool
	// Words shows a changed line once, with [-what went-]{+what came+}.
	Words bool
	// Context is how many lines that stayed are shown around those that did not.
	Context int
}

// WriteText writes a diff for people. Nothing is written where nothing differs.
func (d *Diff) WriteText(w io.Writer, o TextOptions) error {
	if d.Empty() {
		return nil
	}
	t := &textWriter{Writer: bufio.NewWriter(w), o: o}
	t.line("--- "+o.From, bold)
	t.line("+++ "+o.To, bold)
	if len(d.Notebook) > 0 {
		t.line("notebook", cyan)
		t.items(d.Notebook)
	}
	for _, cell := range d.Cells {
		t.cell(cell)
	}
	return t.Flush()
}

const (
	bold    = "1"
	red     = "31"
	green   = "32"
	yellow  = "33"
	cyan    = "36"
	faint   = "2"
	reverse = "7"
)

type textWriter struct {
	*bufio.Writer
	o TextOptions
}

func (t *textWriter) paint(code, text string) string {
	if !t.o.Color || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (t *textWriter) line(text, code string) {
	fmt.Fprintln(t, t.paint(code, oneRow(text)))
}

func (t *textWriter) cell(c Cell) {
	t.line(c.Title(), cyan)
	gone := map[int]Line{} // by its number
	for _, line := range c.Source {
		if line.Op == '-' {
			gone[line.Before] = line
		}
	}
	for _, line := range shown(c.Source, t.o.Context) {
		switch {
		case line.Op == 0:
			t.line("    ...", faint)
		case t.o.Words:
			t.words(gone, line)
		default:
			t.source(line)
		}
	}
	t.items(c.Outputs)
	t.items(c.Details)
}

// Title says in one line which cell it is and what happened to it.
func (c Cell) Title() string {
	side, id := c.side(), ""
	if side.ID != "" {
		id = " [" + side.ID + "]"
	}
	return "cell " + c.place(" -> ") + id + " " + side.Type + ": " + c.What()
}

// side is the cell as it is, or was.
func (c Cell) side() *Side {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// place is the cell's number, or both of them.
func (c Cell) place(arrow string) string {
	if c.Before != nil && c.After != nil && c.Before.Number != c.After.Number {
		return strconv.Itoa(c.Before.Number) + arrow + strconv.Itoa(c.After.Number)
	}
	return strconv.Itoa(c.side().Number)
}

// What says in a word or two what happened to a cell.
func (c Cell) What() string {
	edited := len(c.Source)+len(c.Outputs)+len(c.Details) > 0
	switch {
	case c.Before == nil:
		return "added"
	case c.After == nil:
		return "removed"
	case c.Moved && edited:
		return "moved and changed"
	case c.Moved:
		return "moved"
	}
	return "changed"
}

// shown leaves lines out that stayed and are far from what changed; a line
// without an Op stands for them.
func shown(lines []Line, context int) []Line {
	near := nearChange(lines, context)
	var out []Line
	for i, line := range lines {
		switch {
		case near[i]:
			out = append(out, line)
		case len(out) == 0 || out[len(out)-1].Op != 0:
			out = append(out, Line{})
		}
	}
	return out
}

// nearChange tells the lines that changed, and those around them.
func nearChange(lines []Line, context int) []bool {
	near := make([]bool, len(lines))
	last := -context - 1 // the change before this line
	for i, line := range lines {
		if line.Op != ' ' {
			last = i
		}
		near[i] = i-last <= context
	}
	next := len(lines) + context
	for i, line := range slices.Backward(lines) {
		if line.Op != ' ' {
			next = i
		}
		near[i] = near[i] || next-i <= context
	}
	return near
}

func (t *textWriter) source(line Line) {
	code := map[byte]string{'-': red, '+': green}[line.Op]
	var b strings.Builder
	for _, w := range line.Words {
		at := code
		if w.Changed {
			at += ";" + reverse
		}
		b.WriteString(t.paint(at, clean(w.Text)))
	}
	fmt.Fprintf(t, "  %s %s\n", t.paint(code, string(line.Op)), b.String())
}

// words writes a line. One that was replaced is left to the line that took its
// place.
func (t *textWriter) words(gone map[int]Line, line Line) {
	switch {
	case line.Other == 0:
		t.source(line)
	case line.Op == '+':
		fmt.Fprintf(t, "  %s %s\n", t.paint(yellow, "~"), t.inline(gone[line.Other].Words, line.Words))
	}
}

// inline writes two versions of a line as one.
func (t *textWriter) inline(before, after []Words) string {
	var b strings.Builder
	for len(before)+len(after) > 0 {
		switch {
		case len(before) > 0 && before[0].Changed:
			b.WriteString(t.paint(red, "[-"+clean(before[0].Text)+"-]"))
			before = before[1:]
		case len(after) > 0 && after[0].Changed:
			b.WriteString(t.paint(green, "{+"+clean(after[0].Text)+"+}"))
			after = after[1:]
		default:
			n := min(len(before[0].Text), len(after[0].Text))
			b.WriteString(clean(after[0].Text[:n]))
			before, after = without(before, n), without(after, n)
		}
	}
	return b.String()
}

// without takes n bytes away from the first of some words.
func without(words []Words, n int) []Words {
	if rest := words[0].Text[n:]; rest != "" {
		return append([]Words{{Text: rest}}, words[1:]...)
	}
	return words[1:]
}

func (t *textWriter) items(items []Item) {
	for _, item := range items {
		text := item.Path
		switch item.Op {
		case '+':
			text += ": " + item.To.Text
		case '-':
			text += ": " + item.From.Text
		default:
			text += ": " + item.From.Text + " -> " + item.To.Text
		}
		code := map[byte]string{'-': red, '+': green, '~': yellow}[item.Op]
		fmt.Fprintf(t, "  %s %s\n", t.paint(code, string(item.Op)), oneRow(text))
	}
}
