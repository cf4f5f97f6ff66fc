package notebook

import (
	"regexp"
	"strings"
	"sync"
)

// A magicKind is a kind of IPython's special syntax.
type magicKind uint8

const (
	magicAssign  magicKind = iota // x = %magic
	systemAssign                  // x = !command
	escaped                       // %magic, !command, ?name, ,f a, ;f a, /f a
	helpEnd                       // name?
	magicKinds
)

// continuedEnd returns the last line of a line that backslashes continue. It
// may lie behind the last line of all.
func continuedEnd(lines []string, start int) int {
	end := start
	for end < len(lines) && strings.HasSuffix(lines[end], "\\\n") {
		end++
	}
	return end
}

// assemble joins the pieces of a continued line.
func assemble(lines []string, start, col, end int) string {
	last := min(end, len(lines)-1)
	var b strings.Builder
	for i := start; i <= last; i++ {
		part := lines[i]
		if i == start {
			part = part[col:]
		} else {
			b.WriteByte(' ')
		}
		part = trimRight(part)
		if i < last {
			part = part[:len(part)-1]
		}
		b.WriteString(part)
	}
	return b.String()
}

// call renders the call that a line with a magic or command stands for.
func (t *transformer) call(kind magicKind, line string) (string, bool) {
	switch {
	case kind == magicAssign:
		return t.lineMagic(line[1:]), true
	case kind == systemAssign:
		return "get_ipython().getoutput(" + t.unicode.repr(line[1:]) + ")", true
	case strings.HasPrefix(line, "!!"):
		return "get_ipython().getoutput(" + t.unicode.repr(line[2:]) + ")", true
	case strings.HasPrefix(line, "??"):
		return t.info(line[2:], "??"), true
	}
	switch rest := line[1:]; line[0] {
	case '!':
		return "get_ipython().system(" + t.unicode.repr(rest) + ")", true
	case '?':
		return t.info(rest, "?"), true
	case '%':
		return t.lineMagic(rest), true
	default:
		return t.autocall(line[0], rest)
	}
}

func (t *transformer) lineMagic(rest string) string {
	name, args, _ := strings.Cut(rest, " ")
	return "get_ipython().run_line_magic(" + t.unicode.repr(name) + ", " + t.unicode.repr(args) + ")"
}

// autocall renders ,f a b as f("a", "b"), ;f a b as f("a b") and /f a b as
// f(a, b).
func (t *transformer) autocall(escape byte, rest string) (string, bool) {
	name, args, _ := strings.Cut(rest, " ")
	switch escape {
	case ',':
		return name + `("` + strings.Join(fields(args), `", "`) + `")`, true
	case ';':
		return name + `("` + args + `")`, true
	}
	if name == "" && t.profile != IPython8 {
		return "", false
	}
	return name + "(" + strings.Join(fields(args), ", ") + ")", true
}

// info renders a question about a name.
func (t *transformer) info(target, escape string) string {
	if target == "" {
		return "get_ipython().show_usage()"
	}
	method := "pinfo"
	switch {
	case escape == "??":
		method = "pinfo2"
	case strings.Contains(target, "*"):
		method = "psearch"
	}
	return "get_ipython().run_line_magic('" + method + "', " + t.unicode.repr(target) + ")"
}

// Patterns that hold tables of Unicode take a quarter of a millisecond to make, so
// that those are made which are needed.
//
//nolint:gochecknoglobals // immutable
var (
	helpName      = pattern(`(%{0,2}` + helpWord + `(?:\.` + helpWord + `)*)(\?\??)\n?$`)
	helpNameIndex = pattern(`(%{0,2}` + helpWord + `(?:\.` + helpWord + `|\[-?[0-9]+\])*)(\?\??)\n?$`)
	cellHelp      = pattern(`^%%[\pL\pN_]+\?`)
)

func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// helpWord is Python's (?!\d)[\w*]+.
const helpWord = `[\pL\p{Nl}\p{No}_*][\pL\pN_*]*`

// help renders "name?", where piece is the logical line and its text begins at
// col.
func (t *transformer) help(piece string, col int) (string, bool) {
	re := helpNameIndex()
	if t.profile == IPython8 {
		re = helpName()
	}
	content := piece[col:]
	// A name holds no blank, so that what stands before the last one is not
	// searched.
	tail := content[strings.LastIndexAny(strings.TrimSuffix(content, "\n"), " \t\n\r")+1:]
	m := re.FindStringSubmatch(tail)
	if m == nil {
		return "", false
	}
	return piece[:col] + t.info(m[1], m[2]), true
}
