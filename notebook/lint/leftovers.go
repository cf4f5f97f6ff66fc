package lint

import (
	"slices"
	"strings"

	"github.com/slipway-cd/slipway/notebook"
)

// A line is one logical line of code, without comments.
type line struct {
	tokens []notebook.Token
	depth  int // how deep it is indented, in blocks
}

// logical splits tokens into logical lines.
func logical(tokens []notebook.Token) []line {
	var all []line
	now := line{}
	depth := 0
	for _, t := range tokens {
		switch t.Kind {
		case notebook.TokenIndent:
			depth++
		case notebook.TokenDedent:
			depth--
		case notebook.TokenComment:
		case notebook.TokenNewline:
			if len(now.tokens) > 0 {
				all = append(all, now)
			}
			now = line{}
		default:
			if len(now.tokens) == 0 {
				now.depth = depth
			}
			now.tokens = append(now.tokens, t)
		}
	}
	if len(now.tokens) > 0 {
		all = append(all, now)
	}
	return all
}

// is reports whether the token at i has this text; there may be none.
func is(tokens []notebook.Token, i int, text string) bool {
	return i >= 0 && i < len(tokens) && tokens[i].Text == text && tokens[i].Kind != notebook.TokenString
}

// leftovers reports what was useful in the notebook alone.
func (r *run) leftovers() {
	spark := r.glue || r.mentions("pyspark", "spark")
	for _, c := range r.cells {
		if c.opaque || c.dropped {
			continue
		}
		for _, l := range c.logical {
			r.display(c, l.tokens)
			if spark {
				r.collect(c, l.tokens)
			}
			r.bare(c, l)
		}
	}
}

// mentions reports whether code names one of these.
func (r *run) mentions(names ...string) bool {
	return slices.ContainsFunc(r.cells, func(c *cell) bool {
		return slices.ContainsFunc(c.tokens, func(t notebook.Token) bool {
			return t.Kind == notebook.TokenName && slices.Contains(names, t.Text)
		})
	})
}

func (r *run) display(c *cell, tokens []notebook.Token) {
	for i, t := range tokens {
		if t.Text == "display" && t.Kind == notebook.TokenName && is(tokens, i+1, "(") && !is(tokens, i-1, ".") && !is(tokens, i-1, "def") {
			r.report(Display, c, t.Line+1, t.Column, "display() exists in notebooks alone; a job prints with show() or print()")
		}
	}
}

// small are methods behind which a frame is small, or no frame any more.
const small = " limit take head first tail agg count sum avg min max mean sample describe summary groupBy groupby distinct approxQuantile " +
	"collect_list toLocalIterator isEmpty getNumPartitions "

func (r *run) collect(c *cell, tokens []notebook.Token) {
	isSmall := false
	for i, t := range tokens {
		isSmall = isSmall || t.Kind == notebook.TokenName && strings.Contains(small, " "+t.Text+" ")
		if t.Text != "collect" && t.Text != "toPandas" || !is(tokens, i-1, ".") || !is(tokens, i+1, "(") || !is(tokens, i+2, ")") || is(tokens, i-2, "gc") {
			continue
		}
		if isSmall {
			return
		}
		r.report(Collect, c, t.Line+1, t.Column, "%s() takes all rows to the driver; aggregate or limit() first, or write the frame", t.Text)
	}
}

// shows are attributes and methods whose only use on a line of their own is to
// show something.
const shows = " head tail describe columns dtypes shape schema summary sample "

// bare reports lines that only show something in a notebook.
func (r *run) bare(c *cell, l line) {
	t := l.tokens
	if l.depth > 0 || !c.whole || t[0].Kind != notebook.TokenName || keyword(t[0].Text) || t[len(t)-1].Line != t[0].Line {
		return
	}
	n := 1
	for is(t, n, ".") && n+1 < len(t) && t[n+1].Kind == notebook.TokenName {
		n += 2
	}
	shown := n == 1 || strings.Contains(shows, " "+t[n-1].Text+" ")
	call := is(t, n, "(") && is(t, len(t)-1, ")") && n > 1 && closesAt(t, n) == len(t)-1
	if !shown || n != len(t) && !call {
		return
	}
	if !strings.HasPrefix(strings.TrimSpace(c.lines[t[0].Line]), t[0].Text) {
		return // a magic or a question of IPython's, which has become code
	}
	f := r.report(Bare, c, t[0].Line+1, t[0].Column, "%s shows something in a notebook, and nothing in a job; take the line out, or tag the cell skip",
		strings.TrimSpace(c.lines[t[0].Line]))
	if c.droppable {
		f.Fixable, f.mend = true, mendLine
	}
}

// closesAt returns the index of the bracket that closes the one at open, and -1
// where there is none.
func closesAt(t []notebook.Token, open int) int {
	depth := 0
	for i := open; i < len(t); i++ {
		if t[i].Kind != notebook.TokenOperator {
			continue
		}
		switch t[i].Text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// commit reports a Glue job that is begun and never committed.
func (r *run) commit() {
	if !r.mentions("awsglue") {
		return
	}
	jobs := r.jobs()
	var begun *cell
	var at notebook.Token
	for _, c := range r.cells {
		if c.opaque || c.dropped {
			continue
		}
		for i, t := range c.tokens {
			if is(c.tokens, i-1, ".") && is(c.tokens, i+1, "(") && t.Text == "commit" {
				return
			}
			if is(c.tokens, i-1, ".") && is(c.tokens, i+1, "(") && t.Text == "init" && i > 1 && jobs[c.tokens[i-2].Text] && begun == nil {
				begun, at = c, t
			}
		}
	}
	if begun != nil {
		r.report(Commit, begun, at.Line+1, at.Column, "the job is begun and never committed, so that its bookmark does not move on; put job.commit() at the end")
	}
}

// jobs are the names of Glue jobs: job, and what Job() is assigned to.
func (r *run) jobs() map[string]bool {
	names := map[string]bool{"job": true}
	for _, c := range r.cells {
		for i, t := range c.tokens {
			if is(c.tokens, i+1, "=") && is(c.tokens, i+2, "Job") && is(c.tokens, i+3, "(") {
				names[t.Text] = true
			}
		}
	}
	return names
}
