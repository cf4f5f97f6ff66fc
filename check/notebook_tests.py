"""Runs the cells of a notebook that are tagged tests, and writes a JUnit report of them.

    python3 -c PROGRAM '{"notebook": NAME, "script": FILE, "tests": FILE, "modules": [PATH], "arguments": [WORD]}'

The script and the tests are what the build has made of the notebook, each cell's code behind its marker. Cells run in the
notebook's order, in one module, down to the last tests cell. The module's __name__ is the script's and not __main__, as if
it were imported. The report is $REPORTS/notebook-tests.xml. This needs nothing but Python 3.6 or later; where slipway_spark
is at hand, Spark is set up as for a run.
"""

import __future__
import ast
import functools
import inspect
import json
import os
import re
import sys
import traceback
import types
import unittest
from xml.sax.saxutils import quoteattr

MARKER = re.compile(r"# --- (?:cell (\d+)(?: \[[A-Za-z0-9_-]+\])?(?: from line (\d+))?|arguments) ---$")
FUTURES = functools.reduce(lambda flags, name: flags | getattr(__future__, name).compiler_flag, __future__.all_feature_names, 0)
LONGEST = 500  # of a value that is shown


class Block:
    """Lines of one of the two files: the code of a cell, or the lines below it that read the job's arguments."""

    def __init__(self, file, line, cell, first, tests):
        self.file, self.line, self.cell, self.first, self.tests = file, line, cell, first, tests
        self.lines = []

    def place(self, line):
        """The cell and its line for a line of the file; None where that is not of the notebook."""
        if self.first and self.line <= line < self.line + len(self.lines):
            return self.cell, self.first + line - self.line
        return None

    def tree(self):
        """What Python reads of it, its line numbers being those of the file."""
        return ast.parse("\n" * (self.line - 1) + "\n".join(self.lines) + "\n", self.file)


def blocks(file, tests):
    """The blocks of a file, in its order."""
    found, cell = [], 0
    with open(file, encoding="utf-8") as source:
        for number, line in enumerate(source.read().split("\n"), 1):
            marker = MARKER.match(line)
            if marker:
                cell = int(marker.group(1) or cell)
                first = int(marker.group(2) or 1) if marker.group(1) else 0
                found.append(Block(file, number + 1, cell, first, tests))
            elif found:
                found[-1].lines.append(line)
    return found


class Telling(ast.NodeTransformer):
    """Has an assertion that compares two values say what they were."""

    def visit_Assert(self, node):
        test = node.test
        if node.msg or not isinstance(test, ast.Compare) or len(test.ops) != 1 or not hasattr(ast, "NamedExpr"):
            return node
        names = ["_slipway_left", "_slipway_right"]
        values = [ast.NamedExpr(ast.Name(name, ast.Store()), value) for name, value in zip(names, [test.left, test.comparators[0]])]
        says = ast.Call(ast.Name("_slipway_says", ast.Load()), [ast.Name(name, ast.Load()) for name in names], [])
        node.test, node.msg = ast.Compare(values[0], test.ops, [values[1]]), says
        for child in values + [node.test, says]:
            ast.copy_location(child, test)
        return ast.fix_missing_locations(node)


def says(left, right):
    """What two values of an assertion were."""
    shown = [text if len(text) <= LONGEST else text[:LONGEST] + "..." for text in (repr(left), repr(right))]
    return "left is %s, right is %s" % tuple(shown)


