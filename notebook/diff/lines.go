package diff

import "strings"

// joinLines makes one text of each list of lines, where nbformat does.
func joinLines(root *value) *value {
	return texts(root, func(_ string, v *value) *value { return joinText(v) })
}

// splitLists writes texts that are new as lists of lines, where nbformat does.
func splitLists(root *value) *value {
	return texts(root, func(key string, v *value) *value {
		text := strings.HasPrefix(key, "text") || key == "source" || key == "image/svg+xml" || key == "application/javascript"
		if v.kind == kindText && v.from == nil && text {
			return newLines(v.text)
		}
		return v
	})
}

// A leaf does something to a text of a notebook, whose key or mime type it is
// told.
type leaf func(key string, v *value) *value

// texts gives each text that a list of lines may stand for to a leaf.
func texts(root *value, do leaf) *value {
	list := root.get("cells")
	if list == nil || list.kind != kindList {
		return root
	}
	cells := make([]*value, len(list.kids))
	for i, cell := range list.kids {
		cell = do.in(cell, "source")
		cell = within(cell, "attachments", do.inBundles)
		if cell.str("cell_type") == "code" {
			cell = within(cell, "outputs", do.inOutputs)
		}
		cells[i] = cell
	}
	return within(root, "cells", func(*value) *value { return relisted(list, cells) })
}

// in does it to a member.
func (do leaf) in(v *value, key string) *value {
	return within(v, key, func(m *value) *value { return do(key, m) })
}

// within replaces a member by one that means the same, so that the object still
// stands in its file as it did.
func within(v *value, key string, change func(*value) *value) *value {
	m := v.get(key)
	if m == nil {
		return v
	}
	return inPlaceOf(v, v.with(key, change(m)))
}

// eachMember does the same to all members.
func eachMember(v *value, change func(key string, m *value) *value) *value {
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

func relisted(v *value, kids []*value) *value {
	return &value{kind: kindList, kids: kids, raw: v.raw, depth: v.depth, from: v.from}
}

func joinText(v *value) *value {
	if v.kind != kindList {
		return v
	}
	var b strings.Builder
	for _, line := range v.kids {
		if line.kind != kindText {
			return v
		}
		b.WriteString(line.text)
	}
	return &value{kind: kindText, text: b.String(), lines: true, raw: v.raw, depth: v.depth, from: v.from}
}

func (do leaf) inOutputs(v *value) *value {
	if v.kind != kindList {
		return v
	}
	kids := make([]*value, len(v.kids))
	for i, out := range v.kids {
		switch out.str("output_type") {
		case "execute_result", "display_data":
			out = within(out, "data", do.inBundle)
		case "":
		default:
			out = do.in(out, "text")
		}
		kids[i] = out
	}
	return relisted(v, kids)
}

func (do leaf) inBundles(v *value) *value {
	if v.kind == kindObject {
		return eachMember(v, func(_ string, m *value) *value { return do.inBundle(m) })
	}
	return v
}

func (do leaf) inBundle(v *value) *value {
	if v.kind == kindObject {
		return eachMember(v, func(mime string, m *value) *value {
			if jsonMime(mime) {
				return m
			}
			return do(mime, m)
		})
	}
	return v
}

func jsonMime(mime string) bool {
	return mime == "application/json" || strings.HasPrefix(mime, "application/") && strings.HasSuffix(mime, "+json")
}
