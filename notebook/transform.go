package notebook

import (
	"regexp"
	"strings"
)

// transform renders the source of a code cell as IPython's TransformerManager
// does: prompts and indentation go, magics become calls of get_ipython().
func transform(source string, p Profile) (string, error) {
	if !strings.HasSuffix(source, "\n") {
		source += "\n"
	}
	text, dropped := dropLeadingBlank(source)
	var lines []string
	if p == IPython8 {
		lines = dropClassicPrompt(dropIndent(splitLines(text)))
	} else {
		lines = dropDoctestPrompt(splitLines(dedent(text)))
	}
	lines = dropIPythonPrompt(lines)
	if call, ok := cellMagic(lines, unicodeFor(p)); ok {
		return call, nil
	}
	out, err := newTransformer(p, lines).run()
	if e, ok := err.(*Error); ok && e.Line > 0 { //nolint:errorlint // our own, never wrapped
		e.Line += dropped
	}
	return out, err
}

func unicodeFor(p Profile) unicodeVersion {
	if p == IPython8 {
		return unicode14
	}
	return unicode15
}

// dropLeadingBlank drops the blank lines at the top, unless all are blank, and
// says how many these were.
func dropLeadingBlank(text string) (string, int) {
	rest, n := text, 0
	for rest != "" {
		end := lineLen(rest)
		if !isBlank(rest[:end]) {
			return rest, n
		}
		rest, n = rest[end:], n+1
	}
	return text, 0
}

// dropIndent takes the first line's indentation off every line that has it.
func dropIndent(lines []string) []string {
	first := lines[0]
	indent := first[:len(first)-len(strings.TrimLeft(first, " \t"))]
	if indent == "" {
		return lines
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimPrefix(line, indent)
	}
	return out
}

var (
	// classicPrompt's $ is Python's: it also stands before a last newline.
	classicPrompt = regexp.MustCompile(`^(?:>>>|\.\.\.)(?: |(\n?)$)`)
	ipythonPrompt = regexp.MustCompile(`^(?:(?:(?:\[nav\]|\[ins\])? )?In \[\p{Nd}+\]: |` + pySpace + `*\.{3,}: ?)`)
)

// pySpace is Python's \s.
const pySpace = `[\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]`

// dropClassicPrompt takes off the prompts of a pasted Python session.
func dropClassicPrompt(lines []string) []string {
	if !(strings.HasPrefix(lines[0], ">>>") && classicPrompt.MatchString(lines[0])) &&
		!(len(lines) > 1 && classicPrompt.MatchString(lines[1])) {
		return lines
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = classicPrompt.ReplaceAllString(line, "$1")
	}
	return out
}

// dropIPythonPrompt takes off the prompts of a pasted IPython session.
func dropIPythonPrompt(lines []string) []string {
	if !ipythonPrompt.MatchString(lines[0]) && !(len(lines) > 1 && ipythonPrompt.MatchString(lines[1])) {
		return lines
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = line[len(ipythonPrompt.FindString(line)):]
	}
	return out
}

// cellMagic renders a cell that a cell magic takes whole.
func cellMagic(lines []string, v unicodeVersion) (string, bool) {
	if !strings.HasPrefix(lines[0], "%%") || cellHelp().MatchString(lines[0]) {
		return "", false
	}
	name, args, _ := strings.Cut(trimRight(lines[0][2:]), " ")
	body := strings.Join(lines[1:], "")
	return "get_ipython().run_cell_magic(" + v.repr(name) + ", " + v.repr(args) + ", " + v.repr(body) + ")\n", true
}
