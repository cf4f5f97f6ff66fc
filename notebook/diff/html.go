package diff

import (
	"bufio"
	_ "embed" // the page's style
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
)

// HTMLOptions say how a diff is shown as a page.
type HTMLOptions struct {
	// Title is the page's title, as in "traffic.ipynb".
	Title string
	// From and To name the two notebooks.
	From, To string
	// Context is how many lines that stayed are shown around those that did not;
	// the others can be unfolded.
	Context int
}

// WriteHTML writes a diff as a page that needs nothing else. It runs no script:
// text is escaped, of outputs only bitmaps are taken over, and the page forbids
// everything else.
func (d *Diff) WriteHTML(w io.Writer, o HTMLOptions) error {
	h := &htmlWriter{Writer: bufio.NewWriter(w), context: o.Context}
	h.head(o, d)
	if d.Empty() {
		h.put("<p>Nothing differs.</p>\n")
	}
	if len(d.Notebook) > 0 {
		h.put("<section class=\"changed\"><h2>Notebook</h2>\n")
		h.items(d.Notebook)
		h.put("</section>\n")
	}
	for _, cell := range d.Cells {
		h.cell(cell)
	}
	h.put("</body>\n</html>\n")
	return h.Flush()
}

//go:embed html.css
var htmlStyle string

const htmlHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
`

type htmlWriter struct {
	*bufio.Writer
	context int
}

// put writes markup. Each %s of it is for text, which is escaped.
func (h *htmlWriter) put(markup string, texts ...any) {
	escaped := make([]any, len(texts))
	for i, text := range texts {
		escaped[i] = html.EscapeString(strings.ReplaceAll(clean(fmt.Sprint(text)), "\r", "␍"))
	}
	fmt.Fprintf(h, markup, escaped...)
}

func (h *htmlWriter) head(o HTMLOptions, d *Diff) {
	h.put(htmlHead)
	h.put("<title>%s</title>\n<style>\n", o.Title)
	_, _ = h.WriteString(htmlStyle) // the error is Flush's
	h.put("</style>\n</head>\n<body>\n<header><h1>%s</h1>\n", o.Title)
	h.put("<p><code>%s</code> → <code>%s</code></p>\n<p>%s</p></header>\n", o.From, o.To, d.Summary())
}

// Summary counts what differs, as in "2 cells changed, 1 added".
func (d *Diff) Summary() string {
	var parts []string
	add := func(n int, what string) {
		switch {
		case n == 1 && len(parts) == 0:
			parts = append(parts, "1 cell "+what)
		case n > 0 && len(parts) == 0:
			parts = append(parts, fmt.Sprintf("%d cells %s", n, what))
		case n > 0:
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	count := map[string]int{}
	for _, cell := range d.Cells {
		count[cell.What()]++
	}
	for _, what := range []string{"changed", "added", "removed", "moved", "moved and changed"} {
		add(count[what], what)
	}
	if len(d.Notebook) > 0 {
		parts = append(parts, "the notebook's metadata changed")
	}
	return strings.Join(parts, ", ")
}

func (h *htmlWriter) cell(c Cell) {
	class, _, _ := strings.Cut(c.What(), " ")
	h.put("<section class=\""+class+"\"><h2>Cell %s <small>%s %s</small> <span class=\"badge\">%s</span></h2>\n",
		c.place(" → "), c.side().Type, c.side().ID, c.What())
	h.source(c.Source)
	h.items(c.Outputs)
	h.items(c.Details)
	h.put("</section>\n")
}

// source writes lines as a table; those far from a change are folded.
func (h *htmlWriter) source(lines []Line) {
	next := 0
	for _, part := range folded(lines, h.context) {
		end := next + part.n
		if part.hidden {
			h.put("<details><summary>%s</summary>", plural(part.n, "line that stayed", "lines that stayed"))
		}
		h.put("<table>\n")
		for _, line := range lines[next:end] {
			h.line(line)
		}
		h.put("</table>\n")
		if part.hidden {
			h.put("</details>\n")
		}
		next = end
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// A fold is a stretch of lines.
type fold struct {
	n      int
	hidden bool
}

// folded cuts lines into those that are shown and those that are hidden.
func folded(lines []Line, context int) []fold {
	near := nearChange(lines, context)
	var out []fold
	for i := range lines {
		if last := len(out) - 1; last >= 0 && out[last].hidden != near[i] {
			out[last].n++
		} else {
			out = append(out, fold{1, !near[i]})
		}
	}
	return out
}

func (h *htmlWriter) line(line Line) {
	class, mark := "", "span"
	switch line.Op {
	case '+':
		class, mark = "add", "ins"
	case '-':
		class, mark = "del", "del"
	}
	h.put("<tr class=\""+class+"\"><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"op\">%s</td><td class=\"src\">",
		number(line.Before), number(line.After), string(rune(line.Op)))
	for _, w := range line.Words {
		if w.Changed {
			h.put("<"+mark+">%s</"+mark+">", w.Text)
		} else {
			h.put("%s", w.Text)
		}
	}
	h.put("</td></tr>\n")
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (h *htmlWriter) items(items []Item) {
	if len(items) == 0 {
		return
	}
	h.put("<ul>\n")
	for _, item := range items {
		h.item(item)
	}
	h.put("</ul>\n")
}

func (h *htmlWriter) item(item Item) {
	class := map[byte]string{'+': "add", '-': "del", '~': "mod"}[item.Op]
	h.put("<li class=\""+class+"\"><b>%s</b> <span class=\"path\">%s</span> ", string(rune(item.Op)), item.Path)
	switch item.Op {
	case '+':
		h.put("<code>%s</code>", item.To.Text)
	case '-':
		h.put("<code>%s</code>", item.From.Text)
	default:
		h.put("<code>%s</code> → <code>%s</code>", item.From.Text, item.To.Text)
	}
	if item.From.Image+item.To.Image != "" {
		h.put("<br>")
	}
	h.image(item.From.Image, "before")
	h.image(item.To.Image, "after")
	h.put("</li>\n")
}

func (h *htmlWriter) image(url, caption string) {
	if url != "" {
		h.put("<figure><img alt=\"%s\" src=\"%s\"><figcaption>%s</figcaption></figure>", caption, url, caption)
	}
}
