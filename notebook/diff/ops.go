package diff

import (
	"slices"
	"strconv"
	"strings"
)

// An op is one operation of nbdime's format. Those of a mapping are add, remove,
// replace and patch; those of a sequence addrange, removerange and patch. A text
// is a sequence of its lines.
type op struct {
	op     string
	key    string // in a mapping
	index  int    // in a sequence; -1 in a mapping
	length int    // of a removerange
	values []*value
	diff   []op // of a patch; that of a text is found when it is asked for

	from, to *value // what differs, for those who show it
}

// An opser makes operations. Paths are those of nbdime's ignore lists: lists
// stand in them as *.
type opser struct {
	ignored map[string]bool
	cells   []pair
}

// Options say what does not count as a difference.
type Options struct {
	IgnoreOutputs  bool
	IgnoreMetadata bool // of the notebook, of cells and of outputs
	IgnoreIDs      bool
	IgnoreCounts   bool // execution counts
}

func (o Options) paths() map[string]bool {
	return map[string]bool{
		"/cells/*/outputs":                   o.IgnoreOutputs,
		"/metadata":                          o.IgnoreMetadata,
		"/cells/*/metadata":                  o.IgnoreMetadata,
		"/cells/*/outputs/*/metadata":        o.IgnoreMetadata,
		"/cells/*/id":                        o.IgnoreIDs,
		"/cells/*/execution_count":           o.IgnoreCounts,
		"/cells/*/outputs/*/execution_count": o.IgnoreCounts,
	}
}

// mapping returns what makes b of a, in the order of the keys.
func (o *opser) mapping(path string, a, b *value) []op {
	keys := slices.Clone(a.keys)
	for _, key := range b.keys {
		if a.get(key) == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var ops []op
	for _, key := range keys {
		from, to, at := a.get(key), b.get(key), path+"/"+key
		switch {
		case o.ignored[at], equal(from, to):
		case from == nil:
			ops = append(ops, op{op: "add", index: -1, key: key, values: []*value{to}, to: to})
		case to == nil:
			ops = append(ops, op{op: "remove", index: -1, key: key, from: from})
		case from.kind != to.kind, from.kind < kindText, oneLine(from) && oneLine(to) && at != "/cells/*/source":
			ops = append(ops, op{op: "replace", index: -1, key: key, values: []*value{to}, from: from, to: to})
		case from.kind == kindText:
			ops = append(ops, op{op: "patch", index: -1, key: key, from: from, to: to})
		default:
			if inner := o.value(at, from, to); len(inner) > 0 {
				ops = append(ops, op{op: "patch", index: -1, key: key, diff: inner, from: from, to: to})
			}
		}
	}
	return ops
}

// oneLine reports whether a value is a text that is best replaced as a whole.
func oneLine(v *value) bool {
	return v.kind == kindText && !strings.Contains(v.text, "\n")
}

// value compares two lists or objects.
func (o *opser) value(path string, a, b *value) []op {
	switch {
	case a.kind == kindObject:
		return o.mapping(path, a, b)
	case path == "/cells":
		return o.sequence(path, a.kids, b.kids, o.cells)
	}
	return o.sequence(path, a.kids, b.kids, pairItems(a.kids, b.kids))
}

// sequence compares two lists whose pairs are known.
func (o *opser) sequence(path string, a, b []*value, pairs []pair) []op {
	var ops []op
	at := block{}
	gap := func(a1, b1 int) {
		ops = append(ops, rangeOps(at.a0, a1-at.a0, b[at.b0:b1])...)
	}
	for _, p := range pairs {
		gap(p.a, p.b)
		at = block{a0: p.a + 1, b0: p.b + 1}
		if inner := o.item(path+"/*", a[p.a], b[p.b]); len(inner) > 0 {
			ops = append(ops, op{op: "patch", index: p.a, diff: inner, from: a[p.a], to: b[p.b]})
		}
	}
	gap(len(a), len(b))
	return ops
}

func (o *opser) item(path string, a, b *value) []op {
	if equal(a, b) {
		return nil
	}
	return o.value(path, a, b)
}

// rangeOps replaces a stretch of a sequence: what is new stands first.
func rangeOps(index, length int, values []*value) []op {
	var ops []op
	if len(values) > 0 {
		ops = append(ops, op{op: "addrange", index: index, values: values})
	}
	if length > 0 {
		ops = append(ops, op{op: "removerange", index: index, length: length})
	}
	return ops
}

// pairItems pairs equal elements of two lists, and between these, in order,
// those that can be patched.
func pairItems(a, b []*value) []pair {
	var n names
	equals := common(n.all(a), n.all(b))
	pairs := slices.Clone(equals)
	for _, r := range blocks(equals, len(a), len(b)) {
		for i, j := r.a0, r.b0; i < r.a1 && j < r.b1; {
			switch {
			case patchable(a[i], b[j]):
				pairs = append(pairs, pair{i, j})
				i++
				j++
			case r.a1-i > r.b1-j:
				i++
			default:
				j++
			}
		}
	}
	slices.SortFunc(pairs, func(x, y pair) int { return x.a - y.a })
	return pairs
}

// patchable reports whether two unequal elements may be the same one, changed.
func patchable(a, b *value) bool {
	return a.kind == kindObject && b.kind == kindObject && a.str("output_type") == b.str("output_type") && a.str("name") == b.str("name") ||
		a.kind == kindList && b.kind == kindList
}

func textOps(a, b string) []op {
	linesA, linesB := splitLines(a), splitLines(b)
	var ops []op
	for _, r := range blocks(commonLines(linesA, linesB), len(linesA), len(linesB)) {
		var added []*value
		for _, line := range linesB[r.b0:r.b1] {
			added = append(added, newText(line))
		}
		ops = append(ops, rangeOps(r.a0, r.a1-r.a0, added)...)
	}
	return ops
}

// opsValue is the operations as JSON.
func opsValue(ops []op) *value {
	list := newList()
	for _, one := range ops {
		list.kids = append(list.kids, one.value())
	}
	return list
}

func (o op) value() *value {
	key := newNumber(strconv.Itoa(o.index))
	if o.index < 0 {
		key = newText(o.key)
	}
	v := &value{kind: kindObject, keys: []string{"op", "key"}, kids: []*value{newText(o.op), key}}
	set := func(key string, to *value) {
		v.keys, v.kids = append(v.keys, key), append(v.kids, to)
	}
	switch o.op {
	case "add", "replace":
		set("value", o.values[0])
	case "addrange":
		set("valuelist", newList(o.values...))
	case "removerange":
		set("length", newNumber(strconv.Itoa(o.length)))
	case "patch":
		if o.from.kind == kindText {
			o.diff = textOps(o.from.text, o.to.text)
		}
		set("diff", opsValue(o.diff))
	}
	return v
}

// opsJSON writes operations as people read them.
func opsJSON(ops []op) []byte {
	w := &writer{joined: true, style: &style{indent: "  ", line: "\n", colon: ": "}}
	w.value(opsValue(ops), 0)
	w.WriteByte('\n')
	return []byte(w.String())
}
