package lint

import (
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/notebook"
)

// names reports names that are used before any cell defines them. It knows the
// bindings of Python, and takes sides with the code: where it cannot know it is
// silent.
func (r *run) names() {
	if !r.rules[Undefined] || r.unknowable() {
		return
	}
	b := &binder{module: newScope(nil, false)}
	for _, c := range r.cells {
		if c.dropped {
			continue
		}
		for _, name := range c.named {
			b.module.bind(name, b.at)
		}
		if !c.opaque {
			b.cell(c)
		}
	}
	told := map[string]bool{}
	elsewhere := r.dropped()
	for _, u := range b.uses {
		at, ok := u.scope.lookUp(u.name)
		switch {
		case ok && (u.scope.later() || at <= u.at), r.given(u.name), told[u.name], u.cell.guarded:
			continue
		}
		told[u.name] = true
		r.report(Undefined, u.cell, u.token.Line+1, u.token.Column, "%s", r.undefined(u.name, elsewhere, b.cells[at], ok))
	}
}

// undefined says what is wrong with a name, and what to do.
func (r *run) undefined(name string, elsewhere map[string]string, below string, ok bool) string {
	if ok {
		return name + " is used here, and defined below, in " + below + "; move that up"
	}
	if r.glue && (name == "spark" || name == "sc" || name == "glueContext") {
		return name + " is not defined: a Glue session has it by itself, a job has not; put above it " + map[string]string{
			"spark":       "spark = GlueContext(SparkContext.getOrCreate()).spark_session",
			"sc":          "sc = SparkContext.getOrCreate()",
			"glueContext": "glueContext = GlueContext(SparkContext.getOrCreate())",
		}[name]
	}
	if where, ok := elsewhere[name]; ok {
		return name + " is defined in a cell that does not become part of the job, " + where + "; take its tag away"
	}
	return name + " is not defined in any cell"
}

// dropped returns the names that are defined in cells that do not become part of
// the job, and where.
func (r *run) dropped() map[string]string {
	where := map[string]string{}
	for _, c := range r.cells {
		if !c.dropped || c.opaque {
			continue
		}
		b := &binder{module: newScope(nil, false)}
		b.cell(c)
		for name, at := range b.module.binds {
			where[name] = b.cells[at]
		}
	}
	return where
}

// given reports whether a name is there without a cell that defines it.
func (r *run) given(name string) bool {
	if builtin(name) {
		return true
	}
	if r.glue {
		return false
	}
	return slices.Contains([]string{"spark", "sc", "sqlContext", "sql", "dbutils", "displayHTML", "table", "udf"}, name) // other platforms' kernels
}

// unknowable reports whether names may come from where nobody can see them.
func (r *run) unknowable() bool {
	for _, c := range r.cells {
		if c.Type == notebook.Code && !c.opaque && !c.whole {
			return true
		}
		if slices.ContainsFunc(c.magics, func(m string) bool { return strings.Contains(definingMagics, " "+strings.TrimLeft(m, "%")+" ") }) {
			return true
		}
		for i, t := range c.tokens {
			if t.Kind != notebook.TokenName {
				continue
			}
			switch t.Text {
			case "exec", "globals", "locals", "vars", "execfile":
				if is(c.tokens, i+1, "(") && !is(c.tokens, i-1, ".") {
					return true
				}
			case "import":
				if is(c.tokens, i+1, "*") || is(c.tokens, i+1, "(") && is(c.tokens, i+2, "*") {
					return true
				}
			}
		}
	}
	return false
}

// definingMagics define names that they do not mention.
const definingMagics = " run pylab load loadpy store macro recall rerun edit cython "

// A use is a name where it is read.
type use struct {
	name  string
	token notebook.Token
	cell  *cell
	scope *scope
	at    int
}

// A binder goes over code and notes what is bound and what is used.
type binder struct {
	module *scope
	uses   []use
	cells  map[int]string // where each statement stands
	at     int            // the number of the statement

	now     *cell
	blocks  []block
	opens   *scope // the scope of the block that begins next; nil: no new one
	pending []use  // of the statement under way
	local   map[string]bool
	lazy    bool // annotations are not evaluated
}

