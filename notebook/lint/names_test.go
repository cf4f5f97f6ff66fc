package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names lists the names that the rule reports, in order.
func names(t *testing.T, meta string, cells ...string) []string {
	t.Helper()
	findings, err := linter(t, Options{Select: []string{Undefined}}).Lint(written(t, meta, cells...))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, f := range findings {
		name, _, _ := strings.Cut(f.Message, " ")
		all = append(all, name)
	}
	return all
}

// TestDefinedNames: each of these uses x in a way that Python allows, and is
// silent with the y that comes with it, and with nothing else.
func TestDefinedNames(t *testing.T) {
	for _, code := range []string{
		"x = 1; x", "x: int = 1; x", "(x, [*z]) = y; x + z", "x = z = y; x + z", "import x.y; x", "import a as x; x", "from a import b as x, c; x + c", "from a import (\n  x,\n  z,\n)\nx + z",
		"for x, (a, *b) in y:\n    x + a + b\nelse:\n    x", "with y as x, y() as (a, b): x + a + b", "with (\n  y as x,\n  y as z,\n):\n  x + z",
		"try:\n    pass\nexcept (y, y.z) as x:\n    x\nexcept* y as x: x", "if (x := y): x", "[x for x in y if x]", "{x: z for x, z in y}", "(x for a in y for x in a)", "[x := a for a in y]; x",
		"lambda x, *a, b=y, **c: x + a + b + c", "sorted(y, key=lambda x: x[0])", "def f(x, /, a: int = y, *b, c=1, **d) -> str:\n    return x + a + b + c + d + f",
		"def f():\n    return x\nx = 1", "def f():\n    global x\n    x = 1\nf()\nx", "def f():\n    a = 1\n    def g():\n        nonlocal a\n        return a + h\n    h = 1", "class x(y, metaclass=y):\n    a = 1\n    b = a\n    def c(self): return x",
		"@y\ndef x(): pass\nx", "async def x():\n    async for a in y: a\n    async with y as b: b\n    return [c async for c in y]", "match y:\n    case [x, *z] if x: z\n    case {'a': x, **z}: x + z\n    case y.A(x, b=z) | z: x + z\n    case _: pass",
		"match = 1; match; case = match\nmatch[0]", "type x[T: int] = list[T]; x", "str = str; str", "x = str\nstr = bytes", "def x[T, *A, **P](a: T, *b: A) -> T: return T", "class x[T](y):\n    a: T", "f'{y!r:>{y}} {y=}'", "f\"{'a' if y else 'b'}\"", "y(x=1, z=y)", "y.x.z", "y[1:2, ...]",
		"print(__name__, _, _1, In, Out, get_ipython())", "x = !ls\nx", "x = %pwd\nx", "%%time\nx = 1\nx", "%%capture x\nprint(1)", "%%spark -o x\nselect", "%x y\n", "y?", "from __future__ import annotations\ndef f(a: Later) -> Later: a: Later = 1",
		"del y", "y += 1", "assert y, y", "raise y from y", "x = yield_ = y", "x = lambda: z\nz = 1", "while y: break\nelse: y", "y if y else y", "not y and y is y", "return_ = [*y, *[a for a in y]]", "try: q\nexcept NameError: q = 1",
		"d = {a: b for a, b in y.items() if (c := b) > 1}; c", "x = {**y, 'a': y}", "f = lambda *a, k=lambda z: z: (a, k)", "x: 'Later' = y", "print(f'{y:{y}.{y}}')", "with y: pass", "for y.a in y: pass",
		"for _ in y: _", "x = y\nif x:\n    z = 1\nelif y:\n    z = 2\nz", "class A:\n    x = 1\n    y2 = [x for _ in y]", "[f'{a}' for a in y]", "x = '''\n{y}\n'''", "a, b = b, a = y, y", "if y: x = 1; z = x\nx + z", "é = 1; é",
	} {
		if got := names(t, "", "y = 1", code); len(got) > 0 {
			t.Errorf("%s\nreports %v", code, got)
		}
	}
}

