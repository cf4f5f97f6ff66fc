package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind says what sort of value a Type describes.
type Kind int

// The kinds of values.
const (
	String   Kind = iota // text
	Int                  // a whole number
	Number               // a number, with or without a fraction
	Bool                 // true or false
	Duration             // 60m, 90s, 2h30m
	Size                 // 20GB, 512MiB
	Cron                 // five fields: minute, hour, day, month, weekday
	Schedule             // as Cron, or six fields in the notation of AWS: cron(0 3 * * ? *)
	Timezone             // Europe/Berlin
	Date                 // 2027-01-31
	Path                 // a relative path that stays inside the root
	Folder               // any path, also an absolute one or one with ..
	URL                  // a scheme, ://, and the rest
	Secret               // {secret: redshift/password}
	List                 // values of one type, in order
	Map                  // values of one type, by free keys
	Object               // named fields
	Union                // one of several types
	Any                  // whatever is written; see Value.As
)

// Type describes a value. Only the members that its kind uses are looked at.
type Type struct {
	Kind Kind
	// Enum lists the allowed values, as they are written without quotes. It
	// holds for String, Int and Number.
	Enum []string
	// Pattern is a regular expression that a String must match, in the common
	// ground of Go and ECMA-262; PatternHelp says the same in words.
	Pattern     string
	PatternHelp string
	// Min and Max bound an Int or a Number, a Duration in seconds, a Size in
	// bytes, the length of a String in characters, and the number of entries of a
	// List or Map.
	Min, Max *float64
	// SecretToo lets a secret reference stand in the place of the value.
	SecretToo bool
	// Nullable lets an explicit null stand in the place of the value: it
	// removes what another layer says (see Merge).
	Nullable bool
	// MayBeEmpty reads a key of an Object or Map without a value as {}.
	MayBeEmpty bool
	// Elem is the type of the values of a List or Map, Key of a Map's keys.
	Elem, Key *Type
	// Fields are the keys of an Object, in the order people read them.
	Fields []Field
	// OneOf lists groups of an Object's fields of which exactly one is given.
	OneOf [][]string
	// Of are the types of a Union, the most usual first.
	Of []*Type
	// What replaces the generated words for the expected value, if given.
	What string
}

// Field is one key of an Object.
type Field struct {
	Name     string
	Type     *Type
	Required bool
	// Default is the value that holds when the key is not given, as help text
	// and editors show it. Reading does not fill it in.
	Default string
	Help    string
	Example string
	// Also lists other names people know the field by, so that they are told
	// the right one.
	Also []string
}

// Field returns the field of that name, or nil.
func (t *Type) Field(name string) *Field {
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return &t.Fields[i]
		}
	}
	return nil
}

// Overlay returns the type of a layer over values of type t: no field is
// required, and null removes.
func (t *Type) Overlay() *Type {
	if t == nil {
		return nil
	}
	out := *t
	out.Nullable = true
	out.OneOf = nil
	switch t.Kind {
	case Object:
		out.Fields = make([]Field, len(t.Fields))
		for i, f := range t.Fields {
			f.Type, f.Required = f.Type.Overlay(), false
			out.Fields[i] = f
		}
	case Map:
		out.Elem = t.Elem.Overlay()
	default:
	}
	return &out
}

// Expects says in words what a value of the type looks like.
func (t *Type) Expects() string {
	text := t.What
	if text == "" {
		text = t.expects()
	}
	if t.SecretToo {
		text += ", or a secret reference such as {secret: redshift/password}"
	}
	return text
}

func (t *Type) expects() string {
	switch t.Kind {
	case String:
		return t.expectsText()
	case Int:
		return t.enumOr("a whole number" + t.bounds(plainNumber))
	case Number:
		return t.enumOr("a number" + t.bounds(plainNumber))
	case Duration:
		return "a duration such as 60m, 90s or 2h30m" + t.bounds(func(s float64) string {
			return FormatDuration(time.Duration(s * float64(time.Second)))
		})
	case Size:
		return "a size such as 20GB or 512MiB" + t.bounds(func(b float64) string { return FormatSize(int64(b)) })
	case List:
		return "a list, each item " + t.Elem.Expects()
	case Map:
		return "keys and values, each value " + t.Elem.Expects()
	case Object:
		return "keys: " + strings.Join(t.names(), ", ")
	case Union:
		words := make([]string, len(t.Of))
		for i, of := range t.Of {
			words[i] = of.Expects()
		}
		return strings.Join(words, ", or ")
	default:
		return kindWords(t.Kind)
	}
}

func kindWords(k Kind) string {
	words := map[Kind]string{
		Bool:     "true or false",
		Cron:     `a cron expression of five fields (minute hour day month weekday), such as "0 3 * * *"`,
		Schedule: `a cron expression of five fields (minute hour day month weekday), such as "0 3 * * *", or AWS's own form, such as cron(0 3 * * ? *)`,
		Timezone: "a time zone by its IANA name, such as Europe/Berlin",
		Date:     "a date such as 2027-01-31",
		Path:     "a relative path that stays inside the folder, such as lib/helpers.py",
		Folder:   "the path of a folder",
		URL:      "a URL such as https://example.com/path or s3://bucket/folder",
		Secret:   "a secret reference such as {secret: redshift/password}",
		Any:      "any value",
	}
	return words[k]
}

func (t *Type) expectsText() string {
	switch {
	case len(t.Enum) > 0:
		return t.enumOr("")
	case t.PatternHelp != "":
		return t.PatternHelp
	case t.Min != nil && *t.Min == 1 && t.Max == nil:
		return "text that is not empty"
	case t.Max != nil:
		return "text of at most " + plainNumber(*t.Max) + " characters"
	default:
		return "text"
	}
}

func (t *Type) enumOr(words string) string {
	switch len(t.Enum) {
	case 0:
		return words
	case 1:
		return quoteFor(t, t.Enum[0])
	}
	all := make([]string, len(t.Enum))
	for i, e := range t.Enum {
		all[i] = quoteFor(t, e)
	}
	return "one of " + strings.Join(all, ", ")
}

// quoteFor writes an allowed value as it has to stand in YAML.
func quoteFor(t *Type, value string) string {
	if t.Kind == String && resolve(value) != isText {
		return strconv.Quote(value)
	}
	return value
}

func (t *Type) bounds(show func(float64) string) string {
	switch {
	case t.Min != nil && t.Max != nil:
		return fmt.Sprintf(", from %s to %s", show(*t.Min), show(*t.Max))
	case t.Min != nil:
		return ", at least " + show(*t.Min)
	case t.Max != nil:
		return ", at most " + show(*t.Max)
	default:
		return ""
	}
}

func plainNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