// A block is an indented block, with its scope.
type block struct {
	depth int
	scope *scope
}

func (b *binder) cell(c *cell) {
	b.now, b.blocks, b.opens = c, nil, nil
	if b.cells == nil {
		b.cells = map[int]string{}
	}
	for _, l := range c.logical {
		for len(b.blocks) > 0 && b.blocks[len(b.blocks)-1].depth > l.depth {
			b.blocks = b.blocks[:len(b.blocks)-1]
		}
		if b.opens != nil {
			b.blocks = append(b.blocks, block{l.depth, b.opens})
			b.opens = nil
		}
		b.at++
		b.cells[b.at] = Position{Cell: c.number, Line: l.tokens[0].Line + 1}.String()
		b.local = map[string]bool{}
		b.statement(l.tokens, b.scope())
		for _, u := range b.pending {
			if !b.local[u.name] {
				b.uses = append(b.uses, u)
			}
		}
		b.pending = b.pending[:0]
	}
}

func (b *binder) scope() *scope {
	if len(b.blocks) == 0 {
		return b.module
	}
	return b.blocks[len(b.blocks)-1].scope
}

func (b *binder) bind(t notebook.Token, s *scope) { s.bind(t.Text, b.at) }

func (b *binder) use(t notebook.Token, s *scope) {
	b.pending = append(b.pending, use{t.Text, t, b.now, s, b.at})
}

// statement reads one logical line, or what stands behind the colon of one.
func (b *binder) statement(t []notebook.Token, s *scope) {
	if len(t) == 0 {
		return
	}
	if is(t, 0, "async") && len(t) > 1 {
		t = t[1:]
	}
	first := t[0].Text
	switch {
	case t[0].Kind != notebook.TokenName:
		b.simple(t, s)
	case first == "def":
		b.def(t, s)
	case first == "class":
		b.class(t, s)
	case strings.Contains(" if elif else while for try except finally with ", " "+first+" "), softCompound(t):
		colon := colonAt(t)
		b.header(t[:colon], s)
		if colon < len(t) {
			b.statement(t[colon+1:], s)
		}
	default:
		b.simple(t, s)
	}
}

// softCompound reports whether a line that begins with match or case is such a
// statement.
func softCompound(t []notebook.Token) bool {
	if len(t) < 3 || t[0].Text != "match" && t[0].Text != "case" || is(t, 1, "=") || is(t, 1, ".") || is(t, 1, ":") || is(t, 1, ",") {
		return false
	}
	colon := colonAt(t)
	return colon < len(t) && (t[0].Text == "case" || colon == len(t)-1)
}

// header reads what stands before the colon of a compound statement.
func (b *binder) header(t []notebook.Token, s *scope) {
	switch t[0].Text {
	case "for":
		in := wordAt(t, "in")
		b.target(t[1:in], s)
		b.expression(t[min(in+1, len(t)):], s)
	case "case":
		guard := wordAt(t, "if")
		b.pattern(t[1:guard], s)
		b.expression(t[min(guard+1, len(t)):], s)
	default:
		b.expression(t[1:], s)
	}
}

// pattern reads the pattern of a case: names are bound, but those of classes and
// of constants, which have dots or brackets behind them.
func (b *binder) pattern(t []notebook.Token, s *scope) {
	for i, tok := range t {
		switch {
		case tok.Kind != notebook.TokenName || keyword(tok.Text) || is(t, i-1, ".") || is(t, i+1, "="):
		case is(t, i+1, "(") || is(t, i+1, "."):
			b.use(tok, s)
		default:
			b.bind(tok, s)
		}
	}
}

func (b *binder) def(t []notebook.Token, s *scope) {
	if len(t) < 2 {
		return
	}
	b.bind(t[1], s)
	inner := newScope(s, true)
	rest := b.typeParameters(t[2:], inner)
	if !is(rest, 0, "(") {
		return
	}
	end := closesAt(rest, 0)
	if end < 0 {
		return
	}
	b.parameters(rest[1:end], s, inner)
	rest = rest[end+1:]
	colon := colonAt(rest)
	if colon > 0 && !b.lazy {
		b.expression(rest[1:colon], s) // behind the arrow
	}
	b.body(rest, colon, inner)
}

