package diff

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway/notebook"
)

// A draft is a notebook that the tests make and edit.
type draft struct {
	minor    int
	cells    []draftCell
	metadata map[string]string
}

type draftCell struct {
	id, kind, source string
	count            int
	tags, outputs    []string
	attachment       string
}

func (d draft) document(t interface{ Fatal(...any) }) *Document {
	doc, err := Read(d.bytes())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// bytes is the draft as Jupyter writes it.
func (d draft) bytes() []byte {
	cells := newList()
	for _, c := range d.cells {
		cells.kids = append(cells.kids, c.value(d.minor))
	}
	meta := newObject()
	for key, v := range d.metadata {
		meta = meta.with(key, newText(v))
	}
	root := newObject().with("cells", cells).with("metadata", meta).
		with("nbformat", newNumber("4")).with("nbformat_minor", newNumber(strconv.Itoa(d.minor)))
	return newDocument(root, &jupyter).Bytes()
}

func (c draftCell) value(minor int) *value {
	meta := newObject()
	if len(c.tags) > 0 {
		tags := newList()
		for _, tag := range c.tags {
			tags.kids = append(tags.kids, newText(tag))
		}
		meta = meta.with("tags", tags)
	}
	v := newObject().with("cell_type", newText(c.kind)).with("metadata", meta).with("source", newLines(c.source))
	if minor >= 5 {
		v = v.with("id", newText(c.id))
	}
	if c.kind != "code" {
		if c.attachment != "" {
			v = v.with("attachments", newObject().with("a.png", newObject().with("image/png", newText(c.attachment))))
		}
		return v
	}
	outputs := newList()
	for _, text := range c.outputs {
		outputs.kids = append(outputs.kids, newObject().with("output_type", newText("stream")).with("name", newText("stdout")).with("text", newLines(text)))
	}
	v = v.with("outputs", outputs).with("execution_count", null)
	if c.count > 0 {
		v = v.with("execution_count", newNumber(strconv.Itoa(c.count)))
	}
	return v
}

func drawSource(t *rapid.T) string {
	line := rapid.SampledFrom([]string{
		"x = 1\n", "y = x + 1\n", "print(x, y)\n", "import pandas as pd\n", "df = spark.table('traffic')\n", "\n", "é日本\n",
		"<<<<<<< ours\n", "=======\n", "a\rb\n", "z\u2028\n", "\ud7ff", "tail",
	})
	var b bytes.Buffer
	for _, l := range rapid.SliceOfN(line, 0, 6).Draw(t, "source") {
		b.WriteString(l)
	}
	return b.String()
}

func drawCell(t *rapid.T, id string) draftCell {
	c := draftCell{id: id, kind: rapid.SampledFrom([]string{"code", "code", "markdown", "raw"}).Draw(t, "type"), source: drawSource(t)}
	c.count = rapid.IntRange(0, 9).Draw(t, "count")
	c.tags = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID).Draw(t, "tags")
	c.outputs = rapid.SliceOfN(rapid.SampledFrom([]string{"1\n", "2\n3\n", "", "end"}), 0, 3).Draw(t, "outputs")
	c.attachment = rapid.SampledFrom([]string{"", "", "AAAA", "BBBB"}).Draw(t, "attachment")
	return c
}

func drawMetadata(t *rapid.T) map[string]string {
	return rapid.MapOfN(rapid.SampledFrom([]string{"k", "l", "m"}), rapid.SampledFrom([]string{"1", "2"}), 0, 3).Draw(t, "metadata")
}

func drawDraft(t *rapid.T) draft {
	d := draft{minor: rapid.IntRange(4, 5).Draw(t, "minor"), metadata: drawMetadata(t)}
	for i := range rapid.IntRange(0, 8).Draw(t, "cells") {
		d.cells = append(d.cells, drawCell(t, fmt.Sprintf("base%d", i)))
	}
	return d
}

// edited is a draft after a few changes. New cells get ids that begin with name.
func edited(t *rapid.T, d draft, name string) draft {
	out := d
	out.cells = append([]draftCell(nil), d.cells...)
	for i := range rapid.IntRange(0, 6).Draw(t, "changes") {
		at := rapid.IntRange(0, len(out.cells)).Draw(t, "at")
		what := rapid.SampledFrom([]string{"add", "remove", "edit", "run", "tag", "move", "metadata", "format", "replace"}).Draw(t, "what")
		switch {
		case what == "add":
			cell := drawCell(t, fmt.Sprintf("%s%d", name, i))
			out.cells = append(out.cells[:at:at], append([]draftCell{cell}, out.cells[at:]...)...)
		case what == "metadata":
			out.metadata = drawMetadata(t)
		case what == "format":
			out.minor = rapid.IntRange(4, 5).Draw(t, "minor")
		case at == len(out.cells):
		case what == "remove":
			out.cells = append(out.cells[:at:at], out.cells[at+1:]...)
		case what == "edit":
			out.cells[at].source += drawSource(t)
		case what == "run":
			out.cells[at].outputs, out.cells[at].count = []string{drawSource(t)}, rapid.IntRange(1, 99).Draw(t, "count")
		case what == "tag":
			out.cells[at].tags = drawCell(t, "").tags
		case what == "move":
			to := rapid.IntRange(0, len(out.cells)-1).Draw(t, "to")
			cell := out.cells[at]
			rest := append(out.cells[:at:at], out.cells[at+1:]...)
			out.cells = append(rest[:to:to], append([]draftCell{cell}, rest[to:]...)...)
		case what == "replace":
			out.cells[at] = drawCell(t, out.cells[at].id)
		}
	}
	return out
}

