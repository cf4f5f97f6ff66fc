package notebook

import "strings"

// source fills in a cell's source, and turns what older formats have into the
// terms of v4. It is false where the source is not text.
func (r reader) source(format int, cell *Cell, v value) bool {
	var ok bool
	switch {
	case format == 1:
		ok = r.sourceV1(cell, v)
	case format <= 3 && cell.Type == Code:
		cell.ExecutionCount, _ = r.integer(r.get(v, "prompt_number"))
		cell.Source, ok = r.joined(r.get(v, "input"), joinFor(format))
	case format <= 3:
		cell.Source, ok = r.joined(r.get(v, "source"), joinFor(format))
		r.upgradeText(cell, v)
	default:
		cell.Source, ok = r.joined(r.get(v, "source"), joinEmpty)
	}
	return ok
}

func (r reader) sourceV1(cell *Cell, v value) (ok bool) {
	switch cell.Type {
	case Code:
		cell.ExecutionCount, _ = r.integer(r.get(v, "prompt_number"))
		cell.Source, ok = r.joined(r.get(v, "code"), joinEmpty)
	case "text":
		cell.Type = Markdown
		cell.Source, ok = r.joined(r.get(v, "text"), joinEmpty)
	default:
		return true
	}
	return ok
}

// upgradeText turns the heading and html cells of v2 and v3 into markdown.
func (r reader) upgradeText(cell *Cell, v value) {
	if cell.Type == "html" {
		cell.Type = Markdown
	}
	if cell.Type != "heading" {
		return
	}
	level, ok := r.integer(r.get(v, "level"))
	if !ok {
		level = 1
	}
	cell.Type = Markdown
	cell.Source = strings.Repeat("#", max(0, min(level, maxHeading))) + " " + oneLine(cell.Source)
}

// maxHeading bounds a heading's level: nobody means more, and a hostile number
// must not fill the memory.
const maxHeading = 1000

func oneLine(s string) string {
	lines := splitLines(s)
	for i, line := range lines {
		lines[i] = splitEnd(line)
	}
	return strings.Join(lines, " ")
}

func joinEmpty(string) string { return "" }

// joinFor returns how a format joins the lines of a source. v3 was written both
// with and without line ends; the first line tells.
func joinFor(format int) func(string) string {
	return func(first string) string {
		if format == 3 && (strings.HasSuffix(first, "\n") || strings.HasSuffix(first, "\r")) {
			return ""
		}
		return "\n"
	}
}
