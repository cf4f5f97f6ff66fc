package schema

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// reader walks nodes and types side by side and collects complaints.
type reader struct {
	doc      *Doc
	problems Problems
	patterns map[string]*regexp.Regexp
}

// value reads a node as the type. It returns nil where it complained about the
// form of the node. Keys are kept even so, with a nil value, so that nobody
// takes them for missing.
func (r *reader) value(n *node, t *Type, path string) *Value {
	switch {
	case n == nil: // refused by the parser, which has complained
		return nil
	case t.Kind == Any:
		return r.any(n)
	case n.missing && t.MayBeEmpty:
		return r.made(n, t.Kind)
	case n.missing && t.Nullable:
		r.wrong(n, path, t, "is empty", "").Expected += ", or null to remove it"
		return nil
	case t.Nullable && n.isNull():
		return &Value{Kind: t.Kind, Pos: n.pos, From: r.doc.File, null: true, text: "null"}
	case t.SecretToo && n.shape == mapNode:
		return r.secret(n, path)
	}
	switch t.Kind {
	case List:
		return r.list(n, t, path)
	case Map:
		return r.mapping(n, t, path)
	case Object:
		return r.object(n, t, path)
	case Union:
		return r.union(n, t, path)
	case Secret:
		return r.secret(n, path)
	default:
		return r.scalar(n, t, path)
	}
}

func (r *reader) made(n *node, k Kind) *Value {
	return &Value{Kind: k, Pos: n.pos, From: r.doc.File, text: n.text}
}

// any keeps the node for a later As, and gives it its plain sense.
func (r *reader) any(n *node) *Value {
	v := r.made(n, n.plainKind())
	v.raw, v.doc = n, r.doc
	switch v.Kind {
	case Bool:
		v.truth = strings.EqualFold(n.text, "true")
	case Number:
		v.number = numberOf(n.text)
	default:
		v.null = n.isNull()
	}
	for _, p := range n.pairs {
		if p.value != nil {
			v.members = append(v.members, Member{Key: p.key.text, Pos: p.key.pos, Value: r.any(p.value)})
		}
	}
	for _, item := range n.items {
		if item != nil {
			v.items = append(v.items, r.any(item))
		}
	}
	return v
}

// numberOf reads a number in any of YAML's notations; one that JSON cannot hold
// is 0.
func numberOf(text string) float64 {
	text = strings.ReplaceAll(text, "_", "")
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		return f
	}
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		return 0
	}
	return float64(n)
}

// complain adds a problem about a place and returns it for more detail.
func (r *reader) complain(pos Pos, path, message string) *Problem {
	r.problems = append(r.problems, r.doc.Problem(pos, path, message))
	return &r.problems[len(r.problems)-1]
}

// wrong complains that a value is not of its type.
func (r *reader) wrong(n *node, path string, t *Type, is, suggestion string) *Problem {
	p := r.complain(n.pos, path, name(path)+" "+is)
	p.Expected, p.Suggestion = t.Expects(), suggestion
	return p
}

