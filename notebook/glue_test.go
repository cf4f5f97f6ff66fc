package notebook

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A testCell is a cell of a test's notebook.
type testCell struct {
	kind   string
	source string
	tags   []string
}

// glueNotebook makes a notebook of format v4.5 whose cells have the ids c1, c2...
func glueNotebook(t *testing.T, cells ...testCell) *Notebook {
	t.Helper()
	type cell map[string]any
	list := []cell{}
	for i, c := range cells {
		kind := c.kind
		if kind == "" {
			kind = "code"
		}
		list = append(list, cell{
			"id": "c" + string(rune('1'+i)), "cell_type": kind, "source": c.source, "outputs": []any{},
			"metadata": map[string]any{"tags": c.tags}, "execution_count": nil,
		})
	}
	data, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 5, "metadata": map[string]any{}, "cells": list})
	if err != nil {
		t.Fatal(err)
	}
	nb, err := Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

const glueHeader = "# Built by Slipway from traffic.ipynb. Change the notebook, not this script.\n"

func TestGlueScript(t *testing.T) {
	tests := map[string]struct {
		cells []testCell
		want  string
	}{
		"code stands behind its cell's marker": {
			[]testCell{{source: "x = 1\n\n\ny = 2\n\n"}, {source: ""}, {source: "z = 3"}},
			"\n# --- cell 1 [c1] ---\nx = 1\n\n\ny = 2\n\n# --- cell 3 [c3] ---\nz = 3\n",
		},
		"markdown becomes comments": {
			[]testCell{{kind: "markdown", source: "\n# Title\n\n* a  \n"}, {source: "x = 1"}},
			"\n# # Title\n#\n# * a\n\n# --- cell 2 [c2] ---\nx = 1\n",
		},
		"markdown cannot pose as a marker": {
			[]testCell{{kind: "markdown", source: "--- cell 7 ---"}, {source: "x = 1"}},
			"\n# # --- cell 7 ---\n\n# --- cell 2 [c2] ---\nx = 1\n",
		},
		"magics go, with the comments between them": {
			[]testCell{{source: "# the session\n%glue_version 5.0\n\n# and more\n%worker_type G.1X\n\n# code\nx = 1\n"}},
			"\n# --- cell 1 [c1] from line 7 ---\n# code\nx = 1\n",
		},
		"a cell of magics alone leaves nothing": {
			[]testCell{{source: "%glue_version 5.0\n%%configure\n{'a': 1}"}, {source: "x = 1"}},
			"\n# --- cell 2 [c2] ---\nx = 1\n",
		},
		"sql is sent as the Glue kernel sends it": {
			[]testCell{{source: "%%sql\nselect *\nfrom t -- \\d\n\n"}},
			"\n# --- cell 1 [c1] from line 2 ---\nspark.sql(\"\"\"select *\nfrom t -- \\d\"\"\").show()\n",
		},
		"sql may stand below line magics": {
			[]testCell{{source: "%glue_version 5.0\n%%sql\nselect 1"}},
			"\n# --- cell 1 [c1] from line 3 ---\nspark.sql(\"\"\"select 1\"\"\").show()\n",
		},
		"sql that would end its string is quoted": {
			[]testCell{{source: "%%sql\nselect \"a\""}},
			"\n# --- cell 1 [c1] from line 2 ---\nspark.sql('select \"a\"').show()\n",
		},
		"cells tagged skip and tests do not ship": {
			[]testCell{{source: "x = 1"}, {source: "!rm -rf /", tags: []string{"skip"}}, {source: "assert x", tags: []string{"tests"}}},
			"\n# --- cell 1 [c1] ---\nx = 1\n",
		},
		"notebook-only magics are removed, the code below stays": {
			[]testCell{{source: "%matplotlib inline\n%load_ext autoreload\nx = 1"}, {source: "%%time\ny = 2"}},
			"\n# --- cell 1 [c1] from line 3 ---\nx = 1\n\n# --- cell 2 [c2] from line 2 ---\ny = 2\n",
		},
		"line ends become newlines": {
			[]testCell{{source: "x = 1\r\ny = 2\rz = 3"}},
			"\n# --- cell 1 [c1] ---\nx = 1\ny = 2\nz = 3\n",
		},
		"percent signs and brackets in code stay": {
			[]testCell{{source: "x = 7 % 2\ny = (x\n  % 3)\ns = '''\n%foo\n'''\nf\"{x!r:>{y}} ( {{ }}\""}},
			"\n# --- cell 1 [c1] ---\nx = 7 % 2\ny = (x\n  % 3)\ns = '''\n%foo\n'''\nf\"{x!r:>{y}} ( {{ }}\"\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := glueNotebook(t, tt.cells...).Glue(GlueOptions{Name: "traffic.ipynb"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(glueHeader+tt.want, string(got.Script)); diff != "" {
				t.Errorf("script (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGlueSettings(t *testing.T) {
	source := strings.Join([]string{
		"%glue_version 5.0", "%worker_type \"G.1X\"", "%number_of_workers 4", "%timeout 30", "%idle_timeout 60",
		"%connections redshift,'rds'", "%additional_python_modules [pandas==2.2.0, pyarrow]", "%streaming",
		"%spark_conf spark.a=b --conf spark.c=d", "%extra_jars s3://b/a.jar", "%iam_role arn:aws:iam::1:role/x",
		"%%configure -f", "{", "  'number_of_workers': 8,  # more", "  \"--enable-metrics\": True, 'ratio': 0.5,",
		"  'connections': ['x', 'y'], 'idle_timeout': 3, '--extra-py-files': 's3://b/a.zip',", "}",
	}, "\n")
	nb := glueNotebook(t, testCell{source: source}, testCell{source: "%%tags\n{'team': 'data', 'n': 1}"}, testCell{source: "x = 1"})
	got, err := nb.Glue(GlueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at := func(cell, line int, magic, name string, v any) Setting {
		return Setting{Name: name, Value: v, Cell: cell, ID: "c" + string(rune('0'+cell)), Line: line, Magic: magic}
	}
	want := []Setting{
		at(1, 1, "%glue_version", "glue_version", "5.0"),
		at(1, 2, "%worker_type", "worker_type", "G.1X"),
		at(1, 3, "%number_of_workers", "workers", int64(4)),
		at(1, 4, "%timeout", "timeout", "30m"),
		at(1, 6, "%connections", "connections", []string{"redshift", "rds"}),
		at(1, 7, "%additional_python_modules", "additional_python_modules", []string{"pandas==2.2.0", "pyarrow"}),
		at(1, 8, "%streaming", "type", "gluestreaming"),
		at(1, 9, "%spark_conf", "argument --conf", "spark.a=b --conf spark.c=d"),
		at(1, 10, "%extra_jars", "extra_jars", []string{"s3://b/a.jar"}),
		at(1, 11, "%iam_role", "role", "arn:aws:iam::1:role/x"),
		at(1, 14, "%%configure", "workers", int64(8)),
		at(1, 15, "%%configure", "argument --enable-metrics", "True"),
		at(1, 15, "%%configure", "argument --ratio", "0.5"),
		at(1, 16, "%%configure", "connections", []string{"x", "y"}),
		at(1, 16, "%%configure", "extra_py_files", []string{"s3://b/a.zip"}),
		at(2, 1, "%%tags", "tags", map[string]string{"team": "data", "n": "1"}),
	}
	if diff := cmp.Diff(want, got.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	last := Last(got.Settings)
	if len(last) != 14 || last[len(last)-2].Value != int64(8) && last[len(last)-1].Value != int64(8) {
		t.Errorf("Last = %v, want 14 settings with 8 workers", last)
	}
}

// TestGlueErrors lists every error that a user can meet, with its text.
func TestGlueErrors(t *testing.T) {
	tests := map[string]struct {
		cells []testCell
		want  string
	}{
		"no code":         {[]testCell{{kind: "markdown", source: "x"}}, "the notebook has no code cells that could become a job"},
		"only tests":      {[]testCell{{source: "x", tags: []string{"tests"}}}, "the notebook has no code cells that could become a job"},
		"shell":           {[]testCell{{source: "import x"}, {source: "# c\n!pip install a"}}, "cell 2 line 2: !pip install a runs a shell command, which a job has no place for; name Python packages in %additional_python_modules, and do the rest in Python"},
		"pip":             {[]testCell{{source: "%pip install a"}}, "cell 1 line 1: %pip installs packages into the notebook alone; name them in %additional_python_modules, or in run.additional_python_modules of the manifest"},
		"unknown":         {[]testCell{{source: "%foo a"}}, "cell 1 line 1: %foo is not a magic that a job knows; take it out, or tag the cell `skip`"},
		"unknown cell":    {[]testCell{{source: "%%html\n<b>"}}, "cell 1 line 1: %%html is not a cell magic that a job knows; take it out, or tag the cell `skip`"},
		"below code":      {[]testCell{{source: "x = 1\n%glue_version 5.0"}}, "cell 1 line 2: %glue_version 5.0 stands below code; a magic stands at the top of a cell, unindented"},
		"indented":        {[]testCell{{source: "if x:\n    %time f()"}}, "cell 1 line 2: %time f() stands below code; a magic stands at the top of a cell, unindented"},
		"assigned":        {[]testCell{{source: "\nx = %time f()"}}, "cell 1 line 2: a job cannot assign what a magic returns: %time f()"},
		"captured":        {[]testCell{{source: "x = !ls"}}, "cell 1 line 1: a job cannot run a shell command: !ls; use Python's subprocess or boto3"},
		"shell in code":   {[]testCell{{source: "x = 1\n!ls"}}, "cell 1 line 2: a job cannot run a shell command: !ls; use Python's subprocess or boto3"},
		"question":        {[]testCell{{source: "x\nx?"}}, "cell 1 line 2: a question to the notebook is not Python: x?; take it out"},
		"comma":           {[]testCell{{source: ",f a"}}, "cell 1 line 1: a line cannot begin with ',' in Python: ,f a"},
		"workers":         {[]testCell{{source: "%number_of_workers two"}}, `cell 1 line 1: %number_of_workers: expected a whole number, not "two"`},
		"modules":         {[]testCell{{source: "%additional_python_modules a,,b"}}, `cell 1 line 1: %additional_python_modules: expected a list, separated by commas, without blanks, not "a,,b"`},
		"session type":    {[]testCell{{source: "%session_type ray"}}, `cell 1 line 1: %session_type: expected etl or streaming, not "ray"`},
		"ray":             {[]testCell{{source: "%glue_ray"}}, "cell 1 line 1: %glue_ray starts a Ray session, and a job's type is glueetl or gluestreaming"},
		"two lines":       {[]testCell{{source: "%connections a,\\\nb"}}, "cell 1 line 1: %connections goes on on the next line, which the Glue kernel does not read; put it on one line"},
		"no sql":          {[]testCell{{source: "%%sql\n \n"}}, "cell 1 line 1: %%sql holds no SQL"},
		"no dict":         {[]testCell{{source: "%%configure\n"}}, "cell 1 line 1: %%configure holds no dict"},
		"not a dict":      {[]testCell{{source: "%%configure\n[1]"}}, `cell 1 line 2: %%configure: expected a dict, as in {"key": "value"}`},
		"not a literal":   {[]testCell{{source: "%%configure\n{\n 'a': b}"}}, `cell 1 line 3: %%configure: "b" is not a literal value`},
		"a missing comma": {[]testCell{{source: "%%configure\n{'a': 1\n 'b': 2}"}}, `cell 1 line 3: %%configure: expected ',' or '}', not "'"`},
		"configure value": {[]testCell{{source: "%%configure\n{'number_of_workers': [1]}"}}, `cell 1 line 2: %%configure: number_of_workers: expected a whole number`},
		"tags":            {[]testCell{{source: "%%tags\n{'a': [1]}"}}, `cell 1 line 1: %%tags: expected a dict of strings`},
		"open bracket":    {[]testCell{{source: "x = 1"}, {source: "y = 2\nx = (1,\n\ny = 3"}}, "cell 2 line 2: '(' is never closed"},
		"wrong bracket":   {[]testCell{{source: "%glue_version 5.0\nx = (\n1]"}}, "cell 1 line 3: ']' does not close the '(' of line 2"},
		"stray bracket":   {[]testCell{{source: "x = 1)"}}, "cell 1 line 1: ')' closes nothing"},
		"string":          {[]testCell{{source: "x = 1\ny = 'abc\n"}}, "cell 1 line 2: unterminated string literal"},
		"triple string":   {[]testCell{{source: "x = 1\ny = '''abc\n\n"}}, "cell 1 line 2: unterminated triple-quoted string"},
		"f-string":        {[]testCell{{source: "y = f'abc\n"}}, "cell 1 line 1: unterminated f-string literal"},
		"dedent":          {[]testCell{{source: "if x:\n    a\n  b"}}, "cell 1 line 3: unindent does not match any outer indentation level"},
		"tabs":            {[]testCell{{source: "if x:\n        a\n\tb"}}, "cell 1 line 3: inconsistent use of tabs and spaces in indentation"},
		"indent":          {[]testCell{{source: "x = 1\n  y = 2"}}, "cell 1 line 2: unexpected indent"},
		"no block":        {[]testCell{{source: "if x:\ny = 2"}}, "cell 1 line 2: an indented block is expected"},
		"no block at all": {[]testCell{{source: "for i in x:\n"}}, "cell 1 line 1: an indented block is expected below"},
		"typed quotes":    {[]testCell{{source: "x = “a”"}}, `cell 1 line 1: the character "“" is not Python`},
		"dollar":          {[]testCell{{source: "x = $a"}}, "cell 1 line 1: the character '$' is not Python"},
		"number":          {[]testCell{{source: "x = 0xZ"}}, "cell 1 line 1: invalid hexadecimal literal"},
		"backslash":       {[]testCell{{source: "x = 1 + \\"}}, "cell 1 line 1: unexpected EOF in multi-line statement"},
		"future":          {[]testCell{{source: "x = 1"}, {source: "\nfrom __future__ import annotations"}}, "cell 2 line 2: from __future__ must stand in the first cell that holds code"},
		"get_ipython":     {[]testCell{{source: "x = 1\nget_ipython().system('ls')"}}, "cell 1 line 2: get_ipython() exists in notebooks alone"},
		"marker":          {[]testCell{{source: "x = 1\n# --- cell 3 ---"}}, "cell 1 line 2: the line looks like one of Slipway's own markers; change it"},
		"surrogate":       {[]testCell{{source: "x = 'SURROGATE'"}}, `cell 1: it holds the lone surrogate \ud800, which UTF-8 cannot write`},
		"all at once":     {[]testCell{{source: "%pip install a"}, {source: "x = ("}}, "cell 1 line 1: %pip installs packages into the notebook alone; name them in %additional_python_modules, or in run.additional_python_modules of the manifest\ncell 2 line 1: '(' is never closed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			nb := glueNotebook(t, tt.cells...)
			for i := range nb.Cells {
				nb.Cells[i].Source = strings.ReplaceAll(nb.Cells[i].Source, "SURROGATE", "\xed\xa0\x80")
			}
			_, err := nb.Glue(GlueOptions{Name: "traffic.ipynb"})
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if one := new(Error); !errors.As(err, &one) {
				t.Errorf("%T holds no *Error", err)
			}
		})
	}
}

func TestGlueRefusesOtherLanguages(t *testing.T) {
	nb := glueNotebook(t, testCell{source: "val x = 1"})
	nb.Language.Name = "scala"
	_, err := nb.Glue(GlueOptions{})
	if want := "the notebook's language is scala, and a job's notebook is written in Python; if this one is, choose a Python kernel in Jupyter and save it"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestGlueWarnings(t *testing.T) {
	nb := glueNotebook(
		t,
		testCell{source: "%region eu-west-1\nx = 1\ndisplay(x)\nself.display(x)"},
		testCell{kind: "raw", source: "abc"},
		testCell{source: "%%sql --flag\nselect 1"},
		testCell{source: "%%configure\n{'script_location': 's3://a', 'region': 'x'}"},
		testCell{source: "%%assume_role\nx"},
		testCell{source: "now = time()", tags: []string{"parameters"}},
	)
	got, err := nb.Glue(GlueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"cell 1 line 1: %region is for the notebook's own connection; account and region of a job come from its environment, so that it is left out",
		"cell 1 line 3: display() exists in notebooks alone; a job prints with show() or print()",
		`cell 2: its type is "raw"; only code and markdown become part of the script`,
		`cell 3 line 1: %%sql takes its text from the lines below; "--flag" is left out`,
		"cell 3 line 1: %%sql needs spark, which a session has by itself and a job has not; put above it: spark = GlueContext(SparkContext.getOrCreate()).spark_session",
		"cell 4 line 2: %%configure: script_location: the script's place comes from the build; it is left out",
		"cell 4 line 2: %region is for the notebook's own connection; account and region of a job come from its environment, so that it is left out",
		"cell 5 line 1: %%assume_role is for the notebook's own connection; account and region of a job come from its environment, so that it is left out",
		"cell 6 line 1: the parameter now is not a literal, so that no argument can take its place",
	}
	var texts []string
	for _, w := range got.Warnings {
		texts = append(texts, w.Error())
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestGlueKnowsWhereSparkComesFrom(t *testing.T) {
	for source, want := range map[string]int{
		"x = 1": 1, "spark.x == 2": 1, "spark = g.spark_session": 0, "sc, spark = f()": 0, "from lib import spark": 0, "import a as spark": 0,
	} {
		nb := glueNotebook(t, testCell{source: source}, testCell{source: "%%sql\nselect 1"}, testCell{source: "%%sql\nselect 2"})
		got, err := nb.Glue(GlueOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Warnings) != want {
			t.Errorf("%q: got %v, want %d warnings", source, got.Warnings, want)
		}
	}
}

func TestReadmeNamesEveryRule(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Rules() {
		if row := "| `" + r.Magic + "` | " + string(r.Action) + " |"; !strings.Contains(string(data), row) {
			t.Errorf("README.md has no row that begins with %s", row)
		}
	}
	for _, row := range settingRows {
		if !strings.Contains(string(data), "`"+row.key+"`") {
			t.Errorf("README.md does not name %s", row.key)
		}
	}
}

func TestGlueActionsChangeTheTable(t *testing.T) {
	nb := glueNotebook(t, testCell{source: "!ls\n%foo\n%matplotlib inline\nx = 1\ndisplay(x)"})
	got, err := nb.Glue(GlueOptions{Actions: map[string]Action{"!": Remove, "%foo": Warn, "display()": Remove}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Warnings) != 1 || got.Warnings[0].Line != 2 {
		t.Errorf("warnings = %v, want one about line 2", got.Warnings)
	}
	_, err = nb.Glue(GlueOptions{Actions: map[string]Action{"!": Remove, "%": Remove, "%matplotlib": Refuse}})
	if want := "cell 1 line 3: %matplotlib shows plots in the notebook"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestGlueParameters(t *testing.T) {
	nb := glueNotebook(t, testCell{source: "x = 1"}, testCell{
		tags: []string{"parameters"},
		source: "# where from\nsource = 's3://raw/a' 'b'\nlimit: int = 1_000  # rows\nratio = -0.5\nopts = {\n  'a': [1, (2,), None],\n}\n" +
			"flag = True\nnone = None\nif flag:\n    inner = 2\nraw = r'\\d'\nhexa = 0x1F\nt = (1)\n",
	})
	got, err := nb.Glue(GlueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at := func(line int, name string, v any) Parameter {
		return Parameter{Name: name, Value: v, Cell: 2, ID: "c2", Line: line}
	}
	want := []Parameter{
		at(2, "source", "s3://raw/ab"), at(3, "limit", int64(1000)), at(4, "ratio", -0.5),
		at(5, "opts", map[string]any{"a": []any{int64(1), []any{int64(2)}, nil}}),
		at(8, "flag", true), at(9, "none", nil), at(12, "raw", `\d`), at(13, "hexa", int64(31)), at(14, "t", int64(1)),
	}
	if diff := cmp.Diff(want, got.Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if want := "source = _slipway_argument(\"source\", source)\n"; !strings.Contains(string(got.Script), want) {
		t.Errorf("the script lets no argument take the place of source:\n%s", got.Script)
	}
}

// python runs a script and returns what it prints; it needs nothing but a
// Python 3.
func python(t *testing.T, script []byte, args ...string) string {
	t.Helper()
	exe, err := exec.LookPath("python3")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("python3 is not on the PATH")
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "script.py")
	if err := os.WriteFile(file, script, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(exe, append([]string{file}, args...)...).CombinedOutput()
	return string(out)
}

func TestGlueScriptRunsWithArguments(t *testing.T) {
	nb := glueNotebook(
		t,
		testCell{source: "source = 'a'\nlimit = 1\nratio = 1.5\nflag = False\nopts = [1]\nnone = None", tags: []string{"parameters"}},
		testCell{source: "print(repr((source, limit, ratio, flag, opts, none)))"},
	)
	got, err := nb.Glue(GlueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		args []string
		want string
	}{
		"defaults":    {nil, "('a', 1, 1.5, False, [1], None)\n"},
		"arguments":   {[]string{"--source", "b", "--limit=7", "--ratio", "2", "--flag", "true", "--opts", "[2, 3]", "--none", "x", "--JOB_NAME", "j"}, "('b', 7, 2.0, True, [2, 3], 'x')\n"},
		"wrong type":  {[]string{"--limit", "many"}, "argument --limit: expected int, not 'many'\n"},
		"last counts": {[]string{"--source", "b", "--source", "c"}, "('c', 1, 1.5, False, [1], None)\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, python(t, got.Script, tt.args...)); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLocateFindsWhereAnExceptionWasRaised(t *testing.T) {
	nb := glueNotebook(
		t,
		testCell{kind: "markdown", source: "# Title"},
		testCell{source: "def f():\n    pass"},
		testCell{source: "limit = 3", tags: []string{"parameters"}},
		testCell{source: "# c\n%glue_version 5.0\n\nimport sys\n\n\nraise ValueError(limit)"},
	)
	got, err := nb.Glue(GlueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := python(t, got.Script)
	_, after, ok := strings.Cut(out, "script.py\", line ")
	if !ok {
		t.Fatalf("no traceback in %q", out)
	}
	number, _, _ := strings.Cut(after, ",")
	line := 0
	for _, c := range number {
		line = line*10 + int(c-'0')
	}
	cell, cellLine, ok := Locate(got.Script, line)
	if !ok || cell != 4 || cellLine != 7 {
		t.Errorf("Locate(line %d) = cell %d line %d %v, want cell 4 line 7", line, cell, cellLine, ok)
	}
	for _, none := range []int{-1, 0, 1, 3, 1000} {
		if cell, _, ok := Locate(got.Script, none); ok {
			t.Errorf("Locate(line %d) = cell %d, want none", none, cell)
		}
	}
	start := strings.Count(string(got.Script[:strings.Index(string(got.Script), argumentsMarker)]), "\n") + 1
	if cell, _, ok := Locate(got.Script, start+5); ok {
		t.Errorf("a line of our own was found in cell %d", cell)
	}
}

func TestGlueTests(t *testing.T) {
	nb := glueNotebook(
		t,
		testCell{source: "x = 1"},
		testCell{source: "%glue_version 5.0\nassert x", tags: []string{"tests"}},
		testCell{source: "assert x == 1", tags: []string{"tests"}},
	)
	got, err := nb.Glue(GlueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := "# --- cell 2 [c2] from line 2 ---\nassert x\n\n# --- cell 3 [c3] ---\nassert x == 1\n"
	if diff := cmp.Diff(want, string(got.Tests)); diff != "" {
		t.Errorf("tests (-want +got):\n%s", diff)
	}
	if len(got.Settings) != 0 {
		t.Errorf("settings = %v, want none from a test", got.Settings)
	}
	if cell, line, ok := Locate(got.Tests, 2); !ok || cell != 2 || line != 2 {
		t.Errorf("Locate = cell %d line %d %v, want cell 2 line 2", cell, line, ok)
	}
}

func TestLooksLikeGlue(t *testing.T) {
	for source, want := range map[string]bool{
		"%glue_version 5.0": true, "# c\n\n%%configure\n{}": true, "%etl": true, "from awsglue.job import Job": true,
		"x = 1\n%glue_version 5.0": false, "%matplotlib inline\nx": false, "%%sql\nselect 1": false,
	} {
		if got := glueNotebook(t, testCell{source: source}).LooksLikeGlue(); got != want {
			t.Errorf("%q: got %v, want %v", source, got, want)
		}
	}
	nb := glueNotebook(t)
	nb.Kernel.Name = "glue_pyspark"
	if !nb.LooksLikeGlue() {
		t.Error("the kernel glue_pyspark does not look like Glue")
	}
}

func TestOtherLanguage(t *testing.T) {
	tests := []struct{ metadata, want string }{
		{`{}`, ""},
		{`{"kernelspec":{"name":"python3","display_name":"Python 3"}}`, ""},
		{`{"kernelspec":{"name":"ir","display_name":"R"}}`, "R"},
		{`{"kernelspec":{"name":"IR","language":"R"}}`, "R"},
		{`{"kernelspec":{"name":"conda-env-r"},"language_info":{"name":"R"}}`, "R"},
		{`{"kernelspec":{"name":"julia-1.9","language":"julia"},"language_info":{"name":"julia"}}`, "julia"},
		{`{"kernelspec":{"name":"glue_pyspark","language":"python"},"language_info":{"name":"Python_Glue_Session"}}`, ""},
		{`{"kernelspec":{"name":"glue_spark"}}`, "Scala"},
		{`{"language_info":{"name":"scala_glue_session"}}`, "scala_glue_session"},
		{`{"kernelspec":{"name":"pysparkkernel","language":""},"language_info":{"name":"pyspark"}}`, ""},
		{`{"language_info":{"name":"ipython"}}`, ""},
		{`{"kernelspec":{"name":"ir","language":"python"}}`, ""},
		{`{"kernelspec":{"language":"python"},"language_info":{"name":"R"}}`, "R"},
	}
	for _, test := range tests {
		nb, err := Read([]byte(`{"cells":[],"metadata":` + test.metadata + `,"nbformat":4,"nbformat_minor":5}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := nb.OtherLanguage(); got != test.want {
			t.Errorf("%s: it is %q, not %q", test.metadata, got, test.want)
		}
	}
}
