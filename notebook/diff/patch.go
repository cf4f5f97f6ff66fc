package diff

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrPatch is the cause of each error of [Patch].
var ErrPatch = errors.New("the operations do not fit this notebook")

// Patch applies operations in nbdime's format, ours or nbdime's own.
func Patch(d *Document, operations []byte) (*Document, error) {
	ops, ok := parse(string(operations), nil)
	if !ok {
		return nil, fmt.Errorf("%w: they are not JSON", ErrPatch)
	}
	root, err := patch("", d.root, ops)
	if err != nil {
		return nil, err
	}
	if cells := root.get("cells"); cells != nil && cells.kind == kindList {
		for _, cell := range cells.kids {
			if cell.kind != kindObject {
				return nil, patchError("/cells", "they add what is no cell")
			}
		}
	}
	return newDocument(splitLists(root), d.style), nil
}

func patchError(path, format string, args ...any) error {
	return fmt.Errorf("%w: at %s: %s", ErrPatch, max(path, "/"), fmt.Sprintf(format, args...))
}

func patch(path string, v, ops *value) (*value, error) {
	switch {
	case ops == nil || ops.kind != kindList:
		return nil, patchError(path, "expected a list of operations")
	case v.kind == kindObject:
		return patchMapping(path, v, ops.kids)
	case v.kind == kindList:
		return patchList(path, v, ops.kids)
	case v.kind == kindText:
		return patchText(path, v, ops.kids)
	}
	return nil, patchError(path, "%s cannot be patched", v.text)
}

func patchMapping(path string, v *value, ops []*value) (*value, error) {
	var out edits
	done := map[string]bool{}
	for _, o := range ops {
		key := o.get("key")
		if key == nil || key.kind != kindText {
			return nil, patchError(path, "an operation on an object has no key")
		}
		if done[key.text] {
			return nil, patchError(path+"/"+key.text, "there are two operations on it")
		}
		done[key.text] = true
		at, was, to := path+"/"+key.text, v.get(key.text), o.get("value")
		what := o.str("op")
		switch {
		case what == "add" && was != nil:
			return nil, patchError(at, "it is there already")
		case what != "add" && was == nil:
			return nil, patchError(at, "there is no such key")
		case (what == "add" || what == "replace") && to != nil:
			out.set(key.text, writtenLike(was, to))
		case what == "remove":
			out.set(key.text, nil)
		case what == "patch":
			inner, err := patch(at, was, o.get("diff"))
			if err != nil {
				return nil, err
			}
			out.set(key.text, inner)
		default:
			return nil, patchError(at, "unknown operation %q", what)
		}
	}
	return out.of(v), nil
}

// writtenLike writes a text as the one before it was.
func writtenLike(was, to *value) *value {
	if to.kind == kindText && was != nil && was.kind == kindText {
		return &value{kind: kindText, text: to.text, lines: was.lines, from: was.from}
	}
	return to
}

// A span is what an operation does to a sequence: it puts something before index,
// and takes length elements away.
type span struct {
	index, length int
	what          string
	op            *value
}

func spanOf(path string, o *value, size int) (span, error) {
	s := span{what: o.str("op"), op: o}
	var err error
	if s.index, err = integer(o.get("key")); err != nil || s.index > size {
		return s, patchError(path, "an operation on a sequence of %d has no fitting key", size)
	}
	switch s.what {
	case "patch":
		s.length = 1
	case "removerange":
		if s.length, err = integer(o.get("length")); err != nil {
			return s, patchError(path, "removerange has no length")
		}
	case "addrange":
	default:
		return s, patchError(path, "unknown operation %q", s.what)
	}
	if s.length > size-s.index {
		return s, patchError(path, "there is no element %d", s.index+s.length-1)
	}
	return s, nil
}

func integer(v *value) (int, error) {
	if v == nil || v.kind != kindNumber {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.Atoi(v.text)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

// patchSequence walks over a sequence: keep is called for what stays, change for
// each operation.
func patchSequence(path string, size int, ops []*value, keep func(from, to int), change func(span) error) error {
	take := 0
	for _, o := range ops {
		s, err := spanOf(path, o, size)
		if err != nil {
			return err
		}
		if s.index > take {
			keep(take, s.index)
		}
		if err := change(s); err != nil {
			return err
		}
		take = max(take, s.index+s.length)
	}
	keep(take, size)
	return nil
}

func patchList(path string, v *value, ops []*value) (*value, error) {
	out := newList()
	err := patchSequence(path, len(v.kids), ops,
		func(from, to int) { out.kids = append(out.kids, v.kids[from:to]...) },
		func(s span) error {
			switch s.what {
			case "addrange":
				list := s.op.get("valuelist")
				if list == nil || list.kind != kindList {
					return patchError(path, "addrange has no list of values")
				}
				out.kids = append(out.kids, list.kids...)
			case "patch":
				inner, err := patch(path+"/"+strconv.Itoa(s.index), v.kids[s.index], s.op.get("diff"))
				if err != nil {
					return err
				}
				out.kids = append(out.kids, inner)
			}
			return nil
		})
	return out, err
}

func patchText(path string, v *value, ops []*value) (*value, error) {
	lines := splitLines(v.text)
	var b strings.Builder
	err := patchSequence(path, len(lines), ops,
		func(from, to int) { b.WriteString(strings.Join(lines[from:to], "")) },
		func(s span) error {
			switch s.what {
			case "addrange":
				return appendStrings(path, &b, s.op.get("valuelist"))
			case "patch":
				diff := s.op.get("diff")
				if diff == nil || diff.kind != kindList {
					return patchError(path, "expected a list of operations")
				}
				return patchLine(path, &b, lines[s.index], diff.kids)
			}
			return nil
		})
	return &value{kind: kindText, text: b.String(), lines: v.lines, from: v.from}, err
}

// patchLine applies operations that count characters.
func patchLine(path string, b *strings.Builder, line string, ops []*value) error {
	starts := characters(line)
	return patchSequence(path, len(starts)-1, ops,
		func(from, to int) { b.WriteString(line[starts[from]:starts[to]]) },
		func(s span) error {
			switch s.what {
			case "addrange":
				return appendStrings(path, b, s.op.get("valuelist"))
			case "patch":
				return patchError(path, "a character cannot be patched")
			}
			return nil
		})
}

// characters returns where each character of a text begins, and its length.
func characters(s string) []int {
	starts := []int{0}
	for i := 0; i < len(s); {
		_, n := decodeRune(s[i:])
		i += n
		starts = append(starts, i)
	}
	return starts
}

// appendStrings appends a string or a list of strings.
func appendStrings(path string, b *strings.Builder, v *value) error {
	if v == nil || v.kind != kindText && (v.kind != kindList || slices.ContainsFunc(v.kids, func(kid *value) bool { return kid.kind != kindText })) {
		return patchError(path, "addrange has no list of lines")
	}
	b.WriteString(v.text)
	for _, kid := range v.kids {
		b.WriteString(kid.text)
	}
	return nil
}
