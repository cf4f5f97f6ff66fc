package notebook

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// GlueOptions are the options of a script for AWS Glue; the zero value is the
// default.
type GlueOptions struct {
	// Name is the notebook's file name, for the script's first line.
	Name string
	// Actions change what happens to a magic, by [Rule.Magic].
	Actions map[string]Action
}

// The tags that Glue knows.
const (
	// TagSkip keeps a cell out of the script.
	TagSkip = "skip"
	// TagParameters marks the cell whose literals are defaults of the job's
	// arguments, as papermill has it.
	TagParameters = "parameters"
	// TagTests keeps a cell out of the script and puts it among the tests.
	TagTests = "tests"
)

// A GlueScript is what a notebook becomes for AWS Glue.
type GlueScript struct {
	// Script is the job's script. The same notebook gives the same bytes.
	Script []byte
	// Settings are what the magics say about the job, in the notebook's order:
	// of two with one name the last counts.
	Settings []Setting
	// Parameters are the literals of the cells tagged parameters.
	Parameters []Parameter
	// Tests is the code of the cells tagged tests, nil where there is none.
	Tests []byte
	// Warnings say what was left out or will not do what it seems to.
	Warnings []*Error
}

// Glue renders a clean script for AWS Glue.
//
// Cells are read as the Glue kernel reads them, not as IPython does: magics
// stand at the top of a cell, one a line, with comments and blank lines between
// them; below them all is Python. %%configure, %%tags, %%sql and %%assume_role
// take the rest of their cell. Magics become settings, or what [Rules] says;
// %%sql becomes spark.sql. Comments above a magic go with it. Markdown becomes
// comments. Each cell's code stands behind a marker, which [Locate] reads:
//
//	# --- cell 5 [a1b2c3d4] from line 3 ---
//
// where the id and the line are left out if there is no id, and if the code
// begins at the cell's first line. The code of the parameters is followed by
// lines that let a job's arguments take their place.
//
// An error is of type [Errors] or [*Error].
func (n *Notebook) Glue(o GlueOptions) (*GlueScript, error) {
	if lang := n.OtherLanguage(); lang != "" {
		return nil, fileError("the notebook's language is %s, and a job's notebook is written in Python; if this one is, choose a Python kernel in Jupyter and save it", lang)
	}
	g := &glueBuilder{options: o, result: &GlueScript{}}
	for i := range n.Cells {
		g.number, g.cell = i+1, &n.Cells[i]
		g.oneCell()
	}
	if len(g.errs) > 0 {
		return nil, g.errs
	}
	if g.codeCells == 0 {
		return nil, fileError("the notebook has no code cells that could become a job")
	}
	g.result.Script = append(o.header(), g.script.Bytes()...)
	if g.tests.Len() > 0 {
		g.result.Tests = bytes.TrimPrefix(g.tests.Bytes(), []byte("\n"))
	}
	return g.result, nil
}

// header names the notebook. Python looks for "coding" in a script's first
// lines, so a name with it is left out.
func (o GlueOptions) header() []byte {
	name := strings.Join(strings.Fields(o.Name), " ")
	if _, bad := surrogateIn(name); bad || name == "" || strings.Contains(name, "coding") {
		name = "a notebook"
	}
	return fmt.Appendf(nil, "# Built by Slipway from %s. Change the notebook, not this script.\n", name)
}

// A glueBuilder renders cell after cell.
type glueBuilder struct {
	options   GlueOptions
	result    *GlueScript
	errs      Errors
	script    bytes.Buffer
	tests     bytes.Buffer
	codeCells int
	begun     bool // code was written to the script
	spark     bool // code of the script defines spark

	number int
	cell   *Cell
}

func (g *glueBuilder) fail(line int, format string, args ...any) {
	g.errs = append(g.errs, g.problem(line, format, args...))
}

func (g *glueBuilder) warn(line int, format string, args ...any) {
	g.result.Warnings = append(g.result.Warnings, g.problem(line, format, args...))
}

func (g *glueBuilder) problem(line int, format string, args ...any) *Error {
	return &Error{Cell: g.number, ID: g.cell.ID, Line: line, Msg: fmt.Sprintf(format, args...)}
}

