package notebook

import (
	"regexp"
	"slices"
	"strings"
)

// ReadStrict reads a notebook as [Read] does, but fails where nbconvert fails:
// where the notebook is not what the schema of its format says. The error is an
// [*Error] that names the key.
func ReadStrict(data []byte) (*Notebook, error) {
	doc, nb, err := read(data)
	if err != nil {
		return nil, err
	}
	s := &schema{reader: reader{doc}, minor: max(nb.Minor, 0)}
	s.notebook(nb.Format)
	if s.fault != nil {
		return nil, s.fault
	}
	return nb, nil
}

// A schema checks a document against nbformat's schema, unknown keys aside.
type schema struct {
	reader
	minor int
	cell  int
	fault *Error // the first fault
}

func (s *schema) fail(path, msg string) {
	if s.fault == nil {
		s.fault = &Error{Cell: s.cell, Msg: path + " " + msg}
	}
}

// expand reads a value that was skipped so far.
func (s *schema) expand(v value) value {
	if v.kind != kindSkipped {
		return v
	}
	p := &jsonParser{data: s.data, pos: v.start}
	v, _ = p.value(true, 0)
	return v
}

// A want names a key and what its value must be.
type want struct {
	key      string
	required bool
	ok       func(s *schema, v value) bool
	what     string
	since    int // the first minor version that knows it
}

// check checks the keys of an object that is called path.
func (s *schema) check(path string, v value, wants []want) {
	for _, w := range wants {
		switch member := s.expand(s.get(v, w.key)); {
		case s.minor < w.since:
		case member.kind == kindNone && w.required:
			s.fail(path+w.key, "is missing")
		case member.kind != kindNone && !w.ok(s, member):
			s.fail(path+w.key, "must be "+w.what)
		}
	}
}

func isKind(kinds ...kind) func(*schema, value) bool {
	return func(_ *schema, v value) bool {
		return slices.Contains(kinds, v.kind)
	}
}

// isMinor tells the minor versions, those of the future with as many digits as
// they like.
func isMinor(s *schema, v value) bool {
	return v.kind == kindNumber && strings.Trim(string(s.raw(v)), "0123456789") == ""
}

// isOldMinor tells the minor versions of format v3 that nbconvert has a schema
// for.
func isOldMinor(s *schema, v value) bool {
	n, ok := s.integer(v)
	return ok && n <= 0 || v.kind == kindFalse // to Python that is 0
}

func isOrigin(s *schema, v value) bool {
	n, ok := s.integer(v)
	return ok && n >= 1
}

func isCount(s *schema, v value) bool {
	n, ok := s.integer(v)
	return v.kind == kindNull || ok && n >= 0
}

func isLines(_ *schema, v value) bool { return v.kind == kindString || isTexts(nil, v) }

func isTexts(_ *schema, v value) bool {
	for _, kid := range v.kids {
		if kid.kind != kindString {
			return false
		}
	}
	return v.kind == kindArray
}

func isTags(s *schema, v value) bool {
	seen := map[string]bool{}
	for _, kid := range v.kids {
		tag := s.text(kid)
		if tag == "" || strings.Contains(tag, ",") || seen[tag] {
			return false
		}
		seen[tag] = true
	}
	return v.kind == kindArray
}

func isScrolled(s *schema, v value) bool {
	return v.kind == kindTrue || v.kind == kindFalse || v.kind == kindString && s.text(v) == "auto"
}

func isTimes(_ *schema, v value) bool {
	for i := 1; i < len(v.kids); i += 2 {
		if v.kids[i].kind != kindString {
			return false
		}
	}
	return v.kind == kindObject
}

func isBundles(s *schema, v value) bool {
	for i := 1; i < len(v.kids); i += 2 {
		if s.expand(v.kids[i]).kind != kindObject {
			return false
		}
	}
	return v.kind == kindObject
}

var cellID = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

func isID(s *schema, v value) bool {
	return v.kind == kindString && len(s.text(v)) <= 64 && cellID.MatchString(s.text(v))
}

func isName(s *schema, v value) bool {
	line, _, _ := strings.Cut(s.text(v), "\n")
	return line != ""
}

