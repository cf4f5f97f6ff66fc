package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// seedNotebooks adds the notebooks of testdata to a corpus.
func seedNotebooks(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/notebooks/*.ipynb")
	if err != nil || len(files) == 0 {
		f.Fatalf("no notebooks: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

// seedCells adds the cells of testdata to a corpus.
func seedCells(f *testing.F) {
	f.Helper()
	data, err := os.ReadFile("testdata/cells.json")
	if err != nil {
		f.Fatal(err)
	}
	var vectors []struct{ In string }
	if err := json.Unmarshal(data, &vectors); err != nil {
		f.Fatal(err)
	}
	for _, v := range vectors {
		f.Add(v.In)
	}
}

// FuzzRead checks that reading never breaks and that its errors are ours.
func FuzzRead(f *testing.F) {
	seedNotebooks(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		nb, err := Read(data)
		if _, strict := ReadStrict(data); strict == nil && err != nil {
			t.Fatalf("only the lenient reader fails: %v", err)
		}
		if one := new(Error); err != nil && !errors.As(err, &one) {
			t.Fatalf("%T: %v", err, err)
		}
		if err != nil {
			return
		}
		for _, p := range []Profile{IPython8, IPython9, NoIPython} {
			_, err := nb.Python(Options{Profile: p})
			if one := new(Error); err != nil && (!errors.As(err, &one) || one.Cell == 0) {
				t.Fatalf("%T without a cell: %v", err, err)
			}
		}
		checkGlue(t, nb)
	})
}

// FuzzJSON compares the reader with Go's for documents that both understand
// alike.
func FuzzJSON(f *testing.F) {
	seedNotebooks(f)
	for _, text := range []string{`1e5`, `-0.1`, `01`, `1.`, `"\u00e9"`, `[1,]`, `{"a":{}}`, "\"\x7f\"", `nul`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := parseJSON(data)
		python := bytes.Contains(data, []byte("NaN")) || bytes.Contains(data, []byte("Infinity"))
		broken := invalidUTF8(data) >= 0 || bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxDepth
		if valid := json.Valid(data); valid != (err == nil) && !python && !broken {
			t.Fatalf("json.Valid = %v, parseJSON: %v", valid, err)
		}
	})
}

// naive transforms lines as IPython does: it reads all anew for each magic.
func naive(p Profile, lines []string) (string, error) {
	for range maxTransforms {
		t := newTransformer(p, lines)
		if err := t.scan(lexState{}, len(lines)); err != nil {
			return "", err
		}
		var text string
		changed := false
		for _, m := range t.candidates() {
			if m.broken {
				return "", errors.New("broken")
			}
			var end int
			if text, end, changed = t.apply(m); changed {
				lines = append(append(slices.Clone(lines[:m.line]), text+"\n"), lines[end+1:]...)
				break
			}
		}
		if !changed {
			return strings.Join(lines, ""), nil
		}
	}
	return "", errors.New("too many")
}

// FuzzTransform checks that a cell comes out as it would if all were read anew
// for each magic.
func FuzzTransform(f *testing.F) {
	seedCells(f)
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 1000 {
			return // reading all anew takes its time
		}
		for _, p := range []Profile{IPython8, IPython9} {
			lines := splitLines(source + "\n")
			want, wantErr := naive(p, slices.Clone(lines))
			got, err := newTransformer(p, lines).run()
			if got != want || (err == nil) != (wantErr == nil) {
				t.Fatalf("profile %d: got %q, %v\nwant %q, %v", p, got, err, want, wantErr)
			}
			if out, err := transform(source, p); err == nil && !strings.HasSuffix(out, "\n") {
				t.Fatalf("profile %d: %q has no newline at its end", p, out)
			}
		}
	})
}

// An orderSink checks that tokens come in order and lie within their lines.
type orderSink struct {
	wholeText
	t     *testing.T
	lines []string
	line  int
}

func (s *orderSink) token(tok token) {
	free := tok.kind == tokenString || tok.kind == tokenText || tok.kind == tokenError
	if tok.line < s.line && !free {
		s.t.Fatalf("a token of line %d behind one of line %d", tok.line, s.line)
	}
	s.line = max(s.line, tok.line)
	if tok.line < len(s.lines) && tok.col > len(s.lines[tok.line])+1 {
		s.t.Fatalf("column %d of %q", tok.col, s.lines[tok.line])
	}
}

// FuzzTokenize checks the tokens of both tokenizers.
func FuzzTokenize(f *testing.F) {
	seedCells(f)
	f.Fuzz(func(t *testing.T, source string) {
		lines := splitLines(source)
		for _, p := range []Profile{IPython8, IPython9} {
			_ = lexerFor(p).run(lines, lexState{}, &orderSink{t: t, lines: lines})
		}
	})
}

// FuzzGlue checks the script of a single cell.
func FuzzGlue(f *testing.F) {
	seedCells(f)
	f.Add("%glue_version 5.0\n%%configure\n{'a': [1, (2,), {3}], \"b\": -1.5e3}\n")
	f.Add("%%tags\n{'a': 'b'}")
	f.Add("%%sql\nselect 1")
	f.Fuzz(func(t *testing.T, source string) {
		checkGlue(t, &Notebook{Cells: []Cell{
			{Type: Code, Source: source}, {Type: Code, Source: source, Tags: []string{TagParameters}}, {Type: Markdown, Source: source},
		}})
	})
}

// checkGlue checks what holds for every script: one newline at its end, the
// same bytes again, and each line of a cell's code found where it came from.
func checkGlue(t *testing.T, nb *Notebook) {
	t.Helper()
	got, err := nb.Glue(GlueOptions{})
	if one := new(Error); err != nil {
		if !errors.As(err, &one) {
			t.Fatalf("%T: %v", err, err)
		}
		return
	}
	again, err := nb.Glue(GlueOptions{})
	if err != nil || !bytes.Equal(got.Script, again.Script) {
		t.Fatalf("not the same again: %v\n%q\n%q", err, got.Script, again.Script)
	}
	if !bytes.HasSuffix(got.Script, []byte("\n")) || bytes.HasSuffix(got.Script, []byte("\n\n")) {
		t.Fatalf("not one newline at the end: %q", got.Script)
	}
	for n, line := range strings.Split(string(got.Script), "\n") {
		cell, cellLine, ok := Locate(got.Script, n+1)
		if !ok || line == "" || strings.HasPrefix(line, "#") || strings.Contains(line, "spark.sql(") {
			continue
		}
		source := strings.ReplaceAll(strings.ReplaceAll(nb.Cells[cell-1].Source, "\r\n", "\n"), "\r", "\n")
		lines := strings.Split(source, "\n")
		if cellLine > len(lines) || !strings.HasPrefix(line, strings.TrimRight(lines[cellLine-1], " \t\r\f\v")) {
			t.Fatalf("line %d, %q, was found in cell %d line %d of %q", n+1, line, cell, cellLine, source)
		}
	}
}

// FuzzLiteral checks that reading a literal never breaks.
func FuzzLiteral(f *testing.F) {
	for _, text := range []string{"{'a': [1, (2,), {3}], \"b\": -1.5e3}", "{{{{1}}}}", `'\x41\u00e9\U0001f600\101\q'`, "0x1_F", "r'''a\n'''", "# c\n1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, fault := parseLiteral(text)
		if fault == nil {
			plain(v)
		} else if fault.Line < 1 || fault.Line > strings.Count(text, "\n")+1 {
			t.Fatalf("fault at line %d of %q", fault.Line, text)
		}
	})
}
