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
	all := splitLines(source)
	lines := dropLeadingBlank(all)
	dropped := len(all) - len(lines)
	if p == IPython8 {
		lines = dropIndent(lines)
		lines = dropClassicPrompt(lines)
	} else {
		lines = splitLines(dedent(strings.Join(lines, "")))
		lines = dropDoctestPrompt(lines)
	}
	lines = dropIPythonPrompt(lines)
	t := transformer{profile: p, unicode: unicodeFor(p), lexer: lexerFor(p)}
	if call, ok := t.cellMagic(lines); ok {
		return call, nil
	}
	lines, err := t.tokens(lines)
	if err != nil {
		if e, ok := err.(*Error); ok && e.Line > 0 { //nolint:errorlint // our own, never wrapped
			e.Line += dropped
		}
		return "", err
	}
	return strings.Join(lines, ""), nil
}

func unicodeFor(p Profile) unicodeVersion {
	if p == IPython8 {
		return unicode14
	}
	return unicode15
}

// dropLeadingBlank drops the blank lines at the top, unless all are blank.
func dropLeadingBlank(lines []string) []string {
	for i, line := range lines {
		if !isBlank(line) {
			return lines[i:]
		}
	}
	return lines
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

//nolint:gochecknoglobals // compiled once
var (
	cellHelp = regexp.MustCompile(`^%%[\pL\pN_]+\?`)
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

// A transformer turns one cell's magics into calls.
type transformer struct {
	profile Profile
	unicode unicodeVersion
	lexer   lexer
}

// cellMagic renders a cell that a cell magic takes whole.
func (t *transformer) cellMagic(lines []string) (string, bool) {
	if !strings.HasPrefix(lines[0], "%%") || cellHelp.MatchString(lines[0]) {
		return "", false
	}
	name, args, _ := strings.Cut(trimRight(lines[0][2:]), " ")
	body := strings.Join(lines[1:], "")
	return "get_ipython().run_cell_magic(" + t.unicode.repr(name) + ", " + t.unicode.repr(args) + ", " +
		t.unicode.repr(body) + ")\n", true
}

// maxTransforms is where IPython gives up on a cell.
const maxTransforms = 500

// tokens carries out, again and again, the first transformation that the
// tokens of the lines ask for.
func (t *transformer) tokens(lines []string) ([]string, error) {
	for range maxTransforms {
		found, err := t.find(lines)
		if err != nil {
			return nil, err
		}
		changed := false
		for _, m := range found {
			if out, ok := t.apply(lines, m); ok {
				lines, changed = out, true
				break
			}
		}
		if !changed {
			return lines, nil
		}
	}
	return nil, fileError("it holds 500 or more magics, where IPython gives up; split the cell")
}
