package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMergeText(t *testing.T) {
	for _, c := range []struct {
		name, base, ours, theirs, want string
		conflict                       bool
	}{
		{name: "nobody", base: "a", ours: "a", theirs: "a", want: "a"},
		{name: "ours", base: "a", ours: "b", theirs: "a", want: "b"},
		{name: "theirs", base: "a", ours: "a", theirs: "b", want: "b"},
		{name: "both the same", base: "a", ours: "b", theirs: "b", want: "b"},
		{name: "apart", base: "1\n2\n3", ours: "x\n2\n3", theirs: "1\n2\ny", want: "x\n2\ny"},
		{name: "appended and changed", base: "1\n2\n3", ours: "1\n2\n3\n4", theirs: "x\n2\n3", want: "x\n2\n3\n4"},
		{name: "in front and behind", base: "1", ours: "0\n1", theirs: "1\n2", want: "0\n1\n2"},
		{name: "the same addition and one more", base: "1\n2\n3", ours: "1\na\n2\n3", theirs: "1\na\n2\n3\nb", want: "1\na\n2\n3\nb"},
		{name: "the same line", base: "a", ours: "b", theirs: "c", want: "<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs", conflict: true},
		{name: "next to each other", base: "1\n2", ours: "x\n2", theirs: "1\ny", want: "<<<<<<< ours\nx\n2\n=======\n1\ny\n>>>>>>> theirs", conflict: true},
		{name: "only what differs", base: "1\n2", ours: "a\nb\nz", theirs: "a\nc\nz", want: "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\nz", conflict: true},
		{name: "removed and changed", base: "1\n2\n3", ours: "1\n3", theirs: "1\nx\n3", want: "1\n<<<<<<< ours\n=======\nx\n>>>>>>> theirs\n3", conflict: true},
		{name: "from nothing", base: "", ours: "a", theirs: "b", want: "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs", conflict: true},
	} {
		got, conflict := mergeText(c.base, c.ours, c.theirs, Labels{})
		if diff := cmp.Diff(c.want, got); diff != "" || conflict != c.conflict {
			t.Errorf("%s: conflict %v %s", c.name, conflict, diff)
		}
	}
}

// sketchy reads a notebook written as "id=source" words; + before the id makes
// it run, and the number of the word is then its count.
func sketchy(t *testing.T, text string) *Document {
	t.Helper()
	d := draft{minor: 5}
	for i, word := range strings.Fields(text) {
		id, source, _ := strings.Cut(word, "=")
		cell := draftCell{kind: "code", source: strings.ReplaceAll(source, "/", "\n")}
		if cell.id = strings.TrimPrefix(id, "+"); cell.id != id {
			cell.count, cell.outputs = i+1, []string{"ran " + source}
		}
		d.cells = append(d.cells, cell)
	}
	return d.document(t)
}

// sketched is the other way round; what ran is shown by its output.
func sketched(d *Document) string {
	var words []string
	for _, cell := range d.cells {
		var word strings.Builder
		word.WriteString(cell.str("id") + "=" + strings.ReplaceAll(cell.str("source"), "\n", "/"))
		for _, out := range cell.list("outputs") {
			word.WriteString("(" + out.str("text") + ")")
		}
		words = append(words, strings.ReplaceAll(word.String(), " ", "_"))
	}
	return strings.Join(words, " ")
}

