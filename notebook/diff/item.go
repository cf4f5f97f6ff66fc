package diff

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An Item is one thing that differs and is shown in short.
type Item struct {
	// Op is '+', '-' or '~'.
	Op byte
	// Path says what it is, as in metadata.tags or "output 2 text/plain".
	Path string
	// From and To are what it was and is; the one that there is not is empty.
	From, To Summary
}

// A Summary is a value in short.
type Summary struct {
	Text string
	// Image is the value as a data URL, where it is an image.
	Image string
}

// notebookItems are the operations outside of the cells.
func notebookItems(ops []op) []Item {
	var items []Item
	for _, o := range ops {
		if o.key != "cells" {
			items = appendItem(items, "", o)
		}
	}
	return items
}

// cellItems are the operations on a cell, but for its source.
func cellItems(ops []op) (outputs, details []Item) {
	for _, o := range ops {
		switch {
		case o.key == "outputs" && o.op == "patch":
			outputs = appendOutputs(outputs, o)
		case o.key == "outputs":
			outputs = appendItem(outputs, "", o)
		case o.key != "source":
			details = appendItem(details, "", o)
		}
	}
	return outputs, details
}

// wholeOutputs are the outputs of a cell that came or went.
func wholeOutputs(cell *value, op byte) []Item {
	var items []Item
	for i, out := range cell.list("outputs") {
		item := Item{Op: op, Path: outputName(i, out)}
		if item.To = summaryOfOutput(out); op == '-' {
			item.From, item.To = item.To, Summary{}
		}
		items = append(items, item)
	}
	return items
}

// appendOutputs names outputs by their place and type.
func appendOutputs(items []Item, o op) []Item {
	before := o.from.kids
	for _, one := range o.diff {
		switch one.op {
		case "addrange":
			for _, out := range one.values {
				items = append(items, Item{Op: '+', Path: "output " + outputType(out), To: summaryOfOutput(out)})
			}
		case "removerange":
			for i, out := range before[one.index : one.index+one.length] {
				items = append(items, Item{Op: '-', Path: outputName(one.index+i, out), From: summaryOfOutput(out)})
			}
		default:
			for _, inner := range one.diff {
				items = appendItem(items, outputName(one.index, before[one.index])+" ", inner)
			}
		}
	}
	return items
}

func outputName(i int, out *value) string {
	return "output " + strconv.Itoa(i+1) + " " + outputType(out)
}

func outputType(out *value) string {
	if kind := out.str("output_type"); kind != "" {
		return kind
	}
	return "of no type"
}

// summaryOfOutput shows an output by the richest of its data.
func summaryOfOutput(out *value) Summary {
	if text := out.get("text"); text != nil {
		return summary("text", text)
	}
	if name := out.get("ename"); name != nil {
		return Summary{Text: oneRow(out.str("ename") + ": " + short(out.str("evalue")))}
	}
	data := out.get("data")
	for _, mime := range []string{"image/png", "image/jpeg", "text/plain"} {
		if v := data.get(mime); v != nil {
			return summaryOf(mime, v)
		}
	}
	if data != nil && data.kind == kindObject && len(data.kids) > 0 {
		return summaryOf(data.keys[0], data.kids[0])
	}
	return Summary{}
}

// summaryOf is a summary with the mime type, which for text goes without saying.
func summaryOf(mime string, v *value) Summary {
	s := summary(mime, v)
	if mime != "text/plain" {
		s.Text = mime + " " + s.Text
	}
	return s
}

// appendItem appends what an operation says, and what those within it say.
func appendItem(items []Item, path string, o op) []Item {
	at := path + o.key
	switch {
	case o.op == "patch" && o.to.kind == kindObject:
		for _, inner := range o.diff {
			items = appendItem(items, at+".", inner)
		}
	case o.from == nil:
		items = append(items, Item{Op: '+', Path: at, To: summary(o.key, o.to)})
	case o.to == nil:
		items = append(items, Item{Op: '-', Path: at, From: summary(o.key, o.from)})
	default:
		items = append(items, Item{Op: '~', Path: at, From: summary(o.key, o.from), To: summary(o.key, o.to)})
	}
	return items
}

// maxShort is how many characters of a value are shown.
const maxShort = 60

// summary shows a value, whose key or mime type is known, on one line.
func summary(key string, v *value) Summary {
	switch {
	case strings.HasPrefix(key, "image/") && v.kind == kindText:
		return imageSummary(key, v)
	case v.kind == kindText:
		return Summary{Text: textSummary(v)}
	case v.kind < kindText:
		return Summary{Text: v.text}
	}
	w := &writer{joined: true, style: &style{flat: true, comma: ", ", colon: ": "}}
	w.value(v, 0)
	s := w.String()
	if utf8.RuneCountInString(s) > maxShort {
		s = short(s) + fmt.Sprintf(" (%s, #%08x)", size(len(s)), uint32(v.hash()))
	}
	return Summary{Text: s}
}

// textSummary quotes a text that is short, and counts the lines of one that is not.
func textSummary(v *value) string {
	text := strings.TrimSuffix(v.text, "\n")
	if lines := strings.Count(text, "\n") + 1; lines > 1 {
		first, _, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n")
		return fmt.Sprintf("%s (%d lines, #%08x)", quoted(short(first)), lines, uint32(v.hash()))
	}
	if utf8.RuneCountInString(text) > maxShort {
		return fmt.Sprintf("%s (%s, #%08x)", quoted(short(text)), size(len(text)), uint32(v.hash()))
	}
	return quoted(v.text)
}

func quoted(s string) string {
	w := &writer{style: &jupyter}
	w.quote(s)
	return clean(w.String())
}

// clean replaces what would do something to a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || 0x7f <= r && r < 0xa0 || 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// oneRow is a clean text on one line.
func oneRow(s string) string { return strings.ReplaceAll(clean(s), "\n", " ") }

// short cuts a text to what is shown.
func short(s string) string {
	if runes := []rune(s); len(runes) > maxShort {
		return string(runes[:maxShort-1]) + "…"
	}
	return s
}

func size(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1000_000)
}

// imageSummary tells an image's size, and takes it along if it is one of those
// that cannot do anything.
func imageSummary(mime string, v *value) Summary {
	packed := strings.Join(strings.Fields(v.text), "")
	data, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		return Summary{Text: fmt.Sprintf("%s, #%08x", size(len(v.text)), uint32(v.hash()))}
	}
	s := Summary{Text: fmt.Sprintf("%s, #%08x", size(len(data)), uint32(v.hash()))}
	switch mime {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		s.Image = "data:" + mime + ";base64," + packed
	}
	return s
}
