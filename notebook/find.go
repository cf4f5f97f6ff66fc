package notebook

import (
	"slices"
	"strings"
)

// A match is one piece of special syntax.
type match struct {
	kind   magicKind
	line   int // where it begins
	col    int
	qline  int      // the line of a helpEnd's question mark
	broken bool     // Python would raise an IndexError here
	from   lexState // where a lexer may begin to find it again
}

// A finder groups tokens into logical lines and looks for matches. It keeps of
// a line only what the matches ask for.
type finder struct {
	lines   []string
	post312 bool
	found   [magicKinds][]match
	cut     [magicKinds]bool // there are more matches than were kept

	sums    []uint64 // for each line at which a lexer may begin, the sum of its state there; else 0
	known   int      // lines before this one have a sum
	changed int      // lines up to this one were changed since their sum was taken
	begin   lexState // the last place where a lexer may begin
	sum     uint64   // the sum of begin's indents
	met     int      // the line at which an earlier run was met; -1 where none was
	next    int      // the line behind the last one that was started

	depth int // open brackets, as IPython counts them
	n     int // tokens in this logical line
	first token
	begun bool  // first is known
	prev  token // the last token but one
	last  token

	brackets int // open brackets before the assignment
	after    int // tokens since the assignment, itself included; 0 before it
	percent  token
	shell    bool // an assignment's right side may still be a command
}

// startLine notes where a lexer may begin again, and stops where an earlier run
// was in the same state: from there on it found all there is.
func (f *finder) startLine(s lexState, clean bool) bool {
	// Lines that were not started lie within a string or a continued line.
	clear(f.sums[f.next:s.row])
	f.next = s.row + 1
	if !clean || f.n > 0 || f.depth > 0 {
		f.sums[s.row] = 0
		f.known = max(f.known, s.row+1)
		return false
	}
	sum := s.sum()
	if s.row > f.changed && s.row < f.known && f.sums[s.row] == sum {
		f.met = s.row
		return true
	}
	f.sums[s.row] = sum
	f.known = max(f.known, s.row+1)
	if sum != f.sum {
		f.begin.indents, f.begin.alts = slices.Clone(s.indents), slices.Clone(s.alts)
		f.sum = sum
	}
	f.begin.row = s.row
	return false
}

// sum returns a number that tells states apart; it is never 0.
func (s lexState) sum() uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for i, col := range s.indents {
		h = (h ^ uint64(col)) * prime
		if len(s.alts) > 0 {
			h = (h ^ uint64(s.alts[i])) * prime
		}
	}
	return h | 1
}

func (f *finder) token(t token) {
	f.n++
	f.prev, f.last = f.last, t
	if !f.begun && t.kind != tokenIndent && t.kind != tokenDedent {
		f.first, f.begun = t, true
	}
	f.assignment(t)
	switch {
	case t.kind == tokenNewline, t.kind == tokenNL && f.depth <= 0:
		f.endLine()
	case t.ch == '(' || t.ch == '[' || t.ch == '{':
		f.depth++
	case t.ch == ')' || t.ch == ']' || t.ch == '}':
		f.depth = max(f.depth-1, 0)
	}
}

// assignment follows the first = outside of brackets.
func (f *finder) assignment(t token) {
	if f.after == 0 {
		switch t.ch {
		case '=':
			if f.brackets == 0 {
				f.after = 1
				f.shell = !strings.HasPrefix(trimLeft(f.lines[t.line]), "=")
			}
		case '(', '[', '{':
			f.brackets++
		case ')', ']', '}':
			f.brackets = max(f.brackets-1, 0)
		}
		return
	}
	f.after++
	switch {
	case f.after == 2 && t.ch == '%':
		f.percent = t
	case f.after == 3 && f.percent.ch == '%' && t.kind == tokenName:
		f.add(match{kind: magicAssign, line: f.percent.line, col: f.percent.col})
	}
	if f.shell {
		f.shell = f.shellSide(t)
	}
}

// shellSide looks for the ! of a command, and reports whether it may still come.
func (f *finder) shellSide(t token) bool {
	if t.ch == '!' && (t.kind == tokenError || f.post312) {
		f.add(match{kind: systemAssign, line: t.line, col: t.col})
		return false
	}
	return !f.post312 && t.kind == tokenError && t.sp
}

// endLine ends a logical line.
func (f *finder) endLine() {
	if f.after == 2 && f.percent.ch == '%' {
		f.add(match{kind: magicAssign, line: f.percent.line, broken: true})
	}
	if f.begun && f.first.ch != 0 && strings.IndexByte("!?%,;/", f.first.ch) >= 0 {
		f.add(match{kind: escaped, line: f.first.line, col: f.first.col})
	}
	if f.n > 2 && f.prev.ch == '?' {
		f.add(match{kind: helpEnd, line: f.first.line, col: f.first.col, qline: f.prev.line})
	}
	f.n, f.begun, f.prev, f.last = 0, false, token{}, token{}
	f.brackets, f.after, f.percent, f.shell = 0, 0, token{}, false
}

func (f *finder) add(m match) {
	if len(f.found[m.kind]) > maxTransforms {
		f.cut[m.kind] = true
		return
	}
	m.from = f.begin
	f.found[m.kind] = append(f.found[m.kind], m)
}
