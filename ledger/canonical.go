package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/slipway-cd/slipway"
)

const maxDepth = 200 // of arrays and objects in each other

// Canonical returns v as canonical JSON: RFC 8785, so that anybody can check a
// hash with any implementation of it. There is no blank between tokens, names
// are sorted by their UTF-16 units, strings have the fewest escapes, numbers the
// shortest form of their IEEE 754 double. Whole numbers written as digits alone
// keep all of them, also beyond 2^53, where RFC 8785 would round. A name that is
// twice in one object, text that is not UTF-8 and a number that is no double are
// errors of kind Invalid.
func Canonical(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	if !utf8.Valid(data) {
		return nil, slipway.Errorf(slipway.Invalid, "canonical JSON: the text is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	out, err := appendValue(make([]byte, 0, len(data)), d, 0)
	if err != nil {
		return nil, slipway.Errorf(slipway.Invalid, "canonical JSON: %w", err)
	}
	return out, nil
}

// appendValue reads the next value of d and appends its canonical form.
func appendValue(out []byte, d *json.Decoder, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d levels deep", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return appendArray(out, d, depth)
		}
		return appendObject(out, d, depth)
	case string:
		return appendString(out, t), nil
	case json.Number:
		return appendNumber(out, t.String())
	case bool:
		return strconv.AppendBool(out, t), nil
	default:
		return append(out, "null"...), nil
	}
}

func appendArray(out []byte, d *json.Decoder, depth int) ([]byte, error) {
	out = append(out, '[')
	for first := true; d.More(); first = false {
		if !first {
			out = append(out, ',')
		}
		var err error
		if out, err = appendValue(out, d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return append(out, ']'), err
}

func appendObject(out []byte, d *json.Decoder, depth int) ([]byte, error) {
	type member struct {
		name  string
		value []byte
	}
	var members []member
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the decoder lets no other token stand here
		value, err := appendValue(nil, d, depth+1)
		if err != nil {
			return nil, err
		}
		members = append(members, member{name, value})
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(members, func(a, b member) int { return compareUTF16(a.name, b.name) })
	out = append(out, '{')
	for i, m := range members {
		if i > 0 && members[i-1].name == m.name {
			return nil, fmt.Errorf("the name %q is there twice", m.name)
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(appendString(out, m.name), ':'), m.value...)
	}
	return append(out, '}'), nil
}

func compareUTF16(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

func appendString(out []byte, s string) []byte {
	const short = "\b\t\n\f\r\"\\"
	out = append(out, '"')
	for _, r := range s {
		i := strings.IndexRune(short, r)
		switch {
		case i >= 0:
			out = append(out, '\\', `btnfr"\`[i])
		case r < 0x20:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return append(out, '"')
}

// appendNumber writes a number as ECMAScript does.
func appendNumber(out []byte, number string) ([]byte, error) {
	if number == "-0" {
		return append(out, '0'), nil
	}
	if !strings.ContainsAny(number, ".eE") {
		return append(out, number...), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is no double", number)
	}
	if f == 0 {
		return append(out, '0'), nil
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(out, f, 'f', -1, 64), nil
	}
	digits := strconv.FormatFloat(f, 'e', -1, 64) // 1e-07, where ECMAScript has 1e-7
	mantissa, exponent, _ := strings.Cut(digits, "e")
	out = append(append(append(out, mantissa...), 'e'), exponent[0])
	return append(out, strings.TrimLeft(exponent[1:], "0")...), nil
}
