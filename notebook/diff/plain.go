package diff

import (
	"bufio"
	"fmt"
	"io"
)

// Text writes the notebook as lines that git can compare: the cells with their
// sources, and outputs and metadata in short. Places and execution counts are
// left out, so that a line stays as it is when a cell before it comes or goes.
func (d *Document) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, cell := range d.cells {
		textCell(b, cell)
	}
	fmt.Fprintln(b, "--- notebook ---")
	textMembers(b, d.root.with("cells", nil), "")
	return b.Flush()
}

func textCell(w io.Writer, cell *value) {
	title := cell.str("cell_type")
	if id := cell.str("id"); id != "" {
		title += " [" + id + "]"
	}
	fmt.Fprintf(w, "--- %s ---\n", oneRow(title))
	if source := cell.str("source"); source != "" {
		fmt.Fprintln(w, clean(source))
	}
	for _, out := range cell.list("outputs") {
		fmt.Fprintf(w, "--- output %s: %s\n", oneRow(outputType(out)), summaryOfOutput(out).Text)
	}
	if meta := cell.get("metadata"); meta != nil && len(meta.kids) > 0 {
		textMembers(w, newObject().with("metadata", meta), "--- ")
	}
	if files := cell.get("attachments"); files != nil {
		textMembers(w, newObject().with("attachments", files), "--- ")
	}
	fmt.Fprintln(w)
}

// textMembers writes what an object holds, a line each.
func textMembers(w io.Writer, v *value, before string) {
	for i, key := range v.keys {
		if kid := v.kids[i]; kid.kind == kindObject && len(kid.kids) > 0 {
			textMembers(w, kid, before+key+".")
		} else {
			fmt.Fprintf(w, "%s: %s\n", oneRow(before+key), summary(key, kid).Text)
		}
	}
}
