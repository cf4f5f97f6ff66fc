package diff

import (
	"cmp"
	"fmt"
	"strings"
)

// cell merges one cell, which will have the number.
func (m *merger) cell(n node, number int) *value {
	base, ours, theirs := cellAt(m.base, n.base), cellAt(m.ours, n.ours), cellAt(m.theirs, n.theirs)
	conflict := func(msg string) {
		m.conflicts = append(m.conflicts, Conflict{Cell: number, Msg: msg})
	}
	switch {
	case base == nil && theirs == nil:
		return ours
	case base == nil && ours == nil:
		return theirs
	case theirs == nil:
		conflict("we changed it, they removed it")
		return m.halfRemoved(ours, lines(ours), nil, Labels{Theirs: cmp.Or(m.labels.Theirs, "theirs") + " (removed)"})
	case ours == nil:
		conflict("we removed it, they changed it")
		return m.halfRemoved(theirs, nil, lines(theirs), Labels{Ours: cmp.Or(m.labels.Ours, "ours") + " (removed)"})
	}
	out := merge3(base.withoutParts(), ours.withoutParts(), theirs.withoutParts())
	source, collides := mergeText(base.str("source"), ours.str("source"), theirs.str("source"), m.labels)
	if collides {
		conflict("both sides changed the same lines")
	}
	attachments, twice := mergeAttachments(base.get("attachments"), ours.get("attachments"), theirs.get("attachments"))
	if twice != "" {
		conflict(fmt.Sprintf("both sides changed the attachment %s; ours stayed", twice))
	}
	out = inOrderOf(ours, out, map[string]*value{"source": sourceOf(source, ours, theirs), "attachments": attachments})
	return withRun(out, base, ours, theirs)
}

func cellAt(d *Document, i int) *value {
	if i < 0 {
		return nil
	}
	return d.cells[i]
}

func lines(cell *value) []string { return strings.Split(cell.str("source"), "\n") }

// halfRemoved is a cell that one side removed and the other changed.
func (m *merger) halfRemoved(cell *value, ours, theirs []string, l Labels) *value {
	l.Ours, l.Theirs, l.Size = cmp.Or(l.Ours, m.labels.Ours), cmp.Or(l.Theirs, m.labels.Theirs), m.labels.Size
	text := strings.Join(conflictLines(l, ours, theirs), "\n")
	return notRun(cell.with("source", sourceOf(text, cell, cell)))
}

// sourceOf is a source as one of the cells has it, or a new one.
func sourceOf(text string, cells ...*value) *value {
	for _, cell := range cells {
		if s := cell.get("source"); s != nil && s.kind == kindText && s.text == text {
			return s
		}
	}
	return newLines(text)
}

// withoutParts takes away what has rules of its own.
func (v *value) withoutParts() *value {
	if v == nil {
		return nil
	}
	var parts edits
	for _, key := range []string{"source", "attachments", "outputs", "execution_count"} {
		parts.set(key, nil)
	}
	return parts.of(v)
}

// inOrderOf puts parts into an object, the keys in the order of another one.
func inOrderOf(order, v *value, parts map[string]*value) *value {
	out := newObject()
	set := func(key string, to *value) {
		if to != nil {
			out.keys, out.kids = append(out.keys, key), append(out.kids, to)
		}
	}
	for _, key := range order.keys {
		if part, ok := parts[key]; ok {
			set(key, part)
			delete(parts, key)
		} else if key == "outputs" || key == "execution_count" {
			set(key, order.get(key))
		} else {
			set(key, v.get(key))
		}
	}
	var rest edits
	for i, key := range v.keys {
		if order.get(key) == nil {
			rest.set(key, v.kids[i])
		}
	}
	for _, key := range []string{"attachments", "source"} {
		if part := parts[key]; part != nil {
			rest.set(key, part)
		}
	}
	return rest.of(out)
}

// mergeAttachments merges file by file, and names one that both sides changed.
func mergeAttachments(base, ours, theirs *value) (merged *value, twice string) {
	if isKind(kindObject, ours, theirs) {
		for _, name := range ours.keys {
			b, o, t := base.get(name), ours.get(name), theirs.get(name)
			if t != nil && !equal(b, o) && !equal(b, t) && !equal(o, t) {
				twice = name
			}
		}
	}
	return merge3(base, ours, theirs), twice
}

// withRun gives a merged cell the outputs and the execution count of the side
// whose source it has.
func withRun(cell, base, ours, theirs *value) *value {
	if cell.str("cell_type") != "code" {
		return cell.with("outputs", nil).with("execution_count", nil)
	}
	source := cell.str("source")
	isOurs, isTheirs := source == ours.str("source"), source == theirs.str("source")
	switch {
	case isOurs && isTheirs && sameRun(base, ours):
		return copyRun(cell, theirs)
	case isOurs:
		return copyRun(cell, ours)
	case isTheirs:
		return copyRun(cell, theirs)
	}
	return notRun(cell)
}

func sameRun(a, b *value) bool {
	return equal(a.get("outputs"), b.get("outputs")) && equal(a.get("execution_count"), b.get("execution_count"))
}

func copyRun(cell, from *value) *value {
	for _, key := range []string{"outputs", "execution_count"} {
		cell = cell.with(key, preferring(cell.get(key), from.get(key)))
	}
	return cell
}

// notRun is a cell whose source nobody has run.
func notRun(cell *value) *value {
	if cell.str("cell_type") != "code" {
		return cell
	}
	return cell.with("outputs", newList()).with("execution_count", null)
}
