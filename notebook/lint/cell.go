package lint

import (
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/notebook/edit"
)

// A cell is a cell with what rules ask about it.
type cell struct {
	*notebook.Cell
	number int // counted from 1
	value  edit.Value
	lines  []string // the source's, without line ends

	// The code as Python: magics at the top are blank, the others are calls of
	// get_ipython, and each line stands where it stood.
	code   string
	tokens []notebook.Token
	whole  bool // the code could be cut into tokens to its end, and lines kept their places
	opaque bool // it is in another language, or a magic's text

	magics  []string // the names of its magics, with their percent signs
	named   []string // identifiers in the text of magics, which may define them
	guarded bool     // it catches NameError, and so sees to names by itself
	dropped bool     // it does not become part of a job: tagged skip or tests

	logical   []line          // the code's logical lines
	fileLines []int           // the line of the file for each line of the source
	droppable bool            // lines can be taken out of the source
	silent    map[string]bool // rules that a comment in the cell names
	silences  map[int]silence // what comments silence on their lines, from 1
}

// python reports whether the notebook is in Python 3, as far as it says.
func (r *run) python() bool {
	return r.nb.OtherLanguage() == "" && strings.ToLower(r.nb.Kernel.Name) != "python2"
}

// language reports another language than Python, at the first cell with code.
func (r *run) language() {
	lang := r.nb.OtherLanguage()
	first := slices.IndexFunc(r.cells, func(c *cell) bool { return c.Type == notebook.Code })
	if lang == "" || first < 0 {
		return
	}
	r.report(Language, r.cells[first], 0, 0, "the notebook's language is %s, and a job's notebook is written in Python; if this one is, choose a Python kernel in Jupyter and save it", lang)
}

func newCell(f *edit.File, nb *notebook.Cell, number int, value edit.Value, glue bool) *cell {
	source := value.Get(f.SourceKey(value))
	c := &cell{Cell: nb, number: number, value: value, fileLines: f.TextLines(source), silent: map[string]bool{}, silences: map[int]silence{}}
	_, c.droppable = f.DropLines(source, nil)
	c.split()
	if nb.Type != notebook.Code {
		c.opaque = true
		return c
	}
	c.dropped = glue && (nb.HasTag(notebook.TagSkip) || nb.HasTag(notebook.TagTests))
	c.read(c.magicsAtTop())
	c.logical = logical(c.tokens)
	c.guarded = slices.ContainsFunc(c.tokens, func(t notebook.Token) bool { return is([]notebook.Token{t}, 0, "NameError") })
	return c
}

// split splits the source into lines, and reads what comments silence.
func (c *cell) split() {
	source := strings.ReplaceAll(c.Source, "\r\n", "\n")
	c.lines = strings.Split(strings.ReplaceAll(source, "\r", "\n"), "\n")
	for n, line := range c.lines {
		ids, all := silencedBy(line)
		if all || len(ids) > 0 {
			c.silences[n+1] = silence{all, ids}
		}
		for _, id := range ids {
			c.silent[id] = true
		}
	}
}

// pythonMagics are cell magics whose text is Python.
const pythonMagics = " time timeit capture prun "

// otherMagics are cell magics whose text defines no name in Python.
const otherMagics = " sql configure tags assume_role bash sh script perl ruby html javascript js markdown latex svg writefile file "

// magicsAtTop returns the index of the first line below the magics at the top.
func (c *cell) magicsAtTop() int {
	first := 0
	for n, line := range c.lines {
		text := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "%%"):
			name, _, _ := strings.Cut(strings.TrimSpace(line[2:]), " ")
			c.magics = append(c.magics, "%%"+name)
			c.mentionAll(line)
			if !strings.Contains(pythonMagics, " "+name+" ") {
				c.opaque = true
				if !strings.Contains(otherMagics, " "+name+" ") {
					c.mention(strings.Join(c.lines[n+1:], "\n"))
				}
				return len(c.lines)
			}
		case strings.HasPrefix(line, "%"), strings.HasPrefix(line, "!"):
			name, _, _ := strings.Cut(text, " ")
			c.magics = append(c.magics, name)
			c.mentionAll(line)
		case text == "", strings.HasPrefix(text, "#"):
			continue
		default:
			return first
		}
		first = n + 1
	}
	return first
}

var identifier = pattern(`[\pL_][\pL\pN_]*`) //nolint:gochecknoglobals // immutable

// silentMagics name no variables.
const silentMagics = " matplotlib additional_python_modules extra_py_files extra_jars pip conda connections tags env cd config autoreload load_ext " +
	"iam_role region profile worker_type session_type spark_conf "

// mentionAll notes the identifiers behind a magic's name. A shell command
// defines none.
func (c *cell) mentionAll(line string) {
	name, args, _ := strings.Cut(strings.TrimLeft(line, "%"), " ")
	if strings.HasPrefix(line, "%") && !strings.Contains(silentMagics, " "+name+" ") {
		c.mention(args)
	}
}

func (c *cell) mention(text string) {
	c.named = append(c.named, identifier().FindAllString(text, -1)...)
}

var strayMagic = pattern(`get_ipython\(\)\.run_(?:line|cell)_magic\('([^']*)', (.*)\)`) //nolint:gochecknoglobals // immutable

// read cuts the code from a line on into tokens. IPython's syntax below it
// becomes calls, as nbconvert has it.
func (c *cell) read(first int) {
	for first < len(c.lines) && strings.TrimSpace(c.lines[first]) == "" {
		first++
	}
	body := strings.Join(c.lines[first:], "\n")
	one := notebook.Notebook{Cells: []notebook.Cell{{Type: notebook.Code, Source: body}}}
	script, err := one.Python(notebook.Options{NoPrompt: true})
	_, text, ok := strings.Cut(string(script), "\n\n")
	if err != nil || !ok {
		text = body + "\n"
	}
	own := map[string]bool{}
	for _, call := range strayMagic().FindAllString(body, -1) {
		own[call] = true
	}
	for _, m := range strayMagic().FindAllStringSubmatch(text, -1) {
		if m[1] != "" && !own[m[0]] {
			c.magics = append(c.magics, "%"+m[1])
			c.mentionAll("%" + m[1] + " " + m[2])
		}
	}
	c.code = strings.Repeat("\n", first) + text
	c.tokens, c.whole = notebook.Tokens(c.code)
	c.whole = c.whole && strings.Count(strings.TrimRight(text, "\n"), "\n") == strings.Count(strings.TrimRight(body, "\n"), "\n")
}

// syntax reports code that cannot be read.
func (r *run) syntax() {
	for _, c := range r.cells {
		if c.Type != notebook.Code || c.opaque {
			continue
		}
		if e := notebook.CheckPython([]byte(c.code)); e != nil {
			r.report(Syntax, c, min(e.Line, len(c.lines)), 0, "%s", e.Msg)
			c.whole = false
		}
	}
}
