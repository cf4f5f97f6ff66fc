package diff

import "strings"

// joinLines makes one text of each list of lines, where nbformat does. It changes
// values: nobody may know them but who made them.
func joinLines(root *value) {
	texts{fresh: true, do: func(_ string, v *value) *value { return joinText(v) }}.of(root)
}

// splitLists writes texts that are new as lists of lines, where nbformat does.
func splitLists(root *value) *value {
	return texts{do: func(key string, v *value) *value {
		text := strings.HasPrefix(key, "text") || key == "source" || key == "image/svg+xml" || key == "application/javascript"
		if v.kind == kindText && v.from == nil && text {
			return newLines(v.text)
		}
		return v
	}}.of(root)
}

// texts goes to each text of a notebook that a list of lines may stand for.
type texts struct {
	// do replaces a text, whose key or mime type it is told, by one that means the
	// same.
	do func(key string, v *value) *value
	// fresh says that what holds it may be changed; it is made anew otherwise.
	fresh bool
}

func (t texts) of(root *value) *value {
	list := root.get("cells")
	if list == nil || list.kind != kindList {
		return root
	}
	return t.within(root, "cells", func(cells *value) *value { return t.each(cells, t.inCell) })
}

func (t texts) inCell(cell *value) *value {
	cell = t.in(cell, "source")
	cell = t.within(cell, "attachments", t.inBundles)
	if cell.str("cell_type") == "code" {
		cell = t.within(cell, "outputs", t.inOutputs)
	}
	return cell
}

// in does it to a member.
func (t texts) in(v *value, key string) *value {
	return t.within(v, key, func(m *value) *value { return t.do(key, m) })
}

// within replaces a member by one that means the same, so that the object still
// stands in its file as it did.
func (t texts) within(v *value, key string, change func(*value) *value) *value {
	m := v.get(key)
	if m == nil {
		return v
	}
	to := change(m)
	if t.fresh {
		v.kids[v.index(key)] = to
		return v
	}
	return inPlaceOf(v, v.with(key, to))
}

// eachMember does the same to all members.
func (t texts) eachMember(v *value, change func(key string, m *value) *value) *value {
	if t.fresh {
		for i, key := range v.keys {
			v.kids[i] = change(key, v.kids[i])
		}
		return v
	}
	var all edits
	for i, key := range v.keys {
		all.set(key, change(key, v.kids[i]))
	}
	return inPlaceOf(v, all.of(v))
}

func inPlaceOf(v, same *value) *value {
	if same != v {
		same.raw, same.depth, same.from = v.raw, v.depth, v.from
	}
	return same
}

// each does the same to all elements of a list.
func (t texts) each(v *value, change func(*value) *value) *value {
	out := v
	if !t.fresh {
		out = &value{kind: kindList, kids: make([]*value, len(v.kids)), raw: v.raw, depth: v.depth, from: v.from}
	}
	for i, kid := range v.kids {
		out.kids[i] = change(kid)
	}
	return out
}

func joinText(v *value) *value {
	if v.kind != kindList {
		return v
	}
	var b strings.Builder
	size := 0
	for _, line := range v.kids {
		if line.kind != kindText {
			return v
		}
		size += len(line.text)
	}
	b.Grow(size)
	for _, line := range v.kids {
		b.WriteString(line.text)
	}
	return &value{kind: kindText, text: b.String(), lines: true, raw: v.raw, depth: v.depth, from: v.from}
}

func (t texts) inOutputs(v *value) *value {
	if v.kind != kindList {
		return v
	}
	return t.each(v, func(out *value) *value {
		switch out.str("output_type") {
		case "execute_result", "display_data":
			return t.within(out, "data", t.inBundle)
		case "":
			return out
		}
		return t.in(out, "text")
	})
}

func (t texts) inBundles(v *value) *value {
	if v.kind == kindObject {
		return t.eachMember(v, func(_ string, m *value) *value { return t.inBundle(m) })
	}
	return v
}

func (t texts) inBundle(v *value) *value {
	if v.kind == kindObject {
		return t.eachMember(v, func(mime string, m *value) *value {
			if jsonMime(mime) {
				return m
			}
			return t.do(mime, m)
		})
	}
	return v
}

func jsonMime(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}
