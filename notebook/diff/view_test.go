package diff

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIgnoredDifferencesAreNone(t *testing.T) {
	a := readDocument(t, cellJSON(5, `{"cell_type":"code","id":"a","metadata":{},"source":"x","execution_count":1,"outputs":[{"output_type":"execute_result","data":{"text/plain":"1"},"metadata":{},"execution_count":1}]}`, `{}`))
	for _, c := range []struct {
		name  string
		other string
		o     Options
	}{
		{"outputs", cellJSON(5, `{"cell_type":"code","id":"a","metadata":{},"source":"x","execution_count":1,"outputs":[]}`, `{}`), Options{IgnoreOutputs: true}},
		{"metadata", cellJSON(5, `{"cell_type":"code","id":"a","metadata":{"tags":["t"]},"source":"x","execution_count":1,"outputs":[{"output_type":"execute_result","data":{"text/plain":"1"},"metadata":{"k":1},"execution_count":1}]}`, `{"k":1}`), Options{IgnoreMetadata: true}},
		{"ids", cellJSON(5, `{"cell_type":"code","id":"b","metadata":{},"source":"x","execution_count":1,"outputs":[{"output_type":"execute_result","data":{"text/plain":"1"},"metadata":{},"execution_count":1}]}`, `{}`), Options{IgnoreIDs: true}},
		{"counts", cellJSON(5, `{"cell_type":"code","id":"a","metadata":{},"source":"x","execution_count":null,"outputs":[{"output_type":"execute_result","data":{"text/plain":"1"},"metadata":{},"execution_count":2}]}`, `{}`), Options{IgnoreCounts: true}},
	} {
		b := readDocument(t, c.other)
		if d := Compare(a, b, c.o); !d.Empty() || len(d.Cells)+len(d.Notebook) > 0 {
			t.Errorf("%s: %s", c.name, d.JSON())
		}
		if Compare(a, b, Options{}).Empty() {
			t.Errorf("%s: nothing differs at all", c.name)
		}
		for _, other := range []Options{{IgnoreOutputs: true}, {IgnoreMetadata: true}, {IgnoreIDs: true}, {IgnoreCounts: true}} {
			if other != c.o && Compare(a, b, other).Empty() {
				t.Errorf("%s are ignored by %+v", c.name, other)
			}
		}
	}
}

func TestPatchErrors(t *testing.T) {
	d := readDocument(t, cellJSON(4, `{"cell_type":"raw","metadata":{"n":1},"source":"a\nb"}`, `{}`))
	inSource := func(ops string) string {
		return `[{"op":"patch","key":"cells","diff":[{"op":"patch","key":0,"diff":[{"op":"patch","key":"source","diff":` + ops + `}]}]}]`
	}
	for ops, want := range map[string]string{
		`[`:                                      "they are not JSON",
		`{}`:                                     "at /: expected a list of operations",
		`[{"op":"add","key":1}]`:                 "at /: an operation on an object has no key",
		`[{"op":"add","key":"cells","value":1}]`: "at /cells: it is there already",
		`[{"op":"remove","key":"x"}]`:            "at /x: there is no such key",
		`[{"op":"replace","key":"cells"}]`:       `at /cells: unknown operation "replace"`,
		`[{"op":"turn","key":"cells"}]`:          `at /cells: unknown operation "turn"`,
		`[{"op":"patch","key":"nbformat","diff":[]}]`:                                         "at /nbformat: 4 cannot be patched",
		`[{"op":"patch","key":"cells","diff":[{"op":"addrange","key":2,"valuelist":[]}]}]`:    "at /cells: an operation on a sequence of 1 has no fitting key",
		`[{"op":"patch","key":"cells","diff":[{"op":"removerange","key":0,"length":2}]}]`:     "at /cells: there is no element 1",
		`[{"op":"patch","key":"cells","diff":[{"op":"removerange","key":0,"length":-1}]}]`:    "at /cells: removerange has no length",
		`[{"op":"patch","key":"cells","diff":[{"op":"addrange","key":0,"valuelist":{}}]}]`:    "at /cells: addrange has no list of values",
		`[{"op":"patch","key":"cells","diff":[{"op":"addrange","key":0,"valuelist":[1]}]}]`:   "at /cells: they add what is no cell",
		`[{"op":"patch","key":"cells","diff":[{"op":"add","key":0,"value":1}]}]`:              `at /cells: unknown operation "add"`,
		`[{"op":"patch","key":"cells","diff":[{"op":"patch","key":1,"diff":[]}]}]`:            "at /cells: there is no element 1",
		inSource(`[{"op":"addrange","key":0,"valuelist":[1]}]`):                               "at /cells/0/source: addrange has no list of lines",
		inSource(`[{"op":"patch","key":0}]`):                                                  "at /cells/0/source: expected a list of operations",
		inSource(`[{"op":"patch","key":0,"diff":[{"op":"removerange","key":2,"length":9}]}]`): "at /cells/0/source: there is no element 10",
		inSource(`[{"op":"patch","key":0,"diff":[{"op":"patch","key":0,"diff":[]}]}]`):        "at /cells/0/source: a character cannot be patched",
	} {
		_, err := Patch(d, []byte(ops))
		if !errors.Is(err, ErrPatch) || err.Error() != "the operations do not fit this notebook: "+want {
			t.Errorf("%s: %v, not %q", ops, err, want)
		}
	}
}