func TestUndefinedNames(t *testing.T) {
	for code, want := range map[string]string{
		"x": "x", "x + z": "x z", "x\nx": "x", "x = z": "z", "x.a = 1": "x", "x[0] = 1": "x", "x[z] = 1": "x z", "x(z=1)": "x", "x += 1": "x", "print(f'{x!r:>{z}}')": "x z", "[a for a in x if z]": "x z", "[a for a in y]\na": "a",
		"lambda a: a + x": "x", "lambda a=x: a": "x", "def f(a: x = z) -> w: pass": "x z w", "def f(a): pass\na": "a", "def f():\n    b = 1\nb": "b", "@x\ndef f(): pass": "x", "class A(x, m=z): pass": "x z", "for a in x: a": "x",
		"with x as a: a": "x", "try: pass\nexcept x as e: e": "x", "match x:\n    case z.A(a): a": "x z", "def f():\n    return x": "x", "class A:\n    b = 1\nb": "b", "del x": "x", "if x: pass": "x", "f'''\n{x}\n'''": "x", "a: x = 1": "x",
		"x = 1\ndef f():\n    return x + z": "z", "print(x)\nx = 1": "x", "import a.b\nb": "b", "from a import b\na": "a", "a = b = x": "x", "{x: 1}": "x", "x[1:z]": "x z", "async def f(): await x": "x", "y(*x, **z)": "x z", "x = lambda: z": "z", "y(lambda a: z, b)": "z b", "[lambda: q][w]": "q w", "%matplotlib inline\nx": "x",
		"%%time\nx": "x", "!pip install x\nx": "x", "y.x(z)": "z", "(x)": "x", "return_ = x if z else y": "x z",
	} {
		if diff := cmp.Diff(strings.Fields(want), names(t, "", "y = 1", code)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", code, diff)
		}
	}
}

func TestNamesThatNobodyCanKnow(t *testing.T) {
	for _, cell := range []string{"from a import *", "%run other.ipynb", "%pylab inline", "exec('x = 1')", "globals()['x'] = 1", "x = (", "if 'x' in locals(): pass"} {
		if got := names(t, "", cell, "print(unknown)"); len(got) > 0 {
			t.Errorf("%s: reports %v", cell, got)
		}
	}
	if diff := cmp.Diff([]string{"unknown"}, names(t, "", "%%sql\nselect (", "print(unknown)")); diff != "" {
		t.Error(diff)
	}
}

func TestMessagesAboutNames(t *testing.T) {
	for _, c := range []struct {
		meta  string
		cells []string
		want  string
	}{
		{"", []string{"x", "y = 1\nx = 1"}, "x is used here, and defined below, in cell 2 line 2; move that up"},
		{"", []string{"x"}, "x is not defined in any cell"},
		{glue, []string{"[skip] if 1:\n    x = 1", "x"}, "x is defined in a cell that does not become part of the job, cell 1 line 2; take its tag away"},
		{glue, []string{"spark.sql('x')"}, "spark is not defined: a Glue session has it by itself, a job has not; put above it spark = GlueContext(SparkContext.getOrCreate()).spark_session"},
	} {
		findings, err := linter(t, Options{Select: []string{Undefined}}).Lint(written(t, c.meta, c.cells...))
		if err != nil || len(findings) != 1 || findings[0].Message != c.want {
			t.Errorf("%v: %v, %v, not %s", c.cells, findings, err, c.want)
		}
	}
	if got := names(t, "", "spark.sql('x')", "dbutils"); len(got) > 0 {
		t.Errorf("on other platforms: %v", got)
	}
	if got := names(t, glue, "[tests] helper()", "[skip] other()"); len(got) > 0 {
		t.Errorf("in cells that are left out: %v", got)
	}
}