//nolint:gochecknoglobals // immutable tables of the schema
var (
	anObject = isKind(kindObject)
	aText    = isKind(kindString)

	wantNotebook = []want{
		{"nbformat_minor", true, isMinor, "a whole number from 0 up", 0},
		{"metadata", true, anObject, "an object", 0},
		{"cells", true, isKind(kindArray), "a list", 0},
	}
	wantMetadata = []want{
		{"kernelspec", false, anObject, "an object", 0},
		{"language_info", false, anObject, "an object", 0},
		{"orig_nbformat", false, isOrigin, "a whole number from 1 up", 0},
		{"title", false, aText, "a text", 2},
		{"authors", false, isKind(kindArray), "a list", 2},
	}
	wantKernel = []want{{"name", true, aText, "a text", 0}, {"display_name", true, aText, "a text", 0}}
	wantInfo   = []want{
		{"name", true, aText, "a text", 0},
		{"codemirror_mode", false, isKind(kindString, kindObject), "a text or an object", 0},
		{"file_extension", false, aText, "a text", 0},
		{"mimetype", false, aText, "a text", 0},
		{"pygments_lexer", false, aText, "a text", 0},
	}
	wantCell = []want{
		{"id", false, isID, "1 to 64 letters, digits, - or _", 5},
		{"metadata", true, anObject, "an object", 0},
		{"source", true, isLines, "a text or a list of texts", 0},
	}
	wantCode = []want{
		{"execution_count", true, isCount, "null or a whole number from 0 up", 0},
		{"outputs", true, isKind(kindArray), "a list", 0},
	}
	wantText     = []want{{"attachments", false, isBundles, "an object of objects", 0}}
	wantCellMeta = []want{
		{"name", false, isName, "a text", 0},
		{"tags", false, isTags, "a list of different texts without commas", 0},
		{"jupyter", false, anObject, "an object", 3},
	}
	wantCodeMeta = []want{
		{"collapsed", false, isKind(kindTrue, kindFalse), "true or false", 0},
		{"scrolled", false, isScrolled, `true, false or "auto"`, 0},
		{"execution", false, isTimes, "an object of texts", 4},
	}
	wantRawMeta = []want{
		{"format", false, aText, "a text", 0},
		{"raw_mimetype", false, aText, "a text", 0},
	}
	wantOutput = map[string][]want{
		"stream": {{"name", true, aText, "a text", 0}, {"text", true, isLines, "a text or a list of texts", 0}},
		"error": {
			{"ename", true, aText, "a text", 0},
			{"evalue", true, aText, "a text", 0},
			{"traceback", true, isTexts, "a list of texts", 0},
		},
		"display_data": {{"data", true, anObject, "an object", 0}, {"metadata", true, anObject, "an object", 0}},
		"execute_result": {
			{"data", true, anObject, "an object", 0},
			{"metadata", true, anObject, "an object", 0},
			{"execution_count", true, isCount, "null or a whole number from 0 up", 0},
		},
	}
)

func (s *schema) notebook(format int) {
	if format < 4 {
		s.old(format)
		return
	}
	s.check("", s.root, wantNotebook)
	meta := s.get(s.root, "metadata")
	s.check("metadata.", meta, wantMetadata)
	if v := s.get(meta, "kernelspec"); v.kind != kindNone {
		s.check("metadata.kernelspec.", v, wantKernel)
	}
	if v := s.get(meta, "language_info"); v.kind != kindNone {
		s.check("metadata.language_info.", v, wantInfo)
	}
	for i, cell := range s.get(s.root, "cells").kids {
		s.cell = i + 1
		s.oneCell(cell)
	}
}

func (s *schema) oneCell(cell value) {
	s.check("", cell, wantCell)
	meta := s.get(cell, "metadata")
	s.check("metadata.", meta, wantCellMeta)
	switch kind := s.text(s.get(cell, "cell_type")); kind {
	case "code":
		s.check("", cell, wantCode)
		s.check("metadata.", meta, wantCodeMeta)
		for _, output := range s.expand(s.get(cell, "outputs")).kids {
			s.output(output)
		}
	case "markdown":
		s.check("", cell, wantText)
	case "raw":
		s.check("", cell, wantText)
		s.check("metadata.", meta, wantRawMeta)
	default:
		s.fail("cell_type", "must be code, markdown or raw")
	}
}

func (s *schema) output(v value) {
	wants, ok := wantOutput[s.text(s.get(v, "output_type"))]
	if !ok {
		s.fail("output_type", "must be stream, display_data, execute_result or error")
	}
	s.check("outputs.", v, wants)
}

// old checks what can fail before a notebook of format v1 to v3 is one of v4.
func (s *schema) old(format int) {
	if format == 1 {
		s.cells(s.root, s.firstCell)
		return
	}
	if format == 3 {
		s.check("", s.root, []want{{"nbformat_minor", false, isOldMinor, "0", 0}})
	}
	s.check("", s.root, []want{
		{"metadata", true, anObject, "an object", 0},
		{"worksheets", true, isKind(kindArray), "a list", 0},
	})
	for _, sheet := range s.get(s.root, "worksheets").kids {
		s.cells(sheet, s.oldCell)
	}
}

// cells checks the cells of a notebook or of a sheet.
func (s *schema) cells(parent value, each func(value)) {
	s.check("", parent, []want{{"cells", true, isKind(kindArray), "a list", 0}})
	for _, cell := range s.get(parent, "cells").kids {
		s.cell++
		each(cell)
	}
}

// firstCell checks a cell of format v1.
func (s *schema) firstCell(cell value) {
	switch s.text(s.get(cell, "cell_type")) {
	case "code":
	case "text":
		s.check("", cell, []want{{"text", true, isLines, "a text or a list of texts", 0}})
	default:
		s.fail("cell_type", "is not one of format 1; perhaps nbformat is missing")
	}
	s.check("", cell, []want{{"prompt_number", false, isCount, "null or a whole number from 0 up", 0}})
}

func (s *schema) oldCell(cell value) {
	switch s.text(s.get(cell, "cell_type")) {
	case "code":
		s.check("", cell, []want{
			{"outputs", true, isKind(kindArray), "a list", 0},
			{"prompt_number", false, isCount, "null or a whole number from 0 up", 0},
			{"collapsed", false, isKind(kindTrue, kindFalse), "true or false", 0},
		})
		for _, output := range s.expand(s.get(cell, "outputs")).kids {
			if v := s.get(output, "json"); isLines(s, v) {
				text, _ := s.joined(v, joinFor(3))
				if _, err := parseJSON([]byte(text)); err != nil {
					s.fail("outputs.json", "must be JSON")
				}
			}
		}
	case "markdown", "raw", "html":
		s.check("", cell, []want{{"source", true, isLines, "a text or a list of texts", 0}})
	case "heading":
		s.check("", cell, []want{{"source", false, isLines, "a text or a list of texts", 0}})
	default:
		s.fail("cell_type", "is not one of format 2 or 3")
	}
}