class Notebook:
    """The notebook's cells as they run."""

    def __init__(self, name, script, tests):
        ours, theirs = blocks(script, False), blocks(tests, True)
        last = max(block.cell for block in theirs)
        self.name = name
        self.blocks = sorted([b for b in ours + theirs if b.cell <= last], key=lambda b: b.cell)
        self.module = types.ModuleType(os.path.splitext(os.path.basename(script))[0])
        self.module.__file__ = script
        self.module._slipway_says = says
        self.flags = 0
        self.cases = []

    def run(self):
        """Runs the cells and keeps what became of each test."""
        broken = False
        for block in self.blocks:
            if block.tests and broken:
                self.case(block, "", "skipped", "a cell above it failed")
            elif block.tests:
                self.test(block)
            elif not broken:
                problem = self.attempt(functools.partial(self.execute, block))
                broken = problem is not None
                if broken:
                    self.case(block, "", "error", problem[1] + "\n(this is no tests cell, but those below it need it)")

    def execute(self, block):
        """Runs a block's code in the module."""
        tree = block.tree()
        if block.tests:
            tree = Telling().visit(tree)
        code = compile(tree, block.file, "exec", self.flags, True)
        self.flags |= code.co_flags & FUTURES
        exec(code, self.module.__dict__)

    def test(self, block):
        """Runs a tests cell, and the test functions and classes that it defines."""
        before = dict(self.module.__dict__)
        problem = self.attempt(lambda: self.execute(block))
        self.case(block, "", *(problem or ("passed", "")))
        for name, value in list(self.module.__dict__.items()):
            if before.get(name) is value or getattr(value, "__module__", None) != self.module.__name__:
                continue
            if isinstance(value, types.FunctionType) and name.startswith("test_"):
                self.case(block, name, *(self.attempt(functools.partial(call, value)) or ("passed", "")))
            elif isinstance(value, type) and issubclass(value, unittest.TestCase):
                self.test_class(block, name, value)

    def test_class(self, block, name, cls):
        """Runs a class of unittest."""
        result = Result(self)
        unittest.defaultTestLoader.loadTestsFromTestCase(cls).run(result)
        for test, kind, text in result.found:
            method = str(getattr(test, "_testMethodName", "")) or str(test)
            self.case(block, name + "." + method, kind, text)

    def attempt(self, work):
        """Does something and returns what went wrong: its kind and its words."""
        try:
            work()
        except KeyboardInterrupt:
            raise
        except unittest.SkipTest as e:
            return "skipped", str(e)
        except BaseException as e:
            return self.problem(type(e), e, e.__traceback__)
        return None

    def problem(self, kind, error, trace):
        """The kind of an error, and its words with its places in the notebook."""
        traceback.print_exception(kind, error, trace)
        text = ("%s: %s" % (kind.__name__, error)).rstrip(": ")
        if kind is SystemExit:
            text = "it ended the program (SystemExit: %s)" % error
        places = [p for p in (self.place(*frame) for frame in frames(error, trace)) if p]
        unique = [p for i, p in enumerate(places) if p != places[i - 1] or i == 0]
        where = ", which calls ".join("cell %d line %d" % p for p in unique[:1] + unique[1:][-3:])
        return "failure" if issubclass(kind, AssertionError) else "error", "%s%s" % (where + ": " if where else "", text)

    def place(self, file, line):
        """The cell and line of a line of one of the files; None where it is not of the notebook."""
        for block in self.blocks:
            place = block.place(line) if block.file == file else None
            if place:
                return place
        return None

    def case(self, block, name, kind, text):
        """Keeps what became of a test."""
        self.cases.append((("cell %d %s" % (block.cell, name)).rstrip(), kind, text))

    def report(self):
        """The JUnit report."""
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuite name=%s>" % attribute(self.name)]
        for name, kind, text in self.cases:
            inner = "" if kind == "passed" else "<%s message=%s/>" % (kind, attribute(text))
            lines.append("<testcase name=%s file=%s>%s</testcase>" % (attribute(name), attribute(self.name), inner))
        return "\n".join(lines + ["</testsuite>", ""])


class Result(unittest.TestResult):
    """What became of the methods of a class of unittest."""

    def __init__(self, notebook):
        super().__init__()
        self.notebook, self.found = notebook, []

    def addSuccess(self, test):
        self.found.append((test, "passed", ""))

    def addError(self, test, err):
        self.found.append((test,) + self.notebook.problem(*err))

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addError(test, err)

    def addSkip(self, test, reason):
        self.found.append((test, "skipped", reason))

    def addExpectedFailure(self, test, err):
        self.addSuccess(test)

    def addUnexpectedSuccess(self, test):
        self.found.append((test, "failure", "it passed, and was expected to fail"))


def call(function):
    """Calls a test function."""
    for p in inspect.signature(function).parameters.values():
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise TypeError("%s takes the argument %s; a test in a notebook takes none, and uses the notebook's names" % (function.__name__, p.name))
    if function() is not None and inspect.iscoroutinefunction(function):
        raise TypeError("%s is a coroutine; call it with asyncio.run" % function.__name__)


def frames(error, trace):
    """The files and lines that led to an error, the outermost first."""
    if isinstance(error, SyntaxError):
        yield error.filename, error.lineno or 0
    for frame, line in traceback.walk_tb(trace):
        yield frame.f_code.co_filename, line


def attribute(text):
    """Text as an attribute of XML, which cannot hold every character."""
    text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)
    return quoteattr(text, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def set_up(question):
    """Gives the notebook the imports, arguments and Spark settings of its job."""
    modules, arguments = question["modules"], question["arguments"]
    sys.path[:] = modules + [folder for folder in sys.path if folder not in ("", os.getcwd())]  # a job does not see that folder
    inherited = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    os.environ["PYTHONPATH"] = os.pathsep.join(modules + inherited)
    os.environ.setdefault("SLIPWAY_WORK", os.path.join(os.environ["REPORTS"], "work"))
    sys.argv = [question["script"]] + arguments
    try:
        from slipway_spark import set_up_spark
    except ImportError:
        return
    set_up_spark(arguments, os.environ)


def register(module):
    """Lets others find the notebook's module by its name, but for Spark's workers: functions travel there by value."""
    sys.modules[module.__name__] = module
    try:
        from pyspark import cloudpickle
    except ImportError:
        return
    if hasattr(cloudpickle, "register_pickle_by_value"):
        cloudpickle.register_pickle_by_value(module)
    else:
        del sys.modules[module.__name__]  # what has no module travels by value, too


def main():
    question = json.loads(sys.argv[1])
    set_up(question)
    notebook = Notebook(question["notebook"], question["script"], question["tests"])
    register(notebook.module)
    notebook.run()
    with open(os.path.join(os.environ["REPORTS"], "notebook-tests.xml"), "w", encoding="utf-8") as file:
        file.write(notebook.report())


if __name__ == "__main__":
    main()