func (g *glueBuilder) oneCell() {
	if g.cell.HasTag(TagSkip) {
		return
	}
	if r, bad := surrogateIn(g.cell.Source); bad {
		g.fail(0, `it holds the lone surrogate \u%04x, which UTF-8 cannot write`, r)
		return
	}
	switch g.cell.Type {
	case Code:
		g.code()
	case Markdown:
		g.comment()
	default:
		if !isBlank(g.cell.Source + " ") {
			g.warn(0, "its type is %q; only code and markdown become part of the script", g.cell.Type)
		}
	}
}

// cellLines returns the lines of the cell's source, without line ends.
func (g *glueBuilder) cellLines() []string {
	source := strings.ReplaceAll(g.cell.Source, "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(source, "\r", "\n"), "\n")
}

// comment writes a markdown cell as comments.
func (g *glueBuilder) comment() {
	lines := g.cellLines()
	lines, _ = trimBlank(lines, 0)
	if len(lines) == 0 || g.cell.HasTag(TagTests) {
		return
	}
	g.script.WriteByte('\n')
	for _, line := range lines {
		text := strings.TrimRight("# "+line, " \t")
		if isMarker(text) {
			text = "# " + text
		}
		g.script.WriteString(text + "\n")
	}
}

// trimBlank drops blank lines at both ends; first is the index of the first
// line, and follows.
func trimBlank(lines []string, first int) ([]string, int) {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines, first = lines[1:], first+1
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines, first
}

// code writes a code cell.
func (g *glueBuilder) code() {
	tests := g.cell.HasTag(TagTests)
	if !tests {
		g.codeCells++
	}
	lines := g.cellLines()
	settings := len(g.result.Settings)
	first, sql, ok := g.magics(lines)
	if tests {
		g.result.Settings = g.result.Settings[:settings]
	}
	if !ok {
		return
	}
	code, first := trimBlank(lines[first:], first)
	if len(code) == 0 {
		return
	}
	if sql {
		g.needSpark(first)
		code = sqlCall(code)
	} else if !g.check(code, first) {
		return
	}
	if tests {
		g.block(&g.tests, code, first)
		return
	}
	g.block(&g.script, code, first)
	g.begun = true
	g.spark = g.spark || definesSpark(strings.Join(code, "\n"))
	if g.cell.HasTag(TagParameters) && !sql {
		g.parameters(code, first)
	}
}

// definesSpark reports whether code gives spark its value, or imports it.
func definesSpark(code string) bool {
	return strings.Contains(code, "spark") && sparkDefined.MatchString(code)
}

var sparkDefined = regexp.MustCompile(`\bspark\b[^=\n]*=[^=]|\bimport\b.*\bspark\b|\bas\s+spark\b`)

// needSpark warns where SQL needs the name that a session has, and a job has not.
func (g *glueBuilder) needSpark(line int) {
	if g.spark {
		return
	}
	g.spark = true
	g.warn(line, "%%%%sql needs spark, which a session has by itself and a job has not; "+
		"put above it: spark = GlueContext(SparkContext.getOrCreate()).spark_session")
}

// block writes a cell's code behind its marker.
func (g *glueBuilder) block(out *bytes.Buffer, code []string, first int) {
	for i, line := range code {
		if isMarker(line) {
			g.fail(first+i+1, "the line looks like one of Slipway's own markers; change it")
			return
		}
	}
	out.WriteString("\n" + marker(g.number, g.cell.ID, first+1) + "\n")
	for _, line := range code {
		out.WriteString(line + "\n")
	}
}

// sqlCall renders the lines of a %%sql cell as the Glue kernel does, one line
// for one, so that its text means what it meant in the notebook.
func sqlCall(sql []string) []string {
	text := trimRight(strings.Join(sql, "\n"))
	if strings.Contains(text, `"""`) || strings.HasSuffix(text, `"`) || oddBackslash(text) {
		return []string{"spark.sql(" + unicode14.repr(text) + ").show()"}
	}
	return strings.Split(`spark.sql("""`+text+`""").show()`, "\n")
}

// oddBackslash reports whether text ends in a backslash that would escape what
// follows.
func oddBackslash(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}
