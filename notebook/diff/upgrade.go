package diff

import "github.com/slipway-cd/slipway/notebook"

// upgrade makes a notebook of format v4 of an older one. The sources are those
// that package notebook reads; outputs keep what they hold under v4's names.
func upgrade(root *value, nb *notebook.Notebook) *value {
	old := oldCells(root)
	cells := make([]*value, len(nb.Cells))
	for i, cell := range nb.Cells {
		var from *value
		if len(old) == len(nb.Cells) {
			from = old[i]
		}
		cells[i] = upgradeCell(from, cell)
	}
	meta := root.get("metadata")
	if meta == nil || meta.kind != kindObject {
		meta = newObject()
	}
	return newObject().with("cells", newList(cells...)).with("metadata", meta).
		with("nbformat", newNumber("4")).with("nbformat_minor", newNumber("0"))
}

func oldCells(root *value) []*value {
	cells := root.list("cells")
	for _, sheet := range root.list("worksheets") {
		cells = append(cells, sheet.list("cells")...)
	}
	return cells
}

func upgradeCell(old *value, cell notebook.Cell) *value {
	meta := old.get("metadata")
	if meta == nil || meta.kind != kindObject {
		meta = newObject()
	}
	out := newObject().with("cell_type", newText(string(cell.Type))).with("metadata", meta).with("source", newLines(cell.Source))
	if cell.Type != notebook.Code {
		return out
	}
	count := null
	if n := old.get("prompt_number"); n != nil {
		count = n
	}
	outputs := old.list("outputs")
	upgraded := make([]*value, len(outputs))
	for i, o := range outputs {
		upgraded[i] = upgradeOutput(o)
	}
	return out.with("execution_count", count).with("outputs", newList(upgraded...))
}

// upgradeOutput gives an output the shape of v4: a stream, an error, or data
// under mime types.
func upgradeOutput(old *value) *value {
	switch kind := old.str("output_type"); kind {
	case "pyerr":
		return old.with("output_type", newText("error"))
	case "pyout", "display_data":
		out, data := newObject().with("output_type", newText("display_data")), newObject()
		if kind == "pyout" {
			out = out.with("output_type", newText("execute_result"))
		}
		for i, key := range old.keys {
			if mime, ok := mimeOf(key); ok {
				data = data.with(mime, old.kids[i])
			} else if key == "metadata" {
				out = out.with(key, old.kids[i])
			}
		}
		return out.with("data", data)
	case "stream":
		return old.with("name", old.get("stream")).with("stream", nil)
	}
	return old
}

// mimeOf translates the short names of v3.
func mimeOf(key string) (string, bool) {
	switch key {
	case "text":
		return "text/plain", true
	case "html", "latex":
		return "text/" + key, true
	case "png", "jpeg":
		return "image/" + key, true
	case "svg":
		return "image/svg+xml", true
	case "javascript", "json", "pdf":
		return "application/" + key, true
	}
	return "", false
}
