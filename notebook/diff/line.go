package diff

import "strings"

// A Line is a line of a cell's source, and what became of it.
type Line struct {
	// Op is ' ' for a line that stayed, '-' for one that went, '+' for a new one.
	Op byte
	// Before and After are its number in either source; 0 where it is not.
	Before, After int
	// Other is the number of the line on the other side that it was replaced by,
	// or replaces; 0 where there is no such line.
	Other int
	// Words are its text. Where a line replaces another, those words are Changed
	// that differ.
	Words []Words
}

// Words are a stretch of a line.
type Words struct {
	Text    string
	Changed bool
}

// Text returns the whole line.
func (l Line) Text() string {
	var b strings.Builder
	for _, w := range l.Words {
		b.WriteString(w.Text)
	}
	return b.String()
}

// lineDiff compares two sources; there is nothing to tell of equal ones.
func lineDiff(a, b string) []Line {
	if a == b {
		return nil
	}
	linesA, linesB := displayLines(a), displayLines(b)
	var out []Line
	at := block{}
	for _, p := range append(commonLines(linesA, linesB), pair{len(linesA), len(linesB)}) {
		out = appendBlock(out, block{at.a0, p.a, at.b0, p.b}, linesA, linesB)
		if p.a < len(linesA) {
			out = append(out, Line{Op: ' ', Before: p.a + 1, After: p.b + 1, Words: []Words{{Text: linesA[p.a]}}})
		}
		at = block{a0: p.a + 1, b0: p.b + 1}
	}
	return out
}

func displayLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// appendBlock appends lines that were replaced: the old ones, then the new ones.
func appendBlock(out []Line, r block, a, b []string) []Line {
	start, added := len(out), len(out)+r.a1-r.a0
	for i := r.a0; i < r.a1; i++ {
		out = append(out, Line{Op: '-', Before: i + 1, Words: []Words{{Text: a[i]}}})
	}
	for j := r.b0; j < r.b1; j++ {
		out = append(out, Line{Op: '+', After: j + 1, Words: []Words{{Text: b[j]}}})
	}
	for _, p := range alikeLines(a[r.a0:r.a1], b[r.b0:r.b1]) {
		old, line := &out[start+p.a], &out[added+p.b]
		old.Other, line.Other = line.After, old.Before
		old.Words, line.Words = wordDiff(a[r.a0+p.a], b[r.b0+p.b])
	}
	return out
}

// minLineLikeness is how alike two lines must be for their words to be compared.
const minLineLikeness = 0.4

func alikeLines(a, b []string) []pair {
	sketches := func(lines []string) []sketch {
		out := make([]sketch, len(lines))
		for i, line := range lines {
			out[i] = sketchOf(line)
		}
		return out
	}
	ofA, ofB := sketches(a), sketches(b)
	return alike(block{0, len(a), 0, len(b)}, func(i, j int) float32 {
		if s := ofA[i].likeness(ofB[j]); s >= minLineLikeness && len(ofA[i]) > 0 {
			return s
		}
		return 0
	})
}

// wordDiff compares two lines word by word. White space that stayed between two
// changes counts as changed with them.
func wordDiff(a, b string) (before, after []Words) {
	wordsA, wordsB := split(a), split(b)
	stayedA, stayedB := make([]bool, len(wordsA)+2), make([]bool, len(wordsB)+2)
	pairs := commonLines(wordsA, wordsB)
	for _, p := range pairs {
		stayedA[p.a+1], stayedB[p.b+1] = true, true
	}
	for _, p := range pairs {
		alone := !stayedA[p.a] && !stayedA[p.a+2] || !stayedB[p.b] && !stayedB[p.b+2]
		if alone && blank(wordsA[p.a]) {
			stayedA[p.a+1], stayedB[p.b+1] = false, false
		}
	}
	return marked(a, wordsA, stayedA[1:]), marked(b, wordsB, stayedB[1:])
}

func split(line string) []string {
	words := make([]string, 0, len(line)/3+2)
	for line != "" {
		n := wordLen(line)
		words, line = append(words, line[:n]), line[n:]
	}
	return words
}

// marked cuts a line into stretches of words that changed or stayed.
func marked(line string, words []string, stayed []bool) []Words {
	out := []Words{}
	from, to := 0, 0 // the stretch, which begins where the last one ends
	for i, word := range words {
		if last := len(out) - 1; last < 0 || out[last].Changed == stayed[i] {
			out, from = append(out, Words{Changed: !stayed[i]}), to
		}
		to += len(word)
		out[len(out)-1].Text = line[from:to]
	}
	return out
}
