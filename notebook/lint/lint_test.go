package lint

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway/notebook"
	"github.com/slipway-cd/slipway/notebook/edit"
)

// glue is the metadata of a notebook that was written for Glue.
const glue = `"metadata": {"kernelspec": {"name": "glue_pyspark", "display_name": "Glue PySpark"}}`

// written makes a notebook of its cells' sources, one line an item. A cell that
// begins with "[tag] " has that tag.
func written(t testing.TB, meta string, sources ...string) []byte {
	t.Helper()
	var cells []string
	for _, source := range sources {
		tags := "[]"
		if rest, ok := strings.CutPrefix(source, "["); ok {
			if tag, code, ok := strings.Cut(rest, "] "); ok && !strings.ContainsAny(tag, " ,\n") {
				tags, source = `["`+tag+`"]`, code
			}
		}
		lines, err := json.MarshalIndent(slices.DeleteFunc(strings.SplitAfter(source, "\n"), func(s string) bool { return s == "" }), "   ", " ")
		if err != nil {
			t.Fatal(err)
		}
		cells = append(cells, fmt.Sprintf("  {\n   \"cell_type\": \"code\",\n   \"execution_count\": null,\n   \"metadata\": {\"tags\": %s},\n   \"outputs\": [],\n   \"source\": %s\n  }", tags, lines))
	}
	if meta == "" {
		meta = `"metadata": {}`
	}
	return []byte("{\n \"cells\": [\n" + strings.Join(cells, ",\n") + "\n ],\n " + meta + ",\n \"nbformat\": 4,\n \"nbformat_minor\": 4\n}\n")
}

