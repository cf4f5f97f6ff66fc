package cli

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slipway-cd/slipway"
)

// How much of a plan goes into Markdown. A comment on GitHub holds 65,536
// characters, and nobody reads more.
const (
	mostRows     = 60  // of the table, and lines of the diff
	mostValue    = 80  // characters of a value in the table
	mostLine     = 300 // characters of a line of the diff
	mostWarnings = 20
)

// markdownPlan writes a plan for people who review it in a browser: what changes
// as a table, what to look at twice above it, and all of it as a diff to unfold.
// Whatever comes from files or from the runtime is shown as code, so that nothing
// in it is a link, a mention or HTML.
func markdownPlan(w io.Writer, p slipway.Plan) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s to %s\n\n", code(p.Target.App), code(p.Target.Environment))
	if p.Empty() {
		fmt.Fprintf(&b, "Nothing to change: it has %s.\n", code(p.Target.Version))
	} else {
		fmt.Fprintf(&b, "%s, to %s.\n", counted(len(p.Changes), "change"), code(p.Target.Version))
	}
	if len(p.Next) > 0 {
		fmt.Fprintf(&b, "\nNext runs: %s.\n", zoned(p.Next))
	}
	if p.Cost != nil {
		fmt.Fprintf(&b, "\nCost: %s.\n", prose(p.Cost.String()))
	}
	markdownWarnings(&b, p)
	if !p.Empty() {
		markdownTable(&b, p.Changes)
		markdownDiff(&b, p.Changes)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// zoned says times with their zone, for readers who are elsewhere.
func zoned(all []time.Time) string {
	texts := make([]string, len(all))
	for i, t := range all {
		texts[i] = t.Format("Mon 2006-01-02 15:04 MST")
	}
	return strings.Join(texts, ", ")
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// markdownWarnings shows what a reviewer has to look at twice.
func markdownWarnings(b *strings.Builder, p slipway.Plan) {
	var lines []string
	for _, c := range p.Changes {
		if c.Note != "" {
			lines = append(lines, code(c.Field)+": "+prose(c.Note))
		}
	}
	for _, w := range p.Warnings {
		lines = append(lines, prose(w))
	}
	for _, h := range p.Rails {
		line := prose(h.String())
		if h.Closed() {
			line = "**closed:** " + prose(h.Reason())
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return
	}
	b.WriteString("\n> [!WARNING]\n")
	for _, line := range shortened(lines, mostWarnings) {
		fmt.Fprintf(b, "> * %s\n", line)
	}
}

func shortened(lines []string, most int) []string {
	if len(lines) <= most {
		return lines
	}
	return append(slices.Clone(lines[:most]), fmt.Sprintf("and %d more", len(lines)-most))
}

func markdownTable(b *strings.Builder, changes []slipway.Change) {
	b.WriteString("\n| | field | now | then |\n| --- | --- | --- | --- |\n")
	for i, c := range changes {
		if i == mostRows {
			fmt.Fprintf(b, "| | and %d more | | |\n", len(changes)-mostRows)
			return
		}
		from, to := "", ""
		if c.Action != slipway.Add {
			from = cell(c.From)
		}
		if c.Action != slipway.Delete {
			to = cell(c.To)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", c.Action, cell(c.Field), from, to)
	}
}

// cell is a value as code in a table, where a bar ends the cell even inside code.
func cell(v any) string {
	return strings.ReplaceAll(code(cut(value(v), mostValue)), "|", `\|`)
}

// markdownDiff shows all of it as a diff, folded.
func markdownDiff(b *strings.Builder, changes []slipway.Change) {
	var lines []string
	for _, c := range changes {
		if c.Action != slipway.Add {
			lines = append(lines, "- "+c.Field+": "+cut(value(c.From), mostLine))
		}
		if c.Action != slipway.Delete {
			lines = append(lines, "+ "+c.Field+": "+cut(value(c.To), mostLine))
		}
	}
	for i, line := range lines {
		lines[i] = oneLine(line)
	}
	text := strings.Join(shortened(lines, mostRows), "\n")
	fence := strings.Repeat("`", max(3, longestTicks(text)+1))
	fmt.Fprintf(b, "\n<details><summary>As a diff</summary>\n\n%sdiff\n%s\n%s\n\n</details>\n", fence, text, fence)
}

func cut(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// oneLine makes a text one line that shows nothing but what is in it.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

// code is text as Markdown's inline code, in which nothing has a meaning.
func code(text string) string {
	text = oneLine(text)
	if strings.TrimSpace(text) == "" {
		return "(empty)"
	}
	ticks := strings.Repeat("`", longestTicks(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

func longestTicks(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

var (
	markup    = regexp.MustCompile("[\\\\`*_{}\\[\\]()<>|~&!]")
	reference = regexp.MustCompile(`[@#]`)
	address   = regexp.MustCompile(`(?i)\b(https?|www)([:.])`)
)

// prose is a sentence in which Markdown finds no markup, and GitHub nobody to
// notify and nothing to link.
func prose(text string) string {
	text = markup.ReplaceAllString(oneLine(cut(text, mostLine)), `\$0`)
	text = reference.ReplaceAllString(text, "$0&#8203;")
	return address.ReplaceAllString(text, "$1&#8203;$2")
}
