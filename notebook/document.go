package notebook

import (
	"bytes"
	"strconv"
)

// get returns the member of an object, the last one where a key comes twice.
func (d *document) get(v value, key string) value {
	if v.kind != kindObject {
		return value{}
	}
	for i := len(v.kids) - 2; i >= 0; i -= 2 {
		if d.is(v.kids[i], key) {
			return v.kids[i+1]
		}
	}
	return value{}
}

func (d *document) is(v value, text string) bool {
	if v.escaped {
		return d.text(v) == text
	}
	return string(d.data[v.start:v.end]) == text
}

// text returns a string's text, and "" for any other value.
func (d *document) text(v value) string {
	switch {
	case v.kind != kindString:
		return ""
	case !v.escaped:
		return string(d.data[v.start:v.end])
	}
	return string(d.appendText(make([]byte, 0, v.end-v.start), v))
}

// appendText appends a string's text.
func (d *document) appendText(b []byte, v value) []byte {
	raw := d.data[v.start:v.end]
	if !v.escaped {
		return append(b, raw...)
	}
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(b, raw...)
		}
		b = append(b, raw[:i]...)
		if raw = raw[i:]; raw[1] == 'u' {
			r, n := unescape(raw)
			b, raw = appendRune(b, r), raw[n:]
		} else {
			b, raw = append(b, simpleEscape(raw[1])), raw[2:]
		}
	}
}

func simpleEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// unescape reads the \uXXXX that b begins with, and its second half where the
// two are a surrogate pair.
func unescape(b []byte) (rune, int) {
	hi := hex4(b[2:6])
	if 0xd800 <= hi && hi < 0xdc00 && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if lo := hex4(b[8:12]); 0xdc00 <= lo && lo < 0xe000 {
			return 0x10000 + (hi-0xd800)<<10 + (lo - 0xdc00), 12
		}
	}
	return hi, 6
}

func hex4(b []byte) rune {
	var r rune
	for _, c := range b {
		r = r<<4 | rune(hexDigit(c))
	}
	return r
}

// integer returns an int; Python tells 4 and 4.0 apart, and so does it.
func (d *document) integer(v value) (int, bool) {
	if v.kind != kindNumber {
		return 0, false
	}
	n, err := strconv.Atoi(string(d.data[v.start:v.end]))
	return n, err == nil
}

// raw returns the JSON text of a value, quotes included.
func (d *document) raw(v value) []byte {
	switch v.kind {
	case kindNone:
		return nil
	case kindString:
		return d.data[v.start-1 : v.end+1]
	default:
		return d.data[v.start:v.end]
	}
}
