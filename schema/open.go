package schema

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxBytes is the size of the largest file that is read.
const MaxBytes = 1 << 20

// Doc is a document that was parsed but not yet read as a type.
type Doc struct {
	File     string
	lines    []string
	root     *node
	problems Problems
}

// Open parses a YAML document. It always returns one: what is wrong with the
// text is among the problems that [Doc.Read] returns.
func Open(file string, data []byte) *Doc {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(bytes.TrimPrefix(data, []byte("\ufeff"))))
	d := &Doc{File: file, lines: strings.Split(strings.TrimSuffix(text, "\n"), "\n")}
	switch {
	case len(data) > MaxBytes:
		d.complain(Pos{Line: 1, Col: 1}, "", "the file is larger than "+FormatSize(MaxBytes))
	case d.unreadable():
	default:
		d.parse(text)
	}
	if d.root == nil && len(d.problems) == 0 {
		d.complain(Pos{Line: 1, Col: 1}, "", "the file is empty")
	}
	return d
}

// unreadable complains about bytes that are not text.
func (d *Doc) unreadable() bool {
	for i, line := range d.lines {
		for j, r := range line {
			col := utf8.RuneCountInString(line[:j]) + 1
			switch {
			case r == utf8.RuneError && strings.HasPrefix(line[j:], "\uFFFD"):
			case r == utf8.RuneError:
				d.complain(Pos{Line: i + 1, Col: col}, "", "this is not UTF-8 text")
				return true
			case r < ' ' && r != '\t' || r == 0x7f:
				d.complain(Pos{Line: i + 1, Col: col}, "", fmt.Sprintf("the control character U+%04X does not belong in a text file", r))
				return true
			}
		}
	}
	return false
}

// Read reads the document as a value of the type. It returns every problem of
// the document, and whatever could be read beside them: of a document with
// problems, keys may have nil values.
func (d *Doc) Read(t *Type) (*Value, Problems) {
	if d.root == nil {
		return nil, d.problems
	}
	r := &reader{doc: d, problems: append(Problems(nil), d.problems...)}
	v := r.value(d.root, t, "")
	return v, r.problems
}

// Text returns the text under a key of the document's top level and its place,
// before the document is read as a type.
func (d *Doc) Text(key string) (string, Pos) {
	if d.root != nil && d.root.shape == mapNode {
		for _, p := range d.root.pairs {
			if p.key.text == key && p.value != nil && p.value.shape == scalarNode && p.value.meaning() == isText {
				return p.value.text, p.value.pos
			}
		}
	}
	return "", Pos{}
}

// Problem makes a complaint about a place in the document.
func (d *Doc) Problem(pos Pos, path, message string) Problem {
	pos = d.inside(pos)
	return Problem{
		File: d.File, Line: pos.Line, Col: pos.Col, Len: pos.Len,
		Path: path, Message: message, Source: d.line(pos.Line),
	}
}

func (d *Doc) complain(pos Pos, path, message string) {
	d.problems = append(d.problems, d.Problem(pos, path, message))
}

// inside moves a position into the text, if it is not there.
func (d *Doc) inside(pos Pos) Pos {
	pos.Line = min(max(pos.Line, 1), max(len(d.lines), 1))
	length := utf8.RuneCountInString(d.line(pos.Line))
	pos.Col = min(max(pos.Col, 1), max(length, 1))
	pos.Len = min(max(pos.Len, 1), max(length-pos.Col+1, 1))
	return pos
}

func (d *Doc) line(number int) string {
	if number < 1 || number > len(d.lines) {
		return ""
	}
	return d.lines[number-1]
}
