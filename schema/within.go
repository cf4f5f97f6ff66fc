package schema

import "unicode"

// Within returns the place of a part of a text in the document, however YAML
// wrote the text: plain, quoted, or as a block over several lines. from and
// length count characters of the text. Where the part cannot be found, it is the
// place of the text itself.
func (d *Doc) Within(v *Value, from, length int) Pos {
	w := walker{source: d.behind(v.Pos), content: []rune(v.text)}
	start, ok := w.walk(from)
	if !ok {
		return v.Pos
	}
	pos := v.Pos
	for _, r := range w.source[:start] {
		if pos.Col++; r == '\n' {
			pos.Line, pos.Col = pos.Line+1, 1
		}
	}
	pos.Len = length
	return d.inside(pos)
}

// behind returns what is written from a place on.
func (d *Doc) behind(pos Pos) []rune {
	var out []rune
	for number := pos.Line; number >= 1 && number <= len(d.lines); number++ {
		line := []rune(d.lines[number-1])
		if number == pos.Line {
			line = line[min(pos.Col-1, len(line)):]
		}
		out = append(append(out, line...), '\n')
	}
	return out
}

// walker goes through a text and its source side by side. Blanks and the ends of
// lines are as many in one as the writer liked, and each counts for any.
type walker struct {
	source, content []rune
	at              int  // in source
	quote           rune // ' or " where the text is quoted
}

// walk returns where in the source the character with that number stands.
func (w *walker) walk(to int) (int, bool) {
	w.open()
	for i, c := range w.content {
		if unicode.IsSpace(c) {
			if i >= to {
				return w.at, w.at < len(w.source)
			}
			w.blank(c)
			continue
		}
		w.skip()
		if !w.meets(c) {
			return 0, false
		}
		if i >= to {
			return w.at, true
		}
		w.at++
		if w.quote == '\'' && c == '\'' {
			w.at++ // it is written twice
		}
	}
	return w.at, to >= len(w.content) && w.at < len(w.source)
}

// open steps over what begins a text.
func (w *walker) open() {
	if len(w.source) == 0 {
		return
	}
	switch w.source[0] {
	case '\'', '"':
		w.quote, w.at = w.source[0], 1
	case '|', '>':
		for w.at < len(w.source) && w.source[w.at] != '\n' {
			w.at++
		}
	}
}

// blank steps over a blank that may be written as \n or \t.
func (w *walker) blank(c rune) {
	if w.quote == '"' && w.at+1 < len(w.source) && w.source[w.at] == '\\' && (c == '\n' || c == '\t') {
		w.at += 2
		return
	}
	w.skip()
}

// skip steps over blanks, and over the end of a line that \ takes away.
func (w *walker) skip() {
	for w.at < len(w.source) {
		escaped := w.quote == '"' && w.source[w.at] == '\\' && w.at+1 < len(w.source) && unicode.IsSpace(w.source[w.at+1])
		if !escaped && !unicode.IsSpace(w.source[w.at]) {
			return
		}
		w.at++
	}
}

// meets reports whether the character stands here, behind a \ or not.
func (w *walker) meets(c rune) bool {
	if w.quote == '"' && w.at+1 < len(w.source) && w.source[w.at] == '\\' {
		w.at++
	}
	return w.at < len(w.source) && w.source[w.at] == c
}