func TestPatchTakesCharacters(t *testing.T) {
	d := readDocument(t, cellJSON(4, `{"cell_type":"raw","metadata":{},"source":"a😀b\nend"}`, `{}`))
	got, err := Patch(d, []byte(`[{"op":"patch","key":"cells","diff":[{"op":"patch","key":0,"diff":[{"op":"patch","key":"source","diff":[
		{"op":"patch","key":0,"diff":[{"op":"addrange","key":1,"valuelist":"xy"},{"op":"removerange","key":1,"length":1}]}]}]}]}]`))
	if err != nil || got.cells[0].str("source") != "axyb\nend" {
		t.Errorf("%v %q", err, got.cells[0].str("source"))
	}
}

// TestHTMLHoldsNoMarkupOfTheNotebook puts markup wherever a notebook may hold text.
func TestHTMLHoldsNoMarkupOfTheNotebook(t *testing.T) {
	const evil = `<script>alert(1)</script><img src=x onerror=alert(1)>\"'`
	cell := `{"cell_type":"%[1]s","id":"%[1]s","metadata":{"%[1]s":"%[1]s"},"source":"%[1]s%[2]s","execution_count":null,"attachments":{"%[1]s":{"image/svg+xml":"%[1]s"}},
		"outputs":[{"output_type":"display_data","metadata":{},"data":{"text/html":"%[1]s"}},{"output_type":"display_data","metadata":{},"data":{"image/png":"%[1]s"}},
		{"output_type":"%[1]s","name":"%[1]s","text":"%[1]s"},{"output_type":"error","ename":"%[1]s","evalue":"%[1]s","traceback":["%[1]s"]},{"output_type":"display_data","metadata":{},"data":{"image/svg+xml":"%[1]s"}}]}`
	a := readDocument(t, cellJSON(5, fmt.Sprintf(cell, evil, "1"), `{"%k":1}`))
	b := readDocument(t, cellJSON(5, fmt.Sprintf(cell, evil, "2")+","+fmt.Sprintf(cell, evil+"2", "3"), `{"`+evil+`":"`+evil+`"}`))
	for _, pair := range [][2]*Document{{a, b}, {b, a}, {Empty(), a}, {a, Empty()}} {
		var page strings.Builder
		if err := Compare(pair[0], pair[1], Options{}).WriteHTML(&page, HTMLOptions{Title: "<script>", From: "<img src=1>", To: "<b>", Context: 3}); err != nil {
			t.Fatal(err)
		}
		text := page.String()
		_, body, _ := strings.Cut(text, "</style>")
		for _, bad := range []string{"<script", "<img src", "<svg", "%!", "<b>d"} {
			if strings.Contains(body, bad) {
				t.Errorf("the page holds %s", bad)
			}
		}
		if !strings.Contains(text, `content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`) {
			t.Error("the page forbids nothing")
		}
		if strings.Count(body, "<section") != strings.Count(body, "</section>") || strings.Count(body, "<table") != strings.Count(body, "</table>") {
			t.Error("the page is not closed")
		}
	}
}

