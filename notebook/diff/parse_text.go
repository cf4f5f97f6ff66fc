package diff

import (
	"strings"
	"unicode/utf8"
)

// text reads a string, from its first quote to behind its last.
func (p *parser) text() string {
	p.pos++
	start := p.pos
	if p.plain(); p.pos < len(p.data) && p.data[p.pos] == '"' {
		p.pos++
		return p.data[start : p.pos-1]
	}
	p.pos, p.buf = start, p.buf[:0]
	if !p.chars() {
		p.fail()
		return ""
	}
	return string(p.buf)
}

// plain goes on to what is not an ordinary character of a string.
func (p *parser) plain() {
	for p.pos < len(p.data) {
		if c := p.data[p.pos]; c == '"' || c == '\\' || c < ' ' {
			return
		}
		p.pos++
	}
}

// chars appends the characters of a string to buf, from behind its first quote to
// behind its last. It reports false where it does not end.
func (p *parser) chars() bool {
	for {
		start := p.pos
		p.plain()
		p.buf = append(p.buf, p.data[start:p.pos]...)
		switch {
		case p.pos == len(p.data), p.data[p.pos] < ' ':
			return false
		case p.data[p.pos] == '"':
			p.pos++
			return true
		case !p.escape():
			return false
		}
	}
}

// escape reads an escape and appends what it stands for to buf.
func (p *parser) escape() bool {
	rest := p.data[p.pos+1:]
	if hi, ok := hex4(rest); ok {
		p.codes = true
		p.pos += 6
		if lo, ok := hex4(strings.TrimPrefix(p.data[p.pos:], `\`)); ok && 0xd800 <= hi && hi < 0xdc00 && 0xdc00 <= lo && lo < 0xe000 {
			p.pos += 6
			hi = 0x10000 + (hi-0xd800)<<10 + (lo - 0xdc00)
		}
		p.buf = appendRune(p.buf, hi)
		return true
	}
	if rest == "" {
		return false
	}
	i := strings.IndexByte(`"\/bfnrt`, rest[0])
	if i < 0 {
		return false
	}
	p.pos += 2
	p.buf = append(p.buf, "\"\\/\b\f\n\r\t"[i])
	return true
}

// hex4 reads the uXXXX that s begins with.
func hex4(s string) (rune, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	var r rune
	for i := 1; i < 5; i++ {
		digit := strings.IndexByte("0123456789abcdef", s[i]|0x20)
		if digit < 0 || s[i] < '0' {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}

// appendRune is utf8.AppendRune, but it also encodes a lone surrogate.
func appendRune(b []byte, r rune) []byte {
	if 0xd800 <= r && r <= 0xdfff {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}
