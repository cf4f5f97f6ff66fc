package notebook

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
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

// A match is one piece of special syntax.
type match struct {
	kind  magicKind
	line  int // where it begins
	col   int
	qline int // the line of a helpEnd's question mark
}

// find returns the first match of each kind, in the order in which they are
// tried.
func (t *transformer) find(lines []string) ([]match, error) {
	f := finder{lines: lines, post312: t.profile != IPython8}
	if err := t.lexer.run(lines, f.token); err != nil {
		return nil, err
	}
	f.endLine()
	if f.broken {
		return nil, fileError("IPython cannot convert it: an assignment ends in %%")
	}
	found := make([]match, 0, magicKinds)
	for kind, ok := range f.has {
		if ok {
			found = append(found, f.found[kind])
		}
	}
	slices.SortStableFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.col, b.col), cmp.Compare(priority(a), priority(b)))
	})
	return found, nil
}

func priority(m match) int {
	if m.kind == helpEnd {
		return 5
	}
	return 10
}

// A finder groups tokens into logical lines and looks for the first match of
// each kind. It keeps of a line only what the matches ask for.
type finder struct {
	lines   []string
	post312 bool
	found   [magicKinds]match
	has     [magicKinds]bool
	broken  bool // Python would raise an IndexError

	depth int // open brackets, as IPython counts them
	n     int // tokens in this logical line
	first token
	begun bool  // first is known
	prev  token // the last token but one
	last  token

	brackets int // open brackets before the assignment
	after    int // tokens since the assignment, itself included; 0 before it
	percent  token
	shell    bool // an assignment's right side may still be a command
}

func (f *finder) token(t token) {
	f.n++
	f.prev, f.last = f.last, t
	if !f.begun && t.kind != tokenIndent && t.kind != tokenDedent {
		f.first, f.begun = t, true
	}
	f.assignment(t)
	switch {
	case t.kind == tokenNewline, t.kind == tokenNL && f.depth <= 0:
		f.endLine()
	case t.ch == '(' || t.ch == '[' || t.ch == '{':
		f.depth++
	case t.ch == ')' || t.ch == ']' || t.ch == '}':
		f.depth = max(f.depth-1, 0)
	}
}

// assignment follows the first = outside of brackets.
func (f *finder) assignment(t token) {
	if f.after == 0 {
		switch t.ch {
		case '=':
			if f.brackets == 0 {
				f.after = 1
				f.shell = !strings.HasPrefix(trimLeft(f.lines[t.line]), "=")
			}
		case '(', '[', '{':
			f.brackets++
		case ')', ']', '}':
			f.brackets = max(f.brackets-1, 0)
		}
		return
	}
	f.after++
	switch {
	case f.after == 2 && t.ch == '%':
		f.percent = t
	case f.after == 3 && f.percent.ch == '%' && t.kind == tokenName:
		f.add(match{kind: magicAssign, line: f.percent.line, col: f.percent.col})
	}
	if f.shell {
		f.shell = f.shellSide(t)
	}
}

// shellSide looks for the ! of a command, and reports whether it may still come.
func (f *finder) shellSide(t token) bool {
	if t.ch == '!' && (t.kind == tokenError || f.post312) {
		f.add(match{kind: systemAssign, line: t.line, col: t.col})
		return false
	}
	return !f.post312 && t.kind == tokenError && t.sp
}

// endLine ends a logical line.
func (f *finder) endLine() {
	if f.after == 2 && f.percent.ch == '%' {
		f.broken = f.broken || !f.has[magicAssign]
	}
	if f.begun && f.first.ch != 0 && strings.IndexByte("!?%,;/", f.first.ch) >= 0 {
		f.add(match{kind: escaped, line: f.first.line, col: f.first.col})
	}
	if f.n > 2 && f.prev.ch == '?' {
		f.add(match{kind: helpEnd, line: f.first.line, col: f.first.col, qline: f.prev.line})
	}
	f.n, f.begun, f.prev, f.last = 0, false, token{}, token{}
	f.brackets, f.after, f.percent, f.shell = 0, 0, token{}, false
}

func (f *finder) add(m match) {
	if !f.has[m.kind] {
		f.has[m.kind], f.found[m.kind] = true, m
	}
}

// apply replaces the lines of a match by one; it is false where IPython finds
// that the match is none.
func (t *transformer) apply(lines []string, m match) ([]string, bool) {
	var text string
	var ok bool
	end := m.qline
	if m.kind == helpEnd {
		text, ok = t.help(strings.Join(lines[m.line:end+1], ""), m.col)
	} else {
		end = continuedEnd(lines, m.line)
		text, ok = t.call(m.kind, assemble(lines, m.line, m.col, end))
		text = lines[m.line][:m.col] + text
	}
	if !ok {
		return nil, false
	}
	return slices.Replace(lines, m.line, min(end+1, len(lines)), text+"\n"), true
}

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
	switch kind {
	case magicAssign:
		return t.lineMagic(line[1:]), true
	case systemAssign:
		return "get_ipython().getoutput(" + t.unicode.repr(line[1:]) + ")", true
	}
	switch {
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

//nolint:gochecknoglobals // compiled once
var (
	helpName      = regexp.MustCompile(`(%{0,2}` + helpWord + `(?:\.` + helpWord + `)*)(\?\??)\n?$`)
	helpNameIndex = regexp.MustCompile(`(%{0,2}` + helpWord + `(?:\.` + helpWord + `|\[-?[0-9]+\])*)(\?\??)\n?$`)
)

// helpWord is Python's (?!\d)[\w*]+.
const helpWord = `[\pL\p{Nl}\p{No}_*][\pL\pN_*]*`

// help renders "name?", where piece is the logical line and its text begins at
// col.
func (t *transformer) help(piece string, col int) (string, bool) {
	re := helpNameIndex
	if t.profile == IPython8 {
		re = helpName
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
