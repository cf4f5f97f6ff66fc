package notebook

import (
	"cmp"
	"slices"
	"strings"
)

// maxTransforms is where IPython gives up on a cell.
const maxTransforms = 500

// A transformer turns one cell's magics into calls, one after the other. IPython
// reads the whole cell anew for each; a transformer reads on only until it is
// where it was before, which comes to the same.
type transformer struct {
	profile Profile
	unicode unicodeVersion
	lexer   lexer
	finder  finder

	lines   []string
	done    strings.Builder // the text of the lines before base
	base    int
	start   lexState            // the state at base
	matches [magicKinds][]match // what is still to be tried, the first one last
	cut     [magicKinds]bool    // behind these matches there are more
	blocked [magicKinds]bool    // a match that is none stands before all others
}

// newTransformer returns a transformer of lines, which it takes over.
func newTransformer(p Profile, lines []string) *transformer {
	return &transformer{
		profile: p, unicode: unicodeFor(p), lexer: lexerFor(p), lines: lines,
		finder: finder{lines: lines, post312: p != IPython8, sums: make([]uint64, len(lines))},
	}
}

// run carries out all transformations and returns the cell's text.
func (t *transformer) run() (string, error) {
	if err := t.scan(lexState{}, len(t.lines)); err != nil {
		return "", err
	}
	for range maxTransforms {
		changed, err := t.step()
		if err != nil {
			return "", err
		}
		if !changed {
			return t.text(), nil
		}
	}
	return "", fileError("it holds 500 or more magics, where IPython gives up; split the cell")
}

// text returns the text of all lines.
func (t *transformer) text() string {
	size := 0
	for _, line := range t.lines[t.base:] {
		size += len(line)
	}
	t.done.Grow(size)
	for _, line := range t.lines[t.base:] {
		t.done.WriteString(line)
	}
	return t.done.String()
}

// step carries out the first transformation that can be, and reports whether
// there was one.
func (t *transformer) step() (bool, error) {
	for kind := range t.matches {
		if t.cut[kind] && len(t.matches[kind]) == 0 {
			if err := t.scan(t.start, len(t.lines)); err != nil {
				return false, err
			}
		}
	}
	found := t.candidates()
	for i, m := range found {
		if m.broken {
			return false, fileError("IPython cannot convert it: an assignment ends in %%")
		}
		text, end, ok := t.apply(m)
		if !ok {
			continue
		}
		for _, failed := range found[:i] {
			t.blocked[failed.kind] = t.blocked[failed.kind] || failed.line < m.from.row
		}
		t.replace(m, text, end)
		return true, t.scan(t.start, end)
	}
	return false, nil
}

// candidates returns the first match of each kind, in the order in which they
// are tried.
func (t *transformer) candidates() []match {
	found := make([]match, 0, magicKinds)
	for kind, matches := range t.matches {
		if n := len(matches); n > 0 && !t.blocked[kind] {
			found = append(found, matches[n-1])
		}
	}
	slices.SortStableFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.line, b.line), cmp.Compare(a.col, b.col), cmp.Compare(priority(a), priority(b)))
	})
	return found
}

// rank puts what ends the conversion before all else.
func rank(m match) int {
	if m.broken {
		return 0
	}
	return 1
}

func priority(m match) int {
	if m.kind == helpEnd {
		return 5
	}
	return 10
}

// apply renders the line that a match becomes, and returns the last line that
// it replaces; it is false where IPython finds that the match is none.
func (t *transformer) apply(m match) (text string, end int, ok bool) {
	if m.kind == helpEnd {
		text, ok = t.help(strings.Join(t.lines[m.line:m.qline+1], ""), m.col)
		return text, m.qline, ok
	}
	end = continuedEnd(t.lines, m.line)
	text, ok = t.call(m.kind, assemble(t.lines, m.line, m.col, end))
	return t.lines[m.line][:m.col] + text, min(end, len(t.lines)-1), ok
}

// replace puts text in the place of a match. What stands before the place from
// which it can be found again is done; what stands between moves up to it, so
// that the lines behind keep their numbers.
func (t *transformer) replace(m match, text string, end int) {
	for _, line := range t.lines[t.base:m.from.row] {
		t.done.WriteString(line)
	}
	delta := end - m.line
	copy(t.lines[m.from.row+delta:end], t.lines[m.from.row:m.line])
	t.lines[end] = text + "\n"
	t.base = m.from.row + delta
	t.start = lexState{row: t.base, indents: m.from.indents, alts: m.from.alts}
}

// scan looks for matches from a state on. Lines up to changed were changed
// since they were read last.
func (t *transformer) scan(from lexState, changed int) error {
	f := &t.finder
	*f = finder{
		lines: t.lines, post312: f.post312, sums: f.sums, known: f.known, changed: changed,
		met: -1, next: from.row, begin: from, sum: from.sum(), found: f.found,
	}
	for kind := range f.found {
		f.found[kind] = f.found[kind][:0]
	}
	if err := t.lexer.run(t.lines, from, f); err != nil {
		return err
	}
	if f.met < 0 {
		f.endLine()
		f.known = min(f.known, f.begin.row+1)
	}
	for kind := range t.matches {
		t.merge(kind)
	}
	return nil
}

// merge puts the new matches before those of an earlier run that still hold.
func (t *transformer) merge(kind int) {
	f := &t.finder
	old := t.matches[kind]
	if f.met < 0 || f.cut[kind] {
		old = old[:0]
		t.cut[kind] = f.cut[kind]
	}
	for len(old) > 0 && old[len(old)-1].line < f.met {
		old = old[:len(old)-1]
	}
	for _, m := range slices.Backward(f.found[kind]) {
		old = append(old, m)
	}
	t.matches[kind] = old
}