func linter(t testing.TB, o Options) *Linter {
	t.Helper()
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// found shows findings as "NB103 cell 1 line 2:3".
func found(t testing.TB, o Options, data []byte) []string {
	t.Helper()
	findings, err := linter(t, o).Lint(data)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, f := range findings {
		text := f.Rule + " " + f.String()
		if f.Column > 0 {
			text += fmt.Sprintf(":%d", f.Column)
		}
		all = append(all, text)
	}
	return all
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name    string
		meta    string
		options Options
		cells   []string
		want    []string
	}{
		{"nothing", "", Options{}, []string{"x = 1\nprint(x)"}, nil},
		{"syntax", "", Options{}, []string{"x = 1", "y = 2\nz = (x +\n"}, []string{"NB001 cell 2 line 2:1"}},
		{"syntax below magics", "", Options{}, []string{"%matplotlib inline\n\nx = ]"}, []string{"NB001 cell 1 line 3:1"}},
		{"a magic's text is not Python", "", Options{}, []string{"%%sql\nselect ( from x", "%%bash\necho \"", "x = !ls 'a\nprint(x)"}, nil},
		{"refused by the build", glue, Options{}, []string{"!pip install x\ny = 1", "x = 1\n%pip install z"}, []string{"NB002 cell 1 line 1:1", "NB002 cell 2 line 2:1"}},
		{"left out by the build", glue, Options{}, []string{"%region eu-west-1\ny = 1"}, []string{"NB003 cell 1 line 1:1"}},
		{"no job, no rule of the build", "", Options{}, []string{"!pip install x\ny = 1"}, nil},

		{"display", glue, Options{}, []string{"x = 1\ndisplay(x)", "a.display(1)"}, []string{"NB301 cell 1 line 2:1", "NB103 cell 2 line 1:1"}},
		{"collect", glue, Options{Ignore: []string{"NB103"}}, []string{
			"a = df.collect()\nb = df.toPandas()", "c = df.limit(5).toPandas()\nd = df.groupBy('x').count().collect()\ngc.collect()\ne = df.collect(1)",
		}, []string{"NB302 cell 1 line 1:8", "NB302 cell 1 line 2:8"}},
		{"collect of something else", "", Options{Ignore: []string{"NB103"}}, []string{"a = trash.collect()"}, nil},
		{
			"bare", "",
			Options{},
			[]string{"df = 1\ndf\ndf.head(5)\ndf.columns\ndf.show()\nif df:\n    df\ndf; df\n'text'\nNone\ndf.head().x\ndf.head() + 1\ndf?"},
			[]string{"NB303 cell 1 line 2:1", "NB303 cell 1 line 3:1", "NB303 cell 1 line 4:1"},
		},

		{
			"account", "",
			Options{},
			[]string{"a = 'arn:aws:iam::210987654321:role/x'\n# arn:aws:iam::210987654321:role/x\nb = f'210987654321.dkr.ecr.eu-west-1.amazonaws.com'\nc = {'account_id': '210987654321'}\nn = 210987654321"},
			[]string{"NB203 cell 1 line 1:19", "NB203 cell 1 line 3:7", "NB203 cell 1 line 4:21"},
		},
		{
			"bucket", "",
			Options{},
			[]string{"a = 's3://my-raw/x'\nb = f's3://{a}/x'\nc = dict(Bucket='my-raw')\nd = 's3a://my-raw'", "[parameters] target = 's3://default/x'", "%%configure\n{\"--TempDir\": \"s3://x-y/z\"}", "%%sql\nselect * from csv.`s3://lake-x/t`"},
			[]string{"NB204 cell 1 line 1:11", "NB204 cell 1 line 3:18", "NB204 cell 1 line 4:12", "NB003 cell 4 line 1:1", "NB204 cell 4 line 2:25"},
		},
		{"ignored", "", Options{Ignore: []string{"nb2"}, Select: []string{"NB205", "NB103"}}, []string{"password = 'hunter2'"}, nil},
		{"passwords", "", Options{Select: []string{"hard-coded-password"}}, []string{
			"password = 'hunter2'\ndb_password=args['x']\nx.option('password', \"hunter2\")\nu = 'jdbc:mysql://h/d?user=a&password=hunter2'\nv = 'https://me:hunter2@h/d'\n" +
				"w = f'https://me:{pw}@h/d'\npassword: str = 'string'\np = getResolvedOptions(argv, ['password', 'host'])\nd = {'PASSWORD': 'hunter2'}\npwd = 'your password'",
		}, []string{"NB205 cell 1 line 1:13", "NB205 cell 1 line 3:23", "NB205 cell 1 line 4:39", "NB205 cell 1 line 5:17", "NB205 cell 1 line 9:19"}},

		{"no commit", glue, Options{}, []string{"from awsglue.job import Job\njob = Job(1)\njob.init('x', {})"}, []string{"NB401 cell 1 line 3:5"}},
		{"no commit of a job of another name", glue, Options{}, []string{"from awsglue.job import Job\nj = Job(1)\nj.init('x', {})"}, []string{"NB401 cell 1 line 3:3"}},
		{"commit", glue, Options{}, []string{"from awsglue.job import Job\njob = Job(1)\njob.init('x', {})", "job.commit()"}, nil},
		{"another init", glue, Options{}, []string{"import awsglue, wandb\nwandb.init('x', {})"}, nil},

		{
			"modules", glue,
			Options{GlueVersion: "5.0", Modules: []string{"lib", "scikit-learn"}},
			[]string{"import os, sys as system\nimport boto3, duckdb\nfrom lib.a import b\nimport sklearn\nfrom . import c\nimport tomllib"},
			[]string{"NB402 cell 1 line 2:15"},
		},
		{"modules of each version", "", Options{}, []string{"%glue_version 6.0", "import grpc, yaml, google.protobuf, _thread\nfrom zoneinfo import ZoneInfo\nimport cgi, scipy"}, []string{"NB402 cell 2 line 3:8", "NB402 cell 2 line 3:13"}},
		{"modules that AWS brings", "", Options{GlueVersion: "5.1"}, []string{"from awsgluedq.transforms import EvaluateDataQuality\nfrom awsglueml.transforms import FindMatches\nfrom delta.tables import DeltaTable\nimport narwhals, orjson, pytest, mpl_toolkits.mplot3d\nfrom PIL import Image"}, nil},
		{"modules that the code does without", "", Options{GlueVersion: "5.0"}, []string{"try:\n    import polars\nexcept Exception:\n    polars = None", "try:\n    import duckdb\nexcept:\n    duckdb = None", "from importlib.util import find_spec\nif find_spec('yaml'):\n    import yaml", "import dask"}, []string{"NB402 cell 4 line 1:8"}},
		{"modules of a magic's version", "", Options{}, []string{"%glue_version 4.0\n%additional_python_modules duckdb==1.0,s3://b/polars-1.0-py3-none-any.whl", "import tomllib\nimport duckdb, polars\nimport yaml"}, []string{"NB402 cell 2 line 1:8"}},
		{"modules that code can do without", glue, Options{GlueVersion: "5.0"}, []string{"try:\n    import duckdb\nexcept ImportError:\n    duckdb = None"}, nil},
		{"modules in an archive", glue, Options{GlueVersion: "5.0"}, []string{"%extra_py_files s3://b/all.zip", "import ours"}, nil},
		{"modules of no version", glue, Options{}, []string{"import duckdb"}, nil},
		{"modules of an unknown version", glue, Options{GlueVersion: "9.9"}, []string{"import duckdb"}, nil},

		{"noqa", "", Options{}, []string{"a = b  # noqa", "c = d  # noqa: NB103", "e = f  # noqa: E501, nb103 because", "g = h  # noqa: NB204", "i = j"}, []string{"NB103 cell 4 line 1:5", "NB103 cell 5 line 1:5"}},
		{"noqa in SQL", "", Options{}, []string{"%%sql\nselect * from csv.`s3://lake/t` -- noqa: NB204"}, nil},
		{"selected by name", "", Options{Select: []string{"undefined-name"}}, []string{"a = b\na"}, []string{"NB103 cell 1 line 1:5"}},
		{"another language", `"metadata": {"language_info": {"name": "R"}}`, Options{}, []string{"x <- (y"}, []string{"NB004 cell 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := found(t, c.options, written(t, c.meta, c.cells...))
			if diff := cmp.Diff(append([]string{}, c.want...), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const secretKey = "ghp_" + "1A2b3C4d5E6f7G8h9I0jK1l2M3n4O5p6Q7r8"

func TestSecrets(t *testing.T) {
	data := []byte(`{"cells": [
  {"cell_type": "markdown", "metadata": {}, "source": ["# é\n", "token é ` + secretKey + `"]},
  {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": "x = 1", "outputs": [
    {"output_type": "stream", "name": "stdout", "text": ["one\n",
      "two ` + secretKey + `\n"]},
    {"output_type": "display_data", "data": {"image/png": "` + secretKey + `", "text/html": "<b>` + secretKey + `</b>"}},
    {"output_type": "error", "evalue": "e", "traceback": ["` + secretKey + `"]}]},
  {"cell_type": "code", "execution_count": 2, "metadata": {}, "source": "y = 1  # noqa: NB202", "outputs": [{"output_type": "stream", "text": "` + secretKey + `"}]}
 ], "nbformat": 4}`)
	findings, err := linter(t, Options{}).Lint(data)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		got = append(got, fmt.Sprintf("%s %s:%d in line %d", f.Rule, f.Position, f.Column, f.FileLine))
		if strings.Contains(f.Message, secretKey) || !strings.Contains(f.Message, "github-pat: ghp_...") {
			t.Errorf("message is %s", f.Message)
		}
	}
	want := []string{
		"NB201 cell 1 line 2:9 in line 2", "NB202 cell 2 output 1 line 2:5 in line 5", "NB202 cell 2 output 2 line 1:4 in line 6", "NB202 cell 2 output 3 line 1:1 in line 7",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOrder(t *testing.T) {
	cell := func(count string) string {
		return `{"cell_type": "code", "execution_count": ` + count + `, "metadata": {}, "outputs": [], "source": "x = 1"}`
	}
	for _, c := range []struct{ counts, want []string }{
		{[]string{"1", "2", "4"}, []string{}},
		{[]string{"null", "null"}, []string{}},
		{[]string{"7", "2", "3"}, []string{"NB101 cell 2"}},
		{[]string{"1", "1"}, []string{"NB101 cell 2"}},
		{[]string{"1", "null", "2"}, []string{"NB102 cell 2"}},
	} {
		var cells []string
		for _, count := range c.counts {
			cells = append(cells, cell(count))
		}
		got := found(t, Options{}, []byte(`{"nbformat": 4, "cells": [`+strings.Join(cells, ",")+`, {"cell_type": "code", "execution_count": null, "source": " "}]}`))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.counts, diff)
		}
	}
}

func TestHeavyOutput(t *testing.T) {
	cell := func(tags string) string {
		return `{"cell_type": "code", "execution_count": null, "metadata": {"tags": [` + tags + `]}, "source": "x = 1", "outputs": [{"output_type": "stream", "text": "` + strings.Repeat("x", 500) + `"}]}`
	}
	data := []byte(`{"nbformat": 4, "cells": [` + cell("") + `, ` + cell(`"keep_output"`) + `]}`)
	if got := found(t, Options{}, data); len(got) > 0 {
		t.Errorf("light outputs are heavy: %v", got)
	}
	if diff := cmp.Diff([]string{"NB304 cell 1"}, found(t, Options{HeavyOutput: 400}, data)); diff != "" {
		t.Error(diff)
	}
}

func TestFix(t *testing.T) {
	data := written(t, "", "df = 1\ndf", "df.head()\nx = df", "df")
	data = []byte(strings.Replace(string(data), `"outputs": []`, `"outputs": [{"output_type": "stream", "text": "`+secretKey+`"}]`, 1))
	out, fixed, err := linter(t, Options{}).Fix(data)
	if err != nil || len(fixed) != 4 {
		t.Fatalf("%d are mended, error is %v", len(fixed), err)
	}
	want := string(written(t, "", "df = 1", "x = df", ""))
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if again, fixed, err := linter(t, Options{}).Fix(out); err != nil || len(fixed) != 0 || string(again) != string(out) {
		t.Errorf("mended again: %v %v", fixed, err)
	}
}

func TestErrors(t *testing.T) {
	for _, o := range []Options{{Select: []string{"NB9"}}, {Ignore: []string{"NB9"}}, {Select: []string{""}}} {
		if _, err := New(o); err == nil || !strings.HasPrefix(err.Error(), `there is no rule "`) {
			t.Errorf("%+v: error is %v", o, err)
		}
	}
	l := linter(t, Options{})
	if _, err := l.Lint([]byte("{")); err == nil || err.Error() != "not JSON: line 1 column 2: expected a key in double quotes" {
		t.Errorf("error is %v", err)
	}
	if _, _, err := l.Fix(nil); err == nil || err.Error() != "the file is empty" {
		t.Errorf("error is %v", err)
	}
}

func TestRulesAreDescribed(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range Rules() {
		row := fmt.Sprintf("| %s | %s | %s | %s |", r.ID, r.Name, r.Severity, r.Text)
		if !strings.Contains(string(readme), row) {
			t.Errorf("README.md lacks the row\n%s", row)
		}
		if seen[r.ID] || seen[r.Name] || r.Severity.rank() < 0 {
			t.Errorf("%s is not one of a kind, or %s is no severity", r.ID, r.Severity)
		}
		seen[r.ID], seen[r.Name] = true, true
	}
}

func TestSARIF(t *testing.T) {
	data := written(t, glue, "a = b\ndisplay(a)", "a")
	findings, err := linter(t, Options{}).Lint(data)
	if err != nil || len(findings) != 3 {
		t.Fatal(findings, err)
	}
	findings[2].Severity = Info
	out, err := SARIF([]File{{"a b/x.ipynb", findings}, {"/y.ipynb", nil}}, "1.0")
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(instance); err != nil {
		t.Errorf("%v in\n%s", err, out)
	}
	for _, want := range []string{
		`"uri": "a%20b/x.ipynb"`, `"startLine": 10`, `"fullyQualifiedName": "cell 1 line 2"`, `"level": "note"`, `"text": "cell 1 line 1: b is not defined in any cell"`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("there is no %s in\n%s", want, out)
		}
	}
	if bad := strings.Replace(string(out), `"level": "note"`, `"level": "bad"`, 1); true {
		instance, err := jsonschema.UnmarshalJSON(strings.NewReader(bad))
		if err != nil || schema.Validate(instance) == nil {
			t.Error("the schema takes anything", err)
		}
	}
}

// TestPlaces: findings stand where there is something, whatever the notebook.
func TestPlaces(t *testing.T) {
	l := linter(t, Options{HeavyOutput: 50, GlueVersion: "5.0"})
	piece := rapid.SampledFrom([]string{
		"x", "y = x", "df.head()", "import duckdb, os", "'s3://bucket-x/é'", "é = 's3://bucket-x'", "for i in x:", "    ", "\n", "\n", "%%sql", "%%time\n", "!ls", "display(x)", "(", ")",
		"def f(a, b=c):", "lambda z: z", "password = 'hunter2'", secretKey, "# noqa", "\"\"\"", "'", "f'{a!r:>{w}}'", "job.init(", "import awsglue", "\r\n", "\r", ";", "=", ":", "as", "in", "match x:", "case [a, *b]:",
		"class A(B, metaclass=C):", "type X[T] = list[T]", "[a for a in b if (c := a)]", "from x import *", "global g", "%", "?", "\t",
	})
	rapid.Check(t, func(t *rapid.T) {
		var cells []any
		for range rapid.IntRange(0, 4).Draw(t, "cells") {
			text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "source"), rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "between"))
			var source any = text
			if rapid.Bool().Draw(t, "list") {
				source = strings.SplitAfter(text, "\n")
			}
			cells = append(cells, map[string]any{
				"cell_type": rapid.SampledFrom([]string{"code", "code", "markdown"}).Draw(t, "type"), "source": source, "metadata": map[string]any{},
				"execution_count": rapid.IntRange(0, 3).Draw(t, "count"), "outputs": []any{map[string]any{"output_type": "stream", "text": rapid.SampledFrom([]string{"", secretKey, "a\nb " + secretKey}).Draw(t, "output")}},
			})
		}
		data, err := json.MarshalIndent(map[string]any{"nbformat": 4, "cells": cells, "metadata": map[string]any{"kernelspec": map[string]any{"name": rapid.SampledFrom([]string{"glue", "python3"}).Draw(t, "kernel")}}}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		stand(t, l, data)
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

// stand checks the places of findings, and that mending leaves nothing to mend
// and no other code changed.
func stand(t failer, l *Linter, data []byte) {
	findings, err := l.Lint(data)
	if err != nil {
		return
	}
	f, err := edit.Open(data)
	if err != nil {
		t.Fatalf("%v", err)
	}
	lines := strings.Count(string(data), "\n") + 1
	for _, one := range findings {
		if one.FileLine < 1 || one.FileLine > lines || one.Cell < 1 || one.Cell > len(f.Notebook.Cells) {
			t.Fatalf("%+v is not in the file:\n%s", one, data)
		}
		source := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(f.Notebook.Cells[one.Cell-1].Source), "\n")
		if one.Output == 0 && (one.Line > len(source) || one.Line > 0 && one.Column > len([]rune(source[one.Line-1]))+1) {
			t.Fatalf("%+v is not in the cell: %q", one, source)
		}
	}
	mended(t, l, f, data)
}

func mended(t failer, l *Linter, before *edit.File, data []byte) {
	out, fixed, err := l.Fix(data)
	if err != nil {
		t.Fatalf("%v", err)
	}
	after, err := notebook.Read(out)
	if err != nil || len(after.Cells) != len(before.Notebook.Cells) {
		t.Fatalf("mended, it is not a notebook: %v\n%s", err, out)
	}
	for i, cell := range after.Cells {
		touched := slices.ContainsFunc(fixed, func(f Finding) bool { return f.Cell == i+1 && f.mend == mendLine })
		if !touched && cell.Source != before.Notebook.Cells[i].Source {
			t.Fatalf("cell %d is %q, and was %q", i+1, cell.Source, before.Notebook.Cells[i].Source)
		}
	}
}

// TestHostile lints what takes minutes where the work grows faster than the text.
func TestHostile(t *testing.T) {
	numbered := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const n = 20_000
	for name, source := range map[string]string{
		"buckets on one line": "x = '" + strings.Repeat("s3://bucket-x/ ", n) + "'", "undefined names": numbered("print(u%d)\n", n),
		"bare names": strings.Repeat("df\n", n), "calls": "x = " + strings.Repeat("a.collect() + ", n) + "1", "lambdas": "x = [" + strings.Repeat("lambda a: a, ", n) + "]",
		"nested lambdas": "x = " + strings.Repeat("lambda: ", 3000) + "1", "comprehensions": "x = [a " + strings.Repeat("for a in b ", n) + "]", "targets": strings.Repeat("a = ", n) + "1",
		"with": "with " + strings.Repeat("a as b, ", n) + "a: pass", "secrets": "x = '" + strings.Repeat("token="+secretKey+" ", n/10) + "'", "magics": "a = 1\n" + strings.Repeat("%x y\n", n/10),
	} {
		if _, err := linter(t, Options{}).Lint(written(t, glue, source)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLint(f *testing.F) {
	files, err := filepath.Glob("../../examples/*/*.ipynb")
	if err != nil || len(files) == 0 {
		f.Fatal("no notebooks", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(written(f, glue, "a = [x for x in y]\nlambda b=1, *c: b", "match a:\n  case [b, *c] if d: pass", "with open(a) as (b, c): d += 1", "%%time\ndef f[T](a: T = 1, /, *b) -> c: return f'{a!r:>{b}}'"))
	l := linter(f, Options{GlueVersion: "5.0", HeavyOutput: 10})
	f.Fuzz(func(t *testing.T, data []byte) { stand(t, l, data) })
}

// TestExamplesAreClean holds the examples to the rules, as slipway lint does.
func TestExamplesAreClean(t *testing.T) {
	for file, modules := range map[string][]string{"../../examples/traffic/traffic.ipynb": {"lib"}, "../../examples/flights/flights.ipynb": nil} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := found(t, Options{GlueVersion: "5.0", Modules: modules}, data); len(got) > 0 {
			t.Errorf("%s: %v", file, got)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLint lints the example, once a linter is there.
func BenchmarkLint(b *testing.B) {
	data, err := os.ReadFile("../../examples/traffic/traffic.ipynb")
	if err != nil {
		b.Fatal(err)
	}
	l := linter(b, Options{})
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := l.Lint(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLintOutputs looks for secrets in 10 MB of printed text.
func BenchmarkLintOutputs(b *testing.B) {
	text := strings.Repeat(`2026-11-22 21:00:00 INFO token bucket key=value, user: api, 17 rows of 42\n`, 140_000)
	data := []byte(`{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x = 1", "outputs": [{"output_type": "stream", "text": "` + text + `"}]}]}`)
	l := linter(b, Options{Select: []string{OutputKey}})
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := l.Lint(data); err != nil {
			b.Fatal(err)
		}
	}
}