func TestHTMLShowsBitmaps(t *testing.T) {
	output := `{"cell_type":"code","id":"a","metadata":{},"source":"x","execution_count":null,"outputs":[{"output_type":"display_data","metadata":{},"data":{"image/png":"%s\n"}}]}`
	a, b := readDocument(t, cellJSON(5, fmt.Sprintf(output, "AAAA"), `{}`)), readDocument(t, cellJSON(5, fmt.Sprintf(output, "BBBB"), `{}`))
	var page strings.Builder
	if err := Compare(a, b, Options{}).WriteHTML(&page, HTMLOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<img alt="before" src="data:image/png;base64,AAAA">`, `<img alt="after" src="data:image/png;base64,BBBB">`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}

// nbdime returns a Python that has the real nbdime. Where it cannot be had the
// test is skipped, but never when CI is set.
func nbdime(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: the real nbdime is left out")
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), "../../scripts/nbdime.sh")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI compares with the real nbdime: %v\n%s", err, stderr.String())
		}
		t.Skipf("SKIPPED: the real nbdime cannot be had here: %v\n%s", err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// TestNbdimeAppliesOurOperations lets the real nbdime patch with what JSON
// returns, and Patch with what the real nbdime finds.
func TestNbdimeAppliesOurOperations(t *testing.T) {
	t.Parallel()
	python := nbdime(t)
	dir := t.TempDir()
	var args []string
	pairs := pairsOf(t, 300)
	for i, p := range pairs {
		a, b := readDocument(t, p[0]), readDocument(t, p[1])
		base := filepath.Join(dir, strconv.Itoa(i))
		for ext, data := range map[string][]byte{".a": a.Bytes(), ".b": b.Bytes(), ".ops": Compare(a, b, Options{}).JSON()} {
			if err := os.WriteFile(base+ext, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, base)
	}
	const program = `
import json, sys, nbformat
from nbdime import patch_notebook, diff_notebooks
from nbdime.diff_utils import to_diffentry_dicts
for base in sys.argv[1:]:
    a, b = (nbformat.read(base + ext, as_version=4) for ext in (".a", ".b"))
    got = patch_notebook(a, to_diffentry_dicts(json.load(open(base + ".ops", encoding="utf8"))))
    if got != b:
        sys.exit("%s: %s is not %s" % (base, json.dumps(got), json.dumps(b)))
    json.dump(diff_notebooks(a, b), open(base + ".theirs", "w", encoding="utf8"))
`
	if out, err := exec.CommandContext(t.Context(), python, append([]string{"-W", "ignore", "-c", program}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, p := range pairs {
		ops, err := os.ReadFile(args[i] + ".theirs")
		if err != nil {
			t.Fatal(err)
		}
		got, err := Patch(readDocument(t, p[0]), ops)
		if err != nil {
			t.Errorf("pair %d: %v\n%s", i, err, ops)
		} else if diff := cmp.Diff(string(readDocument(t, p[1]).Bytes()), string(got.Bytes())); diff != "" {
			t.Errorf("pair %d: %s", i, diff)
		}
	}
}

// TestNothingReachesTheTerminal puts what would move a cursor or turn text round
// wherever a notebook may hold text.
func TestNothingReachesTheTerminal(t *testing.T) {
	const evil = `\u001b]0;x\u0007\r\u009b1A\u202e`
	cell := `{"cell_type":"code","id":"` + evil + `","metadata":{"` + evil + `":"` + evil + `"},"source":"` + evil + `%s","execution_count":null,"outputs":[
		{"output_type":"` + evil + `","name":"` + evil + `","text":"` + evil + `"},{"output_type":"error","ename":"` + evil + `","evalue":"` + evil + `","traceback":[]}]}`
	a, b := readDocument(t, cellJSON(5, fmt.Sprintf(cell, "1"), `{}`)), readDocument(t, cellJSON(5, fmt.Sprintf(cell, "2"), `{"`+evil+`":{"k":"`+evil+`"}}`))
	var out strings.Builder
	for _, pair := range [][2]*Document{{a, b}, {b, a}, {Empty(), a}, {a, Empty()}} {
		for _, words := range []bool{false, true} {
			if err := Compare(pair[0], pair[1], Options{}).WriteText(&out, TextOptions{From: "a", To: "b", Words: words}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Text(&out); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexAny(out.String(), "\x1b\x07\r\u009b\u202e"); i >= 0 {
		t.Errorf("%q", out.String()[max(0, i-100):])
	}
}
