package lint

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/notebook/edit"
)

// secretsInSource reports secrets in cells of every kind.
func (r *run) secretsInSource() {
	if !r.rules[SourceKey] {
		return
	}
	for _, c := range r.cells {
		lines := counter{text: strings.Join(c.lines, "\n")}
		for _, s := range r.secrets.Find(lines.text) {
			line, char := lines.at(s.Start)
			f := r.report(SourceKey, c, line+1, 0, "%s: %s (%s); make it a reference in slipway.yaml, as in {secret: name/key}, and replace the key",
				s.Rule, s.Masked(), s.What)
			f.Column = char + 1
		}
	}
}

// A counter counts the lines and characters of a text, from front to back.
type counter struct {
	text       string
	pos        int
	line, char int // before pos
}

// at returns the line and the character, both from 0, of what begins at a place
// behind the last one, or at the next line.
func (c *counter) at(place int) (line, char int) {
	for place < len(c.text) && c.text[place] == '\n' {
		place++
	}
	between := c.text[min(c.pos, place):place]
	if n := strings.Count(between, "\n"); n > 0 {
		c.line, c.char = c.line+n, 0
		between = between[strings.LastIndexByte(between, '\n')+1:]
	}
	c.char += utf8.RuneCountInString(between)
	c.pos = max(c.pos, place)
	return c.line, c.char
}

// outputs reports what outputs hold, and how heavy they are.
func (r *run) outputs() {
	for _, c := range r.cells {
		list := c.value.Get("outputs")
		items := list.Items()
		if len(items) == 0 {
			continue
		}
		if r.rules[OutputKey] {
			for n, item := range items {
				for _, text := range texts(item) {
					r.secretsIn(c, n+1, text)
				}
			}
		}
		if size := len(list.Raw()); size > r.options.HeavyOutput && !slices.Contains(c.Tags, "keep_output") {
			f := r.report(HeavyOutput, c, 0, 0, "its outputs weigh %d kB; slipway clean takes them out, and the tag keep_output keeps them", size/1000)
			f.Fixable, f.mend = true, mendOutputs
			f.FileLine = r.file.Line(list)
		}
	}
}

func (r *run) secretsIn(c *cell, output int, value edit.Value) {
	lines := counter{text: value.Joined()}
	found := r.secrets.Find(lines.text)
	if len(found) == 0 {
		return
	}
	fileLines := r.file.TextLines(value)
	for _, s := range found {
		line, char := lines.at(s.Start)
		f := r.report(OutputKey, c, 0, 0, "%s: %s (%s); take the output out and replace the key",
			s.Rule, s.Masked(), s.What)
		f.Output, f.Line, f.Column = output, line+1, char+1
		f.FileLine = lineIn(fileLines, line+1, f.FileLine)
		f.Fixable, f.mend = true, mendOutputs
	}
}

// texts returns the texts of an output: streams, tracebacks, and data but
// pictures and the like.
func texts(output edit.Value) []edit.Value {
	var all []edit.Value
	for _, m := range output.Members() {
		switch m.Key {
		case "text", "evalue", "traceback":
			all = append(all, m.Value)
		case "data":
			for _, data := range m.Members() {
				if !binary(data.Key) {
					all = append(all, data.Value)
				}
			}
		}
	}
	return all
}

func binary(mime string) bool {
	kind, _, _ := strings.Cut(mime, "/")
	return kind == "image" && mime != "image/svg+xml" || kind == "audio" || kind == "video" || mime == "application/pdf"
}

// order reports cells that were run in another order than they stand in, and
// those that were not run while others were.
func (r *run) order() {
	any := slices.ContainsFunc(r.cells, func(c *cell) bool { return c.Type == notebook.Code && c.ExecutionCount > 0 })
	last, lastCell := 0, 0
	for _, c := range r.cells {
		switch {
		case !any || c.Type != notebook.Code || strings.TrimSpace(c.Source) == "":
		case c.ExecutionCount <= 0:
			r.report(NotRun, c, 0, 0, "it was not run, and other cells were; run all cells from top to bottom, or take the counts out: slipway clean")
		default:
			if c.ExecutionCount <= last {
				r.report(Order, c, 0, 0, "it was run as number %d, and cell %d above it as number %d; run all cells from top to bottom", c.ExecutionCount, lastCell, last)
			}
			last, lastCell = c.ExecutionCount, c.number
		}
	}
}
