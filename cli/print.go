package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/slipway-cd/slipway"
)

// printJSONLine writes a value as one line of JSON.
func printJSONLine(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// table prints rows in columns, under a head if there is one.
func table(w io.Writer, head string, rows [][]string) error {
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 4, 2, ' ', 0)
	if len(rows) > 0 && head != "" {
		fmt.Fprintln(t, head)
	}
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(t, "\t")
			}
			fmt.Fprint(t, cell)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// when shows a time as people read it, in their time zone.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// took shows how long something took.
func took(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "-"
	}
	return slipway.TookText(to.Sub(from))
}

// paint colours what is written to w. Data that go into a file or another program
// have no colours, whatever stderr is.
func (s *session) paint(w io.Writer, code, text string) string {
	if w == s.env.Stdout && !s.showsColor(w) {
		return text
	}
	return s.talk.paint(code, text)
}

// firstLine is what of a text has room in a table.
func firstLine(text string) string {
	line, more, _ := strings.Cut(text, "\n")
	if more != "" {
		line += " ..."
	}
	return line
}

// printPlan shows a plan as a diff.
func (s *session) printPlan(w io.Writer, p slipway.Plan) {
	t := p.Target
	if p.Empty() {
		fmt.Fprintf(w, "%s in %s: nothing to change, it has %s\n", t.App, t.Environment, t.Version)
	} else {
		fmt.Fprintf(w, "%s in %s, to %s:\n", t.App, t.Environment, t.Version)
	}
	for _, c := range p.Changes {
		s.printChange(w, c)
	}
	if len(p.Next) > 0 {
		fmt.Fprintf(w, "  next runs: %s\n", times(p.Next))
	}
	for _, warning := range p.Warnings {
		fmt.Fprintf(w, "  %s %s\n", s.paint(w, yellow, "!"), warning)
	}
	for _, h := range p.Rails {
		s.printRail(w, h)
	}
	if p.Cost != nil {
		fmt.Fprintf(w, "  cost: %s\n", p.Cost)
		for _, note := range p.Cost.Notes {
			fmt.Fprintf(w, "    %s\n", s.paint(w, faint, note))
		}
	}
}

func (s *session) printChange(w io.Writer, c slipway.Change) {
	note := ""
	if c.Note != "" {
		note = "  (" + c.Note + ")"
	}
	switch c.Action {
	case slipway.Add:
		fmt.Fprintf(w, "  %s %s: %s%s\n", s.paint(w, green, "+"), c.Field, value(c.To), note)
	case slipway.Delete:
		fmt.Fprintf(w, "  %s %s: %s%s\n", s.paint(w, red, "-"), c.Field, value(c.From), note)
	case slipway.Update:
		fmt.Fprintf(w, "  %s %s: %s -> %s%s\n", s.paint(w, yellow, "~"), c.Field, value(c.From), value(c.To), note)
	}
}

var digests = regexp.MustCompile(`sha256:([0-9a-f]{8})[0-9a-f]{56}`)

// value shows a value on one line, digests cut short.
func value(v any) string {
	if text, ok := v.(string); ok {
		return digests.ReplaceAllString(text, "sha256:$1")
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
