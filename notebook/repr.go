package notebook

import (
	"fmt"
	"strings"
)

// repr is Python's repr of a str.
func (v unicodeVersion) repr(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b := make([]byte, 0, len(s)+2)
	b = append(b, quote)
	for i := 0; i < len(s); {
		r, n := decodeRune(s[i:])
		b = v.appendReprRune(b, r, quote)
		i += n
	}
	return string(append(b, quote))
}

func (v unicodeVersion) appendReprRune(b []byte, r rune, quote byte) []byte {
	switch {
	case r == '\n':
		return append(b, `\n`...)
	case r == '\r':
		return append(b, `\r`...)
	case r == '\t':
		return append(b, `\t`...)
	case r == '\\', r == rune(quote):
		return append(b, '\\', byte(r))
	case v.printable(r):
		return appendRune(b, r)
	case r < 0x100:
		return fmt.Appendf(b, `\x%02x`, r)
	case r < 0x10000:
		return fmt.Appendf(b, `\u%04x`, r)
	}
	return fmt.Appendf(b, `\U%08x`, r)
}
