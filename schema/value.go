package schema

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Value is what was read: a piece of the document, its type and its place. The
// nil Value is a value that is not there; its methods return zero values, so
// that a chain of Get needs no checks.
type Value struct {
	Kind Kind
	Pos  Pos
	// From says where the value comes from: a file's name, or words such as
	// "default of shape glue-job 1" if it was not written anywhere.
	From string

	null    bool
	text    string // as written, for all scalars; a secret's name
	number  float64
	truth   bool
	items   []*Value
	members []Member
	raw     *node // where the type was Any
	doc     *Doc
}

// Member is one key of an Object or Map.
type Member struct {
	Key   string
	Pos   Pos // of the key
	Value *Value
}

// SecretRef is a reference to a secret, never the secret.
type SecretRef struct {
	Name string
}

// Given reports whether the value is there and is not null.
func (v *Value) Given() bool { return v != nil && !v.null }

// Null reports whether an explicit null stands in the place of the value.
func (v *Value) Null() bool { return v != nil && v.null }

// Get follows keys into objects and maps. It returns nil where one is not there.
func (v *Value) Get(keys ...string) *Value {
	for _, key := range keys {
		v = v.member(key)
	}
	return v
}

func (v *Value) member(key string) *Value {
	if v == nil {
		return nil
	}
	for _, m := range v.members {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

// Has reports whether an Object or Map has the key, whatever its value.
func (v *Value) Has(key string) bool {
	return v != nil && slices.ContainsFunc(v.members, func(m Member) bool { return m.Key == key })
}

// KeyPos returns the place of a key of an Object or Map, or the value's own
// place if the key is not there.
func (v *Value) KeyPos(key string) Pos {
	if v == nil {
		return Pos{}
	}
	for _, m := range v.members {
		if m.Key == key {
			return m.Pos
		}
	}
	return v.Pos
}

// Members returns the keys of an Object or Map in the order they were written.
func (v *Value) Members() []Member {
	if v == nil {
		return nil
	}
	return v.members
}

// Items returns the values of a List.
func (v *Value) Items() []*Value {
	if v == nil {
		return nil
	}
	return v.items
}

// Text returns a scalar as it was written, without quotes. It is empty for a
// secret reference, a list or a map.
func (v *Value) Text() string {
	if v == nil || v.Kind == Secret {
		return ""
	}
	return v.text
}

// Texts returns the texts of a List's values.
func (v *Value) Texts() []string {
	var out []string
	for _, item := range v.Items() {
		out = append(out, item.Text())
	}
	return out
}

// TextMap returns the texts of a Map's values that are text; secret references
// are left out.
func (v *Value) TextMap() map[string]string {
	var out map[string]string
	for _, m := range v.Members() {
		if _, secret := m.Value.Secret(); secret || !m.Value.Given() {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[m.Key] = m.Value.Text()
	}
	return out
}

// Int returns a whole number.
func (v *Value) Int() int { return int(v.Float()) }

// Float returns a number.
func (v *Value) Float() float64 {
	if v == nil {
		return 0
	}
	return v.number
}

// Bool returns a truth value.
func (v *Value) Bool() bool { return v != nil && v.truth }

// Duration returns a duration.
func (v *Value) Duration() time.Duration {
	d, err := ParseDuration(v.Text())
	if err != nil {
		return 0
	}
	return d
}

// Size returns a size in bytes.
func (v *Value) Size() int64 {
	n, err := ParseSize(v.Text())
	if err != nil {
		return 0
	}
	return n
}

// Secret returns the secret reference that stands here, if one does.
func (v *Value) Secret() (SecretRef, bool) {
	if v == nil || v.Kind != Secret {
		return SecretRef{}, false
	}
	return SecretRef{Name: v.text}, true
}

// As reads a value whose type was Any as a type, with all complaints.
func (v *Value) As(t *Type, path string) (*Value, Problems) {
	if v == nil || v.raw == nil {
		return v, nil
	}
	r := &reader{doc: v.doc}
	out := r.value(v.raw, t, path)
	return out, r.problems
}

// Plain returns the value as encoding/json would decode it: string, float64,
// bool, []any, map[string]any. Durations and sizes are text in their shortest
// form; a secret reference is {"secret": name}.
func (v *Value) Plain() any {
	if !v.Given() {
		return nil
	}
	switch v.Kind {
	case Int, Number:
		return v.number
	case Bool:
		return v.truth
	case Secret:
		return map[string]any{"secret": v.text}
	case Duration:
		return FormatDuration(v.Duration())
	case Size:
		return FormatSize(v.Size())
	case List:
		out := make([]any, 0, len(v.items))
		for _, item := range v.items {
			out = append(out, item.Plain())
		}
		return out
	case Map, Object:
		out := make(map[string]any, len(v.members))
		for _, m := range v.members {
			if m.Value.Given() {
				out[m.Key] = m.Value.Plain()
			}
		}
		return out
	default:
		return v.text
	}
}

// YAML returns the value in one line, as it could be written in a file.
func (v *Value) YAML() string {
	if !v.Given() {
		return "null"
	}
	switch v.Kind {
	case Int, Number, Bool, Duration, Size, Date:
		return v.text
	case Secret:
		return "{secret: " + yamlText(v.text) + "}"
	case List:
		all := make([]string, len(v.items))
		for i, item := range v.items {
			all[i] = item.YAML()
		}
		return "[" + strings.Join(all, ", ") + "]"
	case Map, Object:
		all := make([]string, len(v.members))
		for i, m := range v.members {
			all[i] = yamlText(m.Key) + ": " + m.Value.YAML()
		}
		return "{" + strings.Join(all, ", ") + "}"
	default:
		return yamlText(v.text)
	}
}

// yamlText writes text so that YAML reads the same text again, with quotes only
// where they are needed.
func yamlText(text string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+=@-"
	plain := strings.Trim(text, safe+": ") == "" && !strings.Contains(text, ": ")
	odd := text == "" || strings.HasPrefix(text, "-") || strings.HasPrefix(text, "@") || strings.HasPrefix(text, ":") ||
		strings.HasPrefix(text, "=") || strings.HasSuffix(text, ":") || strings.TrimSpace(text) != text
	if !plain || odd || resolve(text) != isText || slices.Contains([]string{"yes", "no", "on", "off", "y", "n", "..."}, strings.ToLower(text)) {
		return strconv.Quote(text)
	}
	return text
}

// QuoteYAML writes text as a YAML scalar, with quotes only where they are
// needed.
func QuoteYAML(text string) string { return yamlText(text) }