func name(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

// Join puts a key after a path. Keys that hold dots or blanks are quoted.
func Join(path, key string) string {
	if key == "" || strings.ContainsAny(key, `. "[]:`) {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func (r *reader) list(n *node, t *Type, path string) *Value {
	if n.shape != listNode {
		suggestion := ""
		if n.shape == scalarNode && !n.missing {
			suggestion = "[" + yamlText(n.text) + "]"
		}
		r.wrong(n, path, t, "is "+n.what(), suggestion)
		return nil
	}
	v := r.made(n, List)
	for i, item := range n.items {
		if got := r.value(item, t.Elem, fmt.Sprintf("%s[%d]", path, i)); got != nil {
			v.items = append(v.items, got)
		}
	}
	r.count(n, t, path)
	return v
}

// count complains about a list or map that is too short or too long.
func (r *reader) count(n *node, t *Type, path string) {
	entries := len(n.items) + len(n.pairs)
	if !r.within(float64(entries), t) {
		r.complain(n.pos, path, fmt.Sprintf("%s has %d entries", name(path), entries)).Expected = strings.TrimPrefix(t.bounds(plainNumber), ", ")
	}
}

func (r *reader) mapping(n *node, t *Type, path string) *Value {
	if n.shape != mapNode {
		r.wrong(n, path, t, "is "+n.what(), "")
		return nil
	}
	v := r.made(n, Map)
	for _, p := range n.pairs {
		at := Join(path, p.key.text)
		if t.Key != nil && !r.matches(p.key.text, t.Key) {
			q := r.complain(p.key.pos, at, fmt.Sprintf("%q cannot be a name in %s", shorten(p.key.text), name(path)))
			q.Expected = t.Key.Expects()
		}
		v.members = append(v.members, Member{Key: p.key.text, Pos: p.key.pos, Value: r.value(p.value, t.Elem, at)})
	}
	r.count(n, t, path)
	return v
}

func (r *reader) object(n *node, t *Type, path string) *Value {
	if n.shape != mapNode {
		r.wrong(n, path, t, "is "+n.what(), "")
		return nil
	}
	v := r.made(n, Object)
	meant := map[string]bool{} // fields that are there under a wrong name
	for _, p := range n.pairs {
		f := t.Field(p.key.text)
		if f == nil {
			meant[r.unknown(p.key, t, path)] = true
			continue
		}
		v.members = append(v.members, Member{Key: f.Name, Pos: p.key.pos, Value: r.value(p.value, f.Type, Join(path, f.Name))})
	}
	r.required(n, t, path, meant)
	return v
}

func (t *Type) names() []string {
	out := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		out[i] = f.Name
	}
	return out
}

func (n *node) has(key string) bool {
	return slices.ContainsFunc(n.pairs, func(p pair) bool { return p.key.text == key })
}

// unknown complains about a key and returns the field that it stands for, if
// any is near.
func (r *reader) unknown(key *node, t *Type, path string) string {
	p := r.complain(key.pos, Join(path, key.text), fmt.Sprintf("unknown key %q", shorten(key.text))+in(path))
	right := t.nearest(key.text)
	switch {
	case right != "":
		p.Suggestion = strconv.Quote(right)
	case len(t.Fields) == 1:
		p.Expected = t.Fields[0].Name
	default:
		p.Expected = "one of " + strings.Join(t.names(), ", ")
	}
	first, _, _ := strings.Cut(right, ".")
	return first
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// nearest finds the field that a wrong key stands for: one that is spelt nearly
// so, one also known by that name, or one that belongs a level deeper.
func (t *Type) nearest(key string) string {
	if right := Nearest(key, t.names()); right != "" {
		return right
	}
	for _, f := range t.Fields {
		for _, also := range f.Also {
			if squeeze(also) == squeeze(key) {
				return f.Name
			}
		}
	}
	for _, f := range t.Fields {
		if f.Type.Field(key) != nil {
			return f.Name + "." + key
		}
	}
	return ""
}

// required complains about fields that are missing, but for those that are
// there under a wrong name.
func (r *reader) required(n *node, t *Type, path string, meant map[string]bool) {
	for _, f := range t.Fields {
		if f.Required && !n.has(f.Name) && !meant[f.Name] {
			p := r.complain(n.pos, Join(path, f.Name), fmt.Sprintf("missing key %q", f.Name)+in(path))
			if f.Type.Kind != Any {
				p.Expected = f.Name + ": " + f.Type.Expects()
			}
		}
	}
	for _, group := range t.OneOf {
		if slices.ContainsFunc(group, func(key string) bool { return meant[key] }) {
			continue
		}
		given := slices.DeleteFunc(slices.Clone(group), func(key string) bool { return !n.has(key) })
		switch {
		case len(given) == 0:
			r.complain(n.pos, path, name(path)+" has none of "+strings.Join(group, ", ")).Expected = "exactly one of them"
		case len(given) > 1:
			r.complain(n.pos, path, name(path)+" has "+strings.Join(given, " and ")).Expected = "only one of them"
		}
	}
}

func (r *reader) secret(n *node, path string) *Value {
	t := &Type{Kind: Secret}
	if n.shape != mapNode {
		r.wrong(n, path, t, "is "+n.what(), "")
		return nil
	}
	inner := r.object(n, secretObject(), path)
	got := inner.Get("secret")
	if got == nil {
		return nil
	}
	v := r.made(n, Secret)
	v.text = got.text
	return v
}

func secretObject() *Type {
	return &Type{Kind: Object, Fields: []Field{{Name: "secret", Required: true, Type: secretName()}}}
}

func secretName() *Type {
	return &Type{Kind: String, Pattern: secretPattern, PatternHelp: "the name of a secret: letters, digits and _./+=@:-"}
}

// union reads the node as the first type that fits. If none does, it complains
// as the first type that has the node's outer form would.
func (r *reader) union(n *node, t *Type, path string) *Value {
	var nearest Problems
	for _, of := range t.Of {
		try := &reader{doc: r.doc, patterns: r.patterns}
		v := try.value(n, of, path)
		if len(try.problems) == 0 {
			return v
		}
		if nearest == nil && of.takes(n) {
			nearest = try.problems
		}
	}
	if nearest == nil {
		r.wrong(n, path, t, "is "+n.what(), "")
		return nil
	}
	if whole := nearest[0]; len(nearest) == 1 && whole.Path == path && n.shape == scalarNode {
		nearest[0].Expected = t.Expects()
	}
	r.problems = append(r.problems, nearest...)
	return nil
}

// takes reports whether the type's values have the outer form of the node.
func (t *Type) takes(n *node) bool {
	switch t.Kind {
	case List:
		return n.shape == listNode
	case Map, Object, Secret:
		return n.shape == mapNode
	default:
		return n.shape == scalarNode && !n.missing
	}
}

func (r *reader) scalar(n *node, t *Type, path string) *Value {
	if n.shape != scalarNode || n.missing {
		r.wrong(n, path, t, "is "+n.what(), "")
		return nil
	}
	switch t.Kind {
	case Bool:
		return r.truth(n, t, path)
	case Int, Number:
		return r.number(n, t, path)
	default:
		return r.text(n, t, path)
	}
}

func (r *reader) truth(n *node, t *Type, path string) *Value {
	if n.meaning() != isBool {
		r.wrong(n, path, t, "is "+n.what(), truthFor(n.text))
		return nil
	}
	v := r.made(n, Bool)
	v.text = strings.ToLower(n.text)
	v.truth = v.text == "true"
	return v
}

// truthFor guesses what a word in the place of true or false means.
func truthFor(word string) string {
	switch strings.ToLower(word) {
	case "yes", "y", "on", "1", "true", "enable", "enabled":
		return "true"
	case "no", "n", "off", "0", "false", "disable", "disabled":
		return "false"
	default:
		return ""
	}
}

func (r *reader) number(n *node, t *Type, path string) *Value {
	m := n.meaning()
	digits := strings.TrimLeft(n.text, "-")
	odd := strings.ContainsAny(n.text, "_xXoO+nN") || len(digits) > 1 && digits[0] == '0' && digits[1] != '.'
	f, err := strconv.ParseFloat(n.text, 64)
	switch {
	case m != isInt && m != isFloat:
		suggestion := ""
		if !n.plain && resolve(n.text) == isInt {
			suggestion = n.text
		}
		r.wrong(n, path, t, "is "+n.what(), suggestion)
		return nil
	case odd || err != nil || t.Kind == Int && (m == isFloat || f > 1<<53 || f < -1<<53):
		r.wrong(n, path, t, "is "+n.what(), "")
		return nil
	}
	v := r.made(n, t.Kind)
	v.number, v.text = f, plainNumber(f)
	if !r.within(f, t) || len(t.Enum) > 0 && !slices.Contains(t.Enum, v.text) {
		r.wrong(n, path, t, "is "+n.text, "")
	}
	return v
}

func (r *reader) within(f float64, t *Type) bool {
	return (t.Min == nil || f >= *t.Min) && (t.Max == nil || f <= *t.Max)
}
