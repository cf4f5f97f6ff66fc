package main

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/notebook"
)

type (
	object = map[string]any
	array  = []any
)

// A generator makes notebooks of every kind; the same seed makes the same ones.
type generator struct {
	*rand.Rand
	sources []string
}

// newGenerator returns a generator whose cells are made of the verified ones of
// package notebook.
func newGenerator(t *testing.T, seed uint64) *generator {
	t.Helper()
	data, err := os.ReadFile("../../notebook/testdata/cells.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ In string }
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	for _, v := range vectors {
		g.sources = append(g.sources, v.In)
	}
	return g
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// chance is true n times of a hundred.
func (g *generator) chance(n int) bool { return g.IntN(100) < n }

// bits are pieces of sources that the verified cells have few of.
var bits = []string{
	"%time f(x)", "%%time", "%%bash -s a b", "%%sql", "%%writefile a.py", "%matplotlib inline", "%cd ~/a b", "%timeit -n 3 x", "%alias_magic t timeit",
	"!ls -la", "!!ls", "!pip install 'a>1' \"b\"", "x = !ls", "x, y = %who", "x = %env HOME", "obj?", "obj.a??", "?obj", "??obj", "*foo*?", "%lsmagic?", ",f a b", ";f a b", "/f a b",
	"    %indented", "\t!tab", "if x:\n    !ls\nelse:\n    %pwd", "for i in x:\n\tobj?\n", "def f():\n    '''\n    %not\n    !magic\n    '''\n    %magic\n",
	"x = '''\n%a\n!b\n'''", "x = f'{y!r:>{w}}'", "x = f'{a?}'", "f'''{\nx\n}'''\n!ls", "rb'\\x'", "x = (1,\n  !ls\n)", "x = [\n%time\n]", "!echo \\\n  more \\\n  end", "%run \\\n a.py", "x = !ls \\\n -l",
	">>> x = 1\n... y\n2", "In [1]: x\n   ...: y", "  >>> %time f()\n  1", "'''\n>>> a\n'''", "print('a'); !ls", "a = 1;", "# %comment\n!ls", "\\", "\\\n!ls", "x = \\\n  %a", "lambda: 0?", "0x_1 ?", "1_000", "0777", "1e5j", "a if b else c?",
	"async def f():\n    await %x", "match x:\n    case _:\n        !ls", "@dec\n%time", "type X = int\n!ls", "x: int = !ls", "x := !ls", "x == !ls", "x = y = !ls", "x['a'] = !ls", "x.a, *b = %who", "return !ls",
	"\u00e9 = 1", "\u540d\u524d = !ls", "x\u0301?", "\U0001d4d0 = 1\n!ls", "\U0001f600 = 1\n!ls", "\u2028", "\u2029!ls", "a\u0085!b", "x = 1\x0c\n!ls", "\x0b", "\x1c!ls", "a\rb", "a\r\n!ls\r\n", "\x00", "\ufeff!ls", "\u200b!ls", "\u00a0!ls", "\u3000%x", "!echo \u00e9\u00a0\U0001f600\u200d\u0378\ue000", "%%x \u00ad\u061c", "%x \u0600\u1734", "'\ud7ff'", "\u01c5?", "\u0660 = 1", "x\u0660?", "%\u0661", "\u00b2?", "\U000e0100", "\u1885 \u2118 \u00b7\n!ls", "!\U00031350 \U0001fae8 \U0001fadc",
	"", " ", "\n", "\n\n\n", "\t\n \n", "   \n  x", "  x\n y", "\tx\n        y\n!ls", "if x:\n        a\n    b", "if x:\n\ta\n        !b", "x\n\n\n", "))))", "(((", "[}", "'", "'''", "\"\"\"a", "$", "?", "??", "!", "!!", "%", "%%", "`x`", "x = ?", "x = %", "x = !", ", ", "; ;", "/ ",
	"from __future__ import annotations", "{{ cell }} {% raw %}", "<b>&amp;</b>", "# coding: latin-1", "#!/bin/sh", "exit()", "get_ipython().system('x')",
}

// source makes the text of a cell.
func (g *generator) source() string {
	piece := func() string {
		if g.chance(40) {
			return pick(g, g.sources...)
		}
		return pick(g, bits...)
	}
	pieces := []string{piece()}
	for range pick(g, 0, 0, 1, 1, 2, 3, 5, 8) {
		pieces = append(pieces, pick(g, "\n", "\n", "\n", "\n", "\n\n", "\r\n", "", " ", "\n    "), piece())
	}
	text := strings.Join(pieces, "")
	for range pick(g, 0, 0, 0, 0, 1, 2, 4) {
		text = g.mutate(text)
	}
	if g.chance(8) {
		by := pick(g, "  ", "    ", "\t", " \t", ">>> ", "... ", "In [3]: ")
		text = by + strings.ReplaceAll(text, "\n", "\n"+by)
	}
	if g.chance(15) {
		text += pick(g, "\n", "\n\n", " ", "\n  ", ";", "?")
	}
	return text
}

// mutate changes text at one place.
func (g *generator) mutate(text string) string {
	r := []rune(text)
	at := g.IntN(len(r) + 1)
	end := min(len(r), at+g.IntN(3))
	switch g.IntN(3) {
	case 0:
		return string(r[:at]) + string(r[end:])
	case 1:
		return string(r[:end]) + string(r[at:])
	}
	return string(r[:at]) + pick(g, "%", "!", "?", "\n", " ", "\\", "'", "\"", "(", ")", "=", "\t", "\r", "\f", "#", "\u00a0", "\u00e9", "0", "_", ",", "{", "}", "$", "\x1f", "\x7f", "\u2028") + string(r[at:])
}

// lines gives text as files hold it: whole, or as a list of lines.
func (g *generator) lines(text string) any {
	if g.chance(35) {
		return text
	}
	list := array{}
	for text != "" {
		end := strings.IndexByte(text, '\n') + 1
		if end == 0 || g.chance(3) {
			end = len(text)
		}
		list = append(list, text[:end])
		text = text[end:]
	}
	return list
}

var tags = []string{"skip", "hide", "parameters", "a b", "\u00e9", "remove_cell"}

// inOrder goes through a map in the order of its keys, so that the same seed
// makes the same notebooks.
func inOrder[T any](m map[string]T) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

func (g *generator) metadata() object {
	meta := object{}
	if g.chance(30) {
		list := array{}
		for _, i := range g.Perm(len(tags))[:g.IntN(4)] {
			list = append(list, tags[i])
		}
		meta["tags"] = list
	}
	for key, value := range inOrder(object{
		"collapsed": g.chance(50), "scrolled": pick[any](g, true, false, "auto"), "name": "a", "jupyter": object{"source_hidden": true},
		"execution": object{"iopub.status.busy": "2024"}, "slideshow": object{"slide_type": "slide"}, "transient": object{"remove_source": g.chance(50)}, "trusted": true,
	}) {
		if g.chance(5) {
			meta[key] = value
		}
	}
	return meta
}

func (g *generator) count() any { return pick[any](g, nil, 0, 1, 2, 17, 123456, 999999999) }

func (g *generator) output() object {
	return pick(g,
		object{"output_type": "stream", "name": "stdout", "text": g.lines("a\nb\n")},
		object{"output_type": "display_data", "data": object{"text/plain": g.lines("a\nb"), "image/png": "iVBOR"}, "metadata": object{}},
		object{"output_type": "execute_result", "execution_count": g.count(), "data": object{"application/json": object{"a": array{1, nil}}}, "metadata": object{"tags": array{"hide"}}},
		object{"output_type": "error", "ename": "E", "evalue": "", "traceback": array{"a", "b"}},
	)
}

// cell makes a cell of format v4.
func (g *generator) cell(minor int) object {
	c := object{"cell_type": pick(g, "code", "code", "code", "code", "markdown", "raw"), "metadata": g.metadata(), "source": g.lines(g.source())}
	if minor >= 5 && g.chance(90) {
		c["id"] = fmt.Sprintf("cell-%d", g.IntN(1000))
	}
	switch c["cell_type"] {
	case "code":
		c["execution_count"], c["outputs"] = g.count(), array{}
		if g.chance(20) {
			c["outputs"] = array{g.output(), g.output()}
		}
		if g.chance(3) {
			c["transient"] = object{"remove_source": true}
		}
	case "raw":
		if g.chance(40) {
			c["metadata"].(object)["raw_mimetype"] = pick(g, "", "text/x-python", "TEXT/X-Python", "text/html", "text/plain")
		}
	case "markdown":
		if g.chance(10) {
			c["attachments"] = object{"a.png": object{"image/png": "iVBOR"}}
		}
	}
	return c
}

// oldCell makes a cell of formats v2 and v3.
func (g *generator) oldCell(format int) object {
	kind := pick(g, "code", "code", "code", "markdown", "html")
	if format == 3 {
		kind = pick(g, "code", "code", "code", "markdown", "html", "raw", "heading")
	}
	c := object{"cell_type": kind}
	if format == 3 {
		c["metadata"] = object{}
	}
	if kind != "code" {
		c["source"] = g.oldLines(g.source())
		if kind == "heading" && g.chance(80) {
			c["level"] = 1 + g.IntN(7)
		}
		return c
	}
	c["input"], c["language"], c["collapsed"] = g.oldLines(g.source()), "python", g.chance(50)
	c["outputs"] = array{}
	if g.chance(70) {
		c["prompt_number"] = pick[any](g, 0, 1, 22, nil)
	}
	if g.chance(20) {
		c["outputs"] = array{
			object{"output_type": "pyout", "prompt_number": 1, "text": g.oldLines("a\nb"), "json": `{"a": 1}`},
			object{"output_type": "stream", "stream": "stdout", "text": "x"},
			object{"output_type": "pyerr", "ename": "E", "evalue": "", "traceback": array{"a"}},
		}
	}
	return c
}

// oldLines gives text as formats v2 and v3 hold it: lists with line ends or
// without them.
func (g *generator) oldLines(text string) any {
	if g.chance(60) {
		return g.lines(text)
	}
	list := array{}
	for line := range strings.SplitSeq(text, "\n") {
		list = append(list, line)
	}
	return list
}

func repeat[T any](g *generator, one func() T) array {
	list := array{}
	for range pick(g, 0, 1, 1, 2, 3, 5, 8, 12) {
		list = append(list, one())
	}
	return list
}

// notebook makes a notebook of any format.
func (g *generator) notebook() object {
	meta := object{}
	for key, value := range inOrder(object{
		"kernelspec": object{"name": "python3", "display_name": "Python 3", "language": "python"}, "authors": array{object{"name": "a"}}, "title": "\u00e9",
		"language_info": pick(g,
			object{"name": "python", "file_extension": ".py", "nbconvert_exporter": "python", "codemirror_mode": object{"version": 3}},
			object{"name": "python"}, object{"name": "R", "file_extension": ".r", "mimetype": "text/html"}, object{"name": "x", "nbconvert_exporter": "Python"},
			object{"name": "x", "nbconvert_exporter": "script", "file_extension": ""}, object{"name": "x", "nbconvert_exporter": "nosuch"},
		),
	}) {
		if g.chance(50) {
			meta[key] = value
		}
	}
	switch format := pick(g, 4, 4, 4, 4, 4, 4, 3, 3, 2, 1); format {
	case 1:
		return object{"cells": repeat(g, func() object {
			if g.chance(70) {
				return object{"cell_type": "code", "code": g.source(), "prompt_number": g.IntN(9)}
			}
			return object{"cell_type": "text", "text": g.source()}
		})}
	case 2, 3:
		sheet := func() object {
			return object{"metadata": object{}, "cells": repeat(g, func() object { return g.oldCell(format) })}
		}
		nb := object{"nbformat": format, "metadata": object{"name": "x"}, "worksheets": array{sheet()}}
		if g.chance(15) {
			nb["worksheets"] = repeat(g, sheet)
		}
		if format == 3 {
			nb["nbformat_minor"] = 0
		}
		return nb
	default:
		minor := g.IntN(6)
		return object{"nbformat": 4, "nbformat_minor": minor, "metadata": meta, "cells": repeat(g, func() object { return g.cell(minor) })}
	}
}

// Words that stand for what Go's JSON cannot write.
var unspoken = strings.NewReplacer(`"@@NaN@@"`, "NaN", `"@@Infinity@@"`, "-Infinity", "@@D800@@", `\ud800`, "@@DC00@@", `\udc00`, `"@@1.0@@"`, "1.0", `"@@big@@"`, "123456789012345678901234567890")

// broken replaces or takes away one value of a notebook.
func (g *generator) broken(v any) any {
	switch v := v.(type) {
	case object:
		if len(v) > 0 && g.chance(80) {
			if key := pick(g, slices.Sorted(maps.Keys(v))...); g.chance(15) {
				delete(v, key)
			} else {
				v[key] = g.broken(v[key])
			}
			return v
		}
	case array:
		if len(v) > 0 && g.chance(90) {
			i := g.IntN(len(v))
			v[i] = g.broken(v[i])
			return v
		}
	}
	return pick[any](g, nil, true, false, 0, -1, 1, 1.5, "@@1.0@@", "@@big@@", "@@NaN@@", "@@Infinity@@", "", "x", "1", "a,b", "a@@D800@@b", "@@D800@@@@DC00@@", array{}, array{"a", "a"}, array{1}, array{array{}}, object{}, object{"a": 1}, object{"a": "b"})
}

// choices makes the options of a conversion, as nbconvert and as the library
// take them.
func (g *generator) choices() (map[string]map[string]any, notebook.Options) {
	theirs := map[string]map[string]any{"TemplateExporter": {}, "TagRemovePreprocessor": {}, "RegexRemovePreprocessor": {}}
	var ours notebook.Options
	for name, to := range inOrder(map[string]*bool{
		"exclude_input_prompt": &ours.NoPrompt, "exclude_input": &ours.NoInput, "exclude_code_cell": &ours.NoInput, "exclude_markdown": &ours.NoMarkdown, "exclude_raw": &ours.NoRaw,
	}) {
		if g.chance(5) {
			*to, theirs["TemplateExporter"][name] = true, true
		}
	}
	for name, to := range inOrder(map[string]*[]string{
		"remove_cell_tags": &ours.RemoveCellTags, "remove_input_tags": &ours.RemoveInputTags, "remove_all_outputs_tags": &ours.RemoveOutputsTags,
	}) {
		if g.chance(15) {
			*to = []string{pick(g, tags...), pick(g, tags...)}
			theirs["TagRemovePreprocessor"][name] = *to
		}
	}
	if g.chance(10) {
		pattern := pick(g, `\s*\Z`, `%`, `.*\?$`, `[^\W\d]+ = `, `[]!]`, `(?i:x)|Y`, `\S\s`, `#[^\n]*$`, `[\w.]+\?`, `\d`)
		p, err := notebook.ParsePattern(pattern)
		if err != nil {
			panic(err)
		}
		ours.RemovePatterns = []*notebook.Pattern{p}
		theirs["RegexRemovePreprocessor"]["patterns"] = []string{pattern}
	}
	return theirs, ours
}

// samples writes n notebooks into a folder.
func (g *generator) samples(t *testing.T, dir string, n int) []sample {
	t.Helper()
	var list []sample
	for i := range n {
		nb := any(g.notebook())
		valid := !g.chance(20)
		if !valid {
			nb = g.broken(nb)
		}
		data, err := json.MarshalIndent(nb, "", pick(g, "", " ", "\t"))
		if err != nil {
			t.Fatal(err)
		}
		s := sample{request: request{Path: filepath.Join(dir, fmt.Sprintf("%04d.ipynb", i)), To: pick(g, "python", "python", "python", "script"), Options: map[string]map[string]any{}}}
		if valid && g.chance(40) {
			s.Options, s.options = g.choices()
		}
		if err := os.WriteFile(s.Path, []byte(unspoken.Replace(string(data))), 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}