func TestPatchOfADiffGivesTheSecondNotebook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawDraft(t)
		b := edited(t, a, "b")
		if rapid.Bool().Draw(t, "unrelated") {
			b = drawDraft(t)
		}
		docA, docB := a.document(t), b.document(t)
		d := Compare(docA, docB, Options{})
		if d.Empty() != docA.Equal(docB) {
			t.Fatalf("empty: %v", d.Empty())
		}
		if d.Empty() != (len(d.Cells)+len(d.Notebook) == 0) {
			t.Fatalf("what is shown does not match the operations: %+v", d)
		}
		got, err := Patch(docA, d.JSON())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(b.bytes()), string(got.Bytes())); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestMergeWithOneSideGivesThatSide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := drawDraft(t)
		docBase, docA := base.document(t), edited(t, base, "a").document(t)
		for name, m := range map[string]merger{
			"only ours":   {base: docBase, ours: docA, theirs: docBase},
			"only theirs": {base: docBase, ours: docBase, theirs: docA},
			"the same":    {base: docBase, ours: docA, theirs: docA},
		} {
			// The long way round: Merge itself sees that nothing is to be merged.
			if got := m.merge(); !got.Equal(docA) || len(m.conflicts) > 0 {
				t.Fatalf("%s: %v\n%s", name, m.conflicts, Compare(docA, got, Options{}).JSON())
			}
			got, conflicts, err := Merge(m.base, m.ours, m.theirs, Labels{})
			if err != nil || len(conflicts) > 0 || !bytes.Equal(got.Bytes(), docA.Bytes()) {
				t.Fatalf("%s: %v %v\n%s", name, err, conflicts, got.Bytes())
			}
		}
	})
}

func TestMergedNotebookIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := drawDraft(t)
		a, b := edited(t, base, "a"), edited(t, base, "b")
		docBase, docA, docB := base.document(t), a.document(t), b.document(t)
		got, conflicts, err := Merge(docBase, docA, docB, Labels{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := notebook.ReadStrict(got.Bytes()); err != nil {
			t.Fatalf("%v\n%s", err, got.Bytes())
		}
		again, err := Read(got.Bytes())
		if err != nil || !again.Equal(got) {
			t.Fatalf("it is another one when it is read: %v", err)
		}
		unique(t, got)
		_, mirrored, err := Merge(docBase, docB, docA, Labels{})
		if err != nil || len(mirrored) != len(conflicts) {
			t.Fatalf("%d conflicts, %d with the sides swapped: %v %v", len(conflicts), len(mirrored), conflicts, mirrored)
		}
	})
}

// unique checks that no cell of format v4.5 is without an id of its own, and none
// of an older format with one.
func unique(t *rapid.T, d *Document) {
	t.Helper()
	seen := map[string]bool{}
	for i, cell := range d.cells {
		id := cell.str("id")
		if (minor(d.root) >= 5) != (id != "") {
			t.Fatalf("format 4.%d, cell %d has the id %q", minor(d.root), i+1, id)
		}
		if id != "" && seen[id] {
			t.Fatalf("two cells have the id %q", id)
		}
		seen[id] = true
	}
}

func TestMergeLosesNoLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := drawDraft(t)
		base.minor = 5
		a, b := base, base
		a.cells, b.cells = append([]draftCell(nil), base.cells...), append([]draftCell(nil), base.cells...)
		want := map[string]bool{}
		for i, d := range []draft{a, b} {
			for j := range d.cells {
				if rapid.Bool().Draw(t, "edit") {
					mark := fmt.Sprintf("mark %d %d", i, j)
					want[mark] = true
					d.cells[j].source += "\n" + mark
				}
			}
		}
		got, _, err := Merge(base.document(t), a.document(t), b.document(t), Labels{})
		if err != nil {
			t.Fatal(err)
		}
		for mark := range want {
			if !bytes.Contains(got.Bytes(), []byte(mark)) {
				t.Fatalf("%q is gone:\n%s", mark, got.Bytes())
			}
		}
	})
}
