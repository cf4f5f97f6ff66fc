package lint

import (
	"slices"
	"strings"
)

// noqa is how a line silences findings about it, all of them or those it names.
// Other linters know the same comment, and their ids may stand beside ours.
var noqa = pattern(`(?i)(?:#|--|<!--)\s*noqa\b(?:\s*:\s*([A-Z][A-Z0-9]*(?:[\s,]+[A-Z][A-Z0-9]*)*))?`) //nolint:gochecknoglobals // immutable

// A silence is what a line's comment silences.
type silence struct {
	all bool
	ids []string
}

// silenced reports whether a comment silences a finding: one on its line, or, for
// a finding about the cell or its outputs, one that names the rule on any line.
func (r *run) silenced(f Finding) bool {
	c := r.cells[f.Cell-1]
	if f.Output > 0 || f.Line == 0 {
		return c.silent[f.Rule]
	}
	on := c.silences[f.Line]
	return on.all || slices.Contains(on.ids, f.Rule)
}

func silencedBy(line string) (ids []string, all bool) {
	if !strings.Contains(line, "#") && !strings.Contains(line, "--") {
		return nil, false
	}
	for _, m := range noqa().FindAllStringSubmatch(line, -1) {
		if m[1] == "" {
			return nil, true
		}
		ids = append(ids, strings.FieldsFunc(strings.ToUpper(m[1]), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })...)
	}
	return ids, false
}