func TestMergeCells(t *testing.T) {
	for _, c := range []struct{ name, base, ours, theirs, want, conflicts string }{
		{name: "other cells", base: "a=1 b=2", ours: "a=x b=2", theirs: "a=1 b=y", want: "a=x b=y"},
		{name: "added at one place", base: "a=1 b=2", ours: "a=1 o=new b=2", theirs: "a=1 t=other b=2", want: "a=1 o=new t=other b=2"},
		{name: "added at the start", base: "a=1", ours: "o=new a=1", theirs: "t=other a=1", want: "o=new t=other a=1"},
		{name: "added twice, the same", base: "a=1", ours: "a=1 o=the_same", theirs: "a=1 t=the_same", want: "a=1 o=the_same"},
		{name: "removed", base: "a=1 b=2 c=3", ours: "a=1 c=3", theirs: "a=1 b=2 c=x", want: "a=1 c=x"},
		{name: "removed by both", base: "a=1 b=2", ours: "a=1", theirs: "a=1", want: "a=1"},
		{name: "removed, and only run", base: "a=1 b=2", ours: "a=1", theirs: "a=1 +b=2", want: "a=1"},
		{name: "moved by us, changed by them", base: "a=11 b=22 c=33", ours: "c=33 a=11 b=22", theirs: "a=11 b=22 c=x", want: "c=x a=11 b=22"},
		{name: "moved by them, changed by us", base: "a=11 b=22 c=33", ours: "a=11 b=22 c=x", theirs: "c=33 a=11 b=22", want: "c=x a=11 b=22"},
		{name: "moved by both", base: "a=1 b=2 c=3 d=4", ours: "d=4 a=1 b=2 c=3", theirs: "a=1 d=4 b=2 c=3", want: "d=4 a=1 b=2 c=3"},
		{name: "run by them", base: "a=1", ours: "a=1", theirs: "+a=1", want: "a=1(ran_1)"},
		{name: "run by both", base: "a=1 b=2", ours: "+a=1 b=2", theirs: "b=2 +a=1", want: "b=2 a=1(ran_1)"},
		{name: "changed and run by us, run by them", base: "a=1", ours: "+a=x", theirs: "+a=1", want: "a=x(ran_x)"},
		{name: "changed by us, run by them", base: "a=1", ours: "a=x", theirs: "+a=1", want: "a=x"},
		{name: "merged source, run by nobody", base: "a=1/2/3", ours: "+a=x/2/3", theirs: "+a=1/2/y", want: "a=x/2/y"},
		{
			name: "the same line", base: "a=1", ours: "+a=x", theirs: "+a=y",
			want: "a=<<<<<<<_ours/x/=======/y/>>>>>>>_theirs", conflicts: "cell 1 [a]: both sides changed the same lines",
		},
		{
			name: "removed by us, changed by them", base: "a=1 b=2", ours: "a=1", theirs: "a=1 +b=x",
			want: "a=1 b=<<<<<<<_ours_(removed)/=======/x/>>>>>>>_theirs", conflicts: "cell 2 [b]: we removed it, they changed it",
		},
		{
			name: "changed by us, removed by them", base: "a=1 b=2", ours: "a=1 b=x", theirs: "a=1",
			want: "a=1 b=<<<<<<<_ours/x/=======/>>>>>>>_theirs_(removed)", conflicts: "cell 2 [b]: we changed it, they removed it",
		},
		{name: "everything at once", base: "a=1 b=2 c=3 d=4", ours: "n=new d=4 a=1 b=x", theirs: "a=1 b=2 c=3 t=their d=y", want: "n=new d=y a=1 b=x t=their"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, conflicts, err := Merge(sketchy(t, c.base), sketchy(t, c.ours), sketchy(t, c.theirs), Labels{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, sketched(got)); diff != "" {
				t.Error(diff)
			}
			var said []string
			for _, conflict := range conflicts {
				said = append(said, conflict.String())
			}
			if diff := cmp.Diff(c.conflicts, strings.Join(said, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// cellJSON is a notebook of one cell.
func cellJSON(minor int, cell, metadata string) string {
	return fmt.Sprintf(`{"cells":[%s],"metadata":%s,"nbformat":4,"nbformat_minor":%d}`, cell, metadata, minor)
}

func TestMergeOfTheRestNeverConflicts(t *testing.T) {
	markdown := `{"cell_type":"markdown","metadata":%s,"source":"x"}`
	for _, c := range []struct{ name, base, ours, theirs, want string }{
		{
			name:   "metadata, key by key",
			base:   cellJSON(4, fmt.Sprintf(markdown, `{"a":1,"b":{"c":1,"d":1},"gone":1}`), `{}`),
			ours:   cellJSON(4, fmt.Sprintf(markdown, `{"a":2,"b":{"c":2,"d":1}}`), `{"k":"ours"}`),
			theirs: cellJSON(4, fmt.Sprintf(markdown, `{"a":3,"b":{"c":1,"d":3},"gone":1,"new":1}`), `{"k":"theirs","l":1}`),
			want:   cellJSON(4, fmt.Sprintf(markdown, `{"a":2,"b":{"c":2,"d":3},"new":1}`), `{"k":"ours","l":1}`),
		},
		{
			name:   "tags, as a set",
			base:   cellJSON(4, fmt.Sprintf(markdown, `{"tags":["a","b"]}`), `{}`),
			ours:   cellJSON(4, fmt.Sprintf(markdown, `{"tags":["b","o"]}`), `{}`),
			theirs: cellJSON(4, fmt.Sprintf(markdown, `{"tags":["a","t"]}`), `{}`),
			want:   cellJSON(4, fmt.Sprintf(markdown, `{"tags":["o","t"]}`), `{}`),
		},
		{
			name:   "the format, and an id that it needs",
			base:   cellJSON(4, fmt.Sprintf(markdown, `{}`), `{}`),
			ours:   cellJSON(4, fmt.Sprintf(markdown, `{"o":1}`), `{}`),
			theirs: cellJSON(5, fmt.Sprintf(markdown, `{"t":1}`), `{}`),
			want:   cellJSON(5, `{"cell_type":"markdown","id":"207a715a","metadata":{"o":1,"t":1},"source":"x"}`, `{}`),
		},
	} {
		got, conflicts, err := Merge(readDocument(t, c.base), readDocument(t, c.ours), readDocument(t, c.theirs), Labels{})
		if err != nil || len(conflicts) > 0 {
			t.Errorf("%s: %v %v", c.name, conflicts, err)
			continue
		}
		if diff := cmp.Diff(c.want, string(got.Bytes())); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestMergeTellsOfAnAttachmentThatBothChanged(t *testing.T) {
	cell := `{"attachments":{"a.png":{"image/png":"%s"}},"cell_type":"markdown","metadata":{},"source":"x"}`
	file := func(data string) *Document { return readDocument(t, cellJSON(4, fmt.Sprintf(cell, data), `{}`)) }
	got, conflicts, err := Merge(file("AAAA"), file("BBBB"), file("CCCC"), Labels{})
	if err != nil || len(conflicts) != 1 || conflicts[0].String() != "cell 1: both sides changed the attachment a.png; ours stayed" {
		t.Fatal(conflicts, err)
	}
	if !got.Equal(file("BBBB")) {
		t.Errorf("%s", got.Bytes())
	}
}