// body reads what stands behind a colon, or lets the block below have its scope.
func (b *binder) body(t []notebook.Token, colon int, inner *scope) {
	if colon+1 < len(t) {
		b.statement(t[colon+1:], inner)
		return
	}
	b.opens = inner
}

// typeParameters reads [T, ...] behind a name.
func (b *binder) typeParameters(t []notebook.Token, inner *scope) []notebook.Token {
	end := closesAt(t, 0)
	if !is(t, 0, "[") || end < 0 {
		return t
	}
	for i, tok := range t[:end] {
		if tok.Kind == notebook.TokenName && (is(t, i-1, "[") || is(t, i-1, ",") || is(t, i-1, "*") || is(t, i-1, "**")) {
			b.local[tok.Text] = true
			b.bind(tok, inner)
		}
	}
	return t[end+1:]
}

func (b *binder) class(t []notebook.Token, s *scope) {
	if len(t) < 2 {
		return
	}
	inner := newScope(s, false)
	rest := b.typeParameters(t[2:], inner)
	colon := colonAt(rest)
	b.expression(rest[:colon], s)
	b.bind(t[1], s)
	b.body(rest, colon, inner)
}

// parameters reads a function's parameters: their names are the function's, and
// what stands behind them is read where the function is defined.
func (b *binder) parameters(t []notebook.Token, outer, inner *scope) {
	for _, part := range splitAt(t, ",") {
		for len(part) > 0 && part[0].Kind != notebook.TokenName {
			part = part[1:] // a star or a slash
		}
		if len(part) == 0 {
			continue
		}
		b.bind(part[0], inner)
		equals := operatorAt(part, "=")
		if !b.lazy {
			b.expression(part[1:equals], outer)
		}
		b.expression(part[equals:], outer)
	}
}

// simple reads statements that stand on one line.
func (b *binder) simple(t []notebook.Token, s *scope) {
	for _, part := range splitAt(t, ";") {
		if len(part) == 0 {
			continue
		}
		switch first := part[0]; {
		case first.Kind == notebook.TokenName && first.Text == "import":
			b.imports(part[1:], s)
		case first.Kind == notebook.TokenName && first.Text == "from" && wordAt(part, "import") < len(part):
			from := wordAt(part, "import")
			b.lazy = b.lazy || is(part, 1, "__future__") && slices.ContainsFunc(part, func(t notebook.Token) bool { return t.Text == "annotations" })
			b.imports(part[from+1:], s)
		case first.Text == "global" || first.Text == "nonlocal":
			for _, tok := range part[1:] {
				if tok.Kind == notebook.TokenName {
					b.bind(tok, s.module())
				}
			}
		case first.Text == "type" && len(part) > 2 && part[1].Kind == notebook.TokenName && !keyword(part[1].Text):
			b.bind(part[1], s)
			rest := b.typeParameters(part[2:], newScope(s, false))
			b.expression(rest, newScope(s, true))
		default:
			b.assignment(part, s)
		}
	}
}

// imports reads the names behind import.
func (b *binder) imports(t []notebook.Token, s *scope) {
	for _, part := range splitAt(slices.DeleteFunc(slices.Clone(t), func(t notebook.Token) bool { return t.Text == "(" || t.Text == ")" }), ",") {
		switch as := wordAt(part, "as"); {
		case as+1 < len(part):
			b.bind(part[as+1], s)
		case len(part) > 0 && part[0].Kind == notebook.TokenName:
			b.bind(part[0], s)
		}
	}
}

func (b *binder) assignment(t []notebook.Token, s *scope) {
	parts := splitAt(t, "=")
	last := len(parts) - 1
	target := parts[0]
	if colon := colonAt(target); colon < len(target) { // an annotation
		if !b.lazy {
			b.expression(target[colon+1:], s)
		}
		b.target(target[:colon], s)
	} else if last > 0 {
		b.target(target, s)
	}
	for i, part := range parts {
		switch {
		case i == last && (last > 0 || colonAt(target) == len(target)):
			b.expression(part, s)
		case i > 0 && i < last:
			b.target(part, s)
		}
	}
}
