package notebook

import (
	"regexp"
	"strings"
)

// dedent is Python's textwrap.dedent, up to version 3.13.
func dedent(text string) string {
	margin, known, blanks := "", false, false
	for line := range strings.Lines(text) {
		body := strings.TrimLeft(line, " \t")
		indent := line[:len(line)-len(body)]
		switch {
		case body == "" || body == "\n":
			blanks = blanks || indent != ""
		case !known:
			margin, known = indent, true
		default:
			margin = commonPrefix(margin, indent)
		}
	}
	if margin == "" && !blanks {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for line := range strings.Lines(text) {
		if body := strings.TrimLeft(line, " \t"); body == "" || body == "\n" {
			line = body
		}
		b.WriteString(strings.TrimPrefix(line, margin))
	}
	return b.String()
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

var (
	doctestFirst  = regexp.MustCompile(`^` + pySpace + `*>>>`)
	doctestPS1    = regexp.MustCompile(`^` + pySpace + `*>>>[ \t]?`)
	doctestPS2    = regexp.MustCompile(`^` + pySpace + `*\.\.\.[ \t]?`)
	stringPrefix  = regexp.MustCompile(`^(?i:[rubf]*)$`)
	doctestPrompt = regexp.MustCompile(`(?m)^` + pySpace + `*>>>`)
)

// dropDoctestPrompt takes off the prompts of a pasted doctest, as IPython does
// from 9.10 on: anywhere in the cell, except within triple-quoted strings.
func dropDoctestPrompt(lines []string) []string {
	var keep []bool
	asked := false
	for _, line := range lines {
		asked = asked || strings.Contains(line, ">>>") && doctestPrompt.MatchString(line)
	}
	if !asked {
		return lines
	}
	keep = tripleQuoted(lines)
	if !promptOutside(lines, keep) {
		return lines
	}
	out := make([]string, 0, len(lines))
	for i := 0; i < len(lines); {
		j := i
		for j < len(lines) && keep[j] == keep[i] {
			j++
		}
		if keep[i] {
			out = append(out, lines[i:j]...)
		} else {
			out = append(out, stripDoctest(lines[i:j])...)
		}
		i = j
	}
	return out
}

func promptOutside(lines []string, keep []bool) bool {
	for i, line := range lines {
		if !keep[i] && doctestFirst.MatchString(line) {
			return true
		}
	}
	return false
}

// stripDoctest takes the prompts off a run of lines, and their indentation
// where there were any.
func stripDoctest(lines []string) []string {
	out := make([]string, len(lines))
	changed := false
	for i, line := range lines {
		cut := doctestPS1.FindString(line)
		if cut == "" {
			cut = doctestPS2.FindString(line)
		}
		out[i] = line[len(cut):]
		changed = changed || cut != ""
	}
	if !changed {
		return lines
	}
	return splitLines(dedent(strings.Join(out, "")))
}

// tripleQuoted tells which lines lie in a triple-quoted string whose text is
// kept as it stands. It guesses as IPython guesses.
func tripleQuoted(lines []string) []bool {
	mask := make([]bool, len(lines))
	open, preserve, seen := "", false, false
	for i, line := range lines {
		mask[i] = open != "" && preserve
		for at := 0; ; {
			n := nextTriple(line, at)
			if n < 0 {
				break
			}
			quote := line[n : n+3]
			switch open {
			case "":
				open = quote
				preserve = opensString(line[:n], seen)
				mask[i] = preserve
			case quote:
				open, preserve = "", false
			}
			at = n + 3
		}
		seen = seen || doctestFirst.MatchString(line)
	}
	return mask
}

// nextTriple returns where the next triple quote without a backslash before it
// begins, or -1.
func nextTriple(line string, from int) int {
	for i := from; i+3 <= len(line); i++ {
		if (line[i] == '"' || line[i] == '\'') && line[i+1] == line[i] && line[i+2] == line[i] &&
			(i == 0 || line[i-1] != '\\') {
			return i
		}
	}
	return -1
}

// opensString reports whether a triple quote behind before opens a string that
// stands alone, outside of a doctest.
func opensString(before string, seenPrompt bool) bool {
	stripped := before[len(doctestPS1.FindString(before)):]
	stripped = stripped[len(doctestPS2.FindString(stripped)):]
	if stripped != before && seenPrompt {
		return false
	}
	return stringPrefix.MatchString(trimLeft(trimRight(stripped)))
}
