package lint

import (
	"regexp"
	"slices"
	"strings"
)

// noqa is how a line silences findings about it, all of them or those it names.
// Other linters know the same comment, and their ids may stand beside ours.
var noqa = regexp.MustCompile(`(?i)(?:#|--|<!--)\s*noqa\b(?:\s*:\s*([A-Z][A-Z0-9]*(?:[\s,]+[A-Z][A-Z0-9]*)*))?`)

// silenced reports whether a comment silences a finding: one on its line, or, for
// a finding about the cell or its outputs, one that names the rule on any line.
func (r *run) silenced(f Finding) bool {
	if f.Cell == 0 {
		return false
	}
	c := r.cells[f.Cell-1]
	if f.Output == 0 && f.Line > 0 {
		if f.Line > len(c.lines) {
			return false
		}
		ids, all := silencedBy(c.lines[f.Line-1])
		return all || slices.Contains(ids, f.Rule)
	}
	return c.silent[f.Rule]
}

func silencedBy(line string) (ids []string, all bool) {
	if !strings.Contains(line, "#") && !strings.Contains(line, "--") {
		return nil, false
	}
	for _, m := range noqa.FindAllStringSubmatch(line, -1) {
		if m[1] == "" {
			return nil, true
		}
		for _, id := range strings.FieldsFunc(strings.ToUpper(m[1]), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
			ids = append(ids, id)
		}
	}
	return ids, false
}
