package notebook

import (
	"regexp"
	"strings"
)

// A Pattern is a regular expression as Python writes it.
type Pattern struct{ re *regexp.Regexp }

// ParsePattern reads a regular expression as Python's re module does. Back
// references and looking around are errors: matching takes linear time.
func ParsePattern(text string) (*Pattern, error) {
	re, err := regexp.Compile(`\A(?:` + goPattern(text) + `)`)
	if err != nil {
		return nil, fileError("cannot use the pattern %q: %v; back references and looking around are not supported", text, err)
	}
	return &Pattern{re}, nil
}

// match is Python's re.match: it asks about the beginning of the text.
func (p *Pattern) match(text string) bool { return p.re.MatchString(text) }

// goPattern writes a pattern of Python's with the words of Go's: in Python \d,
// \w and \s know all of Unicode, \Z is the end, and $ also stands before a last
// newline.
func goPattern(text string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteString(goEscape(text[i], class))
		case c == '$' && !class:
			b.WriteString(`(?:\n?\z)`)
		default:
			if c == '[' && !class {
				class = true
				// A bracket that comes first stands for itself.
				rest := strings.TrimPrefix(text[i+1:], "^")
				if strings.HasPrefix(rest, "]") {
					b.WriteString(text[i:len(text)-len(rest)] + `\]`)
					i = len(text) - len(rest)
					continue
				}
			} else if c == '[' {
				b.WriteByte('\\')
			}
			class = class && c != ']'
			b.WriteByte(c)
		}
	}
	return b.String()
}

func goEscape(c byte, class bool) string {
	set := map[byte]string{
		'd': `\p{Nd}`,
		'w': `\pL\pN_`,
		's': strings.Trim(pySpace, "[]"),
	}[c]
	switch {
	case set != "" && class:
		return set
	case set != "":
		return "[" + set + "]"
	case c == 'Z':
		return `\z`
	case !class && strings.IndexByte("DWS", c) >= 0:
		return "[^" + strings.Trim(goEscape(c|0x20, true), "[]") + "]"
	}
	return `\` + string(c)
}
