package check

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"golang.org/x/tools/cover"

	"github.com/slipway-cd/slipway"
)

// A coverReport is what a coverage report says.
type coverReport struct {
	sum   slipway.Coverage
	lines hitLines // of files as the report names them; a report may give sums alone
	roots []string // folders that those names may begin at
}

// parseCoverage reads a coverage report in whichever of the formats it is.
func parseCoverage(data []byte) (coverReport, error) {
	text, err := io.ReadAll(unmarked(data))
	if err != nil {
		return coverReport{}, err
	}
	switch text = bytes.TrimLeft(text, " \t\r\n"); {
	case bytes.HasPrefix(text, []byte("<")):
		return parseCoverXML(text)
	case bytes.HasPrefix(text, []byte("mode:")):
		return parseGoCover(text)
	case bytes.HasPrefix(text, []byte("TN:")), bytes.HasPrefix(text, []byte("SF:")), bytes.HasPrefix(text, []byte("#")):
		return parseLCOV(text)
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return coverReport{}, fmt.Errorf("it begins with %q", plain(string(first[:min(len(first), 40)])))
}

// add takes in another report.
func (r *coverReport) add(o coverReport) {
	r.sum.Covered += o.sum.Covered
	r.sum.Total += o.sum.Total
	if r.lines == nil {
		r.lines = hitLines{}
	}
	for file, lines := range o.lines {
		for line, was := range lines {
			r.lines.hit(file, line, was)
		}
	}
	r.roots = append(r.roots, o.roots...)
}

// hitLines holds, for each file, whether its lines were hit. Reports name a line
// more than once: for each test, each class or each method.
type hitLines map[string]map[int]bool

// hit notes a line.
func (h hitLines) hit(file string, line int, was bool) {
	if h[file] == nil {
		h[file] = map[int]bool{}
	}
	h[file][line] = h[file][line] || was
}

// coverage counts the lines.
func (h hitLines) coverage() slipway.Coverage {
	var c slipway.Coverage
	for _, lines := range h {
		c.Total += len(lines)
		for _, was := range lines {
			if was {
				c.Covered++
			}
		}
	}
	return c
}

// parseCoverXML reads Cobertura XML or JaCoCo XML.
func parseCoverXML(data []byte) (coverReport, error) {
	d := newXML(data)
	start, err := root(d, "coverage", "report")
	if err != nil {
		return coverReport{}, err
	}
	if start.Name.Local == "report" {
		return parseJaCoCo(d)
	}
	return parseCobertura(d, start)
}

// parseCobertura reads Cobertura XML. The lines count; where a report lists
// none, the sums at its root do.
func parseCobertura(d *xml.Decoder, start xml.StartElement) (coverReport, error) {
	r, err := coberturaLines(d)
	if err != nil {
		return coverReport{}, err
	}
	if r.sum = r.lines.coverage(); r.sum.Total == 0 {
		r.sum = coberturaSums(start)
	}
	return r, finish(d)
}

// coberturaLines reads the rest of the root element. Lines of methods stand
// again below their class.
func coberturaLines(d *xml.Decoder) (coverReport, error) {
	r, file := coverReport{lines: hitLines{}}, ""
	for depth := 1; depth > 0; {
		t, err := d.Token()
		if err != nil {
			return r, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			depth++
			switch t.Name.Local {
			case "class":
				file = attribute(t, "filename")
			case "source":
				var folder string
				err, depth = d.DecodeElement(&folder, &t), depth-1
				r.roots = append(r.roots, strings.TrimSpace(folder))
			case "methods":
				err, depth = d.Skip(), depth-1
			case "line":
				err = coberturaLine(r.lines, file, t)
			}
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// coberturaLine notes one <line>.
func coberturaLine(lines hitLines, file string, e xml.StartElement) error {
	number, err := strconv.Atoi(attribute(e, "number"))
	if err != nil {
		return fmt.Errorf("file %s: a line has the number %q", file, attribute(e, "number"))
	}
	hits, err := strconv.ParseFloat(attribute(e, "hits"), 64)
	if err != nil || math.IsNaN(hits) {
		return fmt.Errorf("file %s: line %d has %q hits", file, number, attribute(e, "hits"))
	}
	lines.hit(file, number, hits > 0)
	return nil
}

// coberturaSums returns the sums that the root element gives, or nothing.
func coberturaSums(e xml.StartElement) slipway.Coverage {
	covered, err1 := strconv.Atoi(attribute(e, "lines-covered"))
	total, err2 := strconv.Atoi(attribute(e, "lines-valid"))
	if err1 != nil || err2 != nil || covered < 0 || total < covered {
		return slipway.Coverage{}
	}
	return slipway.Coverage{Covered: covered, Total: total}
}

// parseGoCover reads the profile that go test -coverprofile writes. It counts
// statements.
func parseGoCover(data []byte) (coverReport, error) {
	profiles, err := cover.ParseProfilesFromReader(bytes.NewReader(data))
	if err != nil {
		return coverReport{}, err
	}
	r, left := coverReport{lines: hitLines{}}, mostBlockLines
	for _, p := range profiles {
		for _, b := range p.Blocks {
			if b.NumStmt > math.MaxInt32 {
				return coverReport{}, fmt.Errorf("%s:%d: a block has %d statements", p.FileName, b.StartLine, b.NumStmt)
			}
			r.sum.Total += b.NumStmt
			if b.Count != 0 {
				r.sum.Covered += b.NumStmt
			}
			if b.EndLine-b.StartLine > left {
				return coverReport{}, fmt.Errorf("%s:%d: its blocks have more than %d lines together", p.FileName, b.StartLine, mostBlockLines)
			}
			for line := b.StartLine; line <= b.EndLine && b.NumStmt > 0; line++ {
				r.lines.hit(p.FileName, line, b.Count != 0)
				left--
			}
		}
	}
	return r, nil
}

// mostBlockLines are the most lines that the blocks of a profile may have.
const mostBlockLines = 5_000_000

// An lcov is an LCOV report while it is read.
type lcov struct {
	lines  hitLines
	sums   slipway.Coverage // of the records without lines of their own
	file   string           // of the open record; empty: none is open
	listed bool             // the open record has lines of its own
	record slipway.Coverage // LH and LF of the open record
}

// parseLCOV reads an LCOV tracefile.
func parseLCOV(data []byte) (coverReport, error) {
	l := lcov{lines: hitLines{}}
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<20)
	n := 0
	for s.Scan() {
		n++
		if err := l.line(strings.TrimSpace(s.Text())); err != nil {
			return coverReport{}, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := s.Err(); err != nil {
		return coverReport{}, fmt.Errorf("line %d: %w", n+1, err)
	}
	if l.file != "" {
		return coverReport{}, fmt.Errorf("it ends in the middle: the record of %s is not closed by end_of_record", l.file)
	}
	c := l.lines.coverage()
	sum := slipway.Coverage{Covered: c.Covered + l.sums.Covered, Total: c.Total + l.sums.Total}
	return coverReport{sum: sum, lines: l.lines}, nil
}

// line reads one line.
func (l *lcov) line(text string) error {
	key, value, _ := strings.Cut(text, ":")
	switch key {
	case "SF":
		if l.file != "" || value == "" {
			return errors.New("a record begins where none can")
		}
		l.file, l.listed, l.record = value, false, slipway.Coverage{}
	case "DA", "LF", "LH":
		if l.file == "" {
			return fmt.Errorf("%s stands outside of a record", key)
		}
		return l.figure(key, value)
	case "end_of_record":
		if !l.listed && l.record.Covered <= l.record.Total {
			l.sums.Covered += l.record.Covered
			l.sums.Total += l.record.Total
		}
		l.file = ""
	}
	return nil // other keys speak of functions, branches and tests
}

// figure reads a line's hits, or a sum of the record.
func (l *lcov) figure(key, value string) error {
	if key != "DA" {
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return fmt.Errorf("%s:%s is not a number of lines", key, value)
		}
		if key == "LF" {
			l.record.Total = int(n)
		} else {
			l.record.Covered = int(n)
		}
		return nil
	}
	number, rest, _ := strings.Cut(value, ",")
	hits, _, _ := strings.Cut(rest, ",") // a checksum may follow
	n, err1 := strconv.Atoi(number)
	h, err2 := strconv.ParseFloat(hits, 64)
	if err1 != nil || err2 != nil || math.IsNaN(h) {
		return fmt.Errorf("DA:%s is not a line and its hits", value)
	}
	l.lines.hit(l.file, n, h > 0)
	l.listed = true
	return nil
}
