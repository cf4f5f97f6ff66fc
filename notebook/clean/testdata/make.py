"""Writes nbstripout.json: notebooks, and what nbstripout makes of them.

    python3 -m venv venv && venv/bin/pip install nbstripout==0.9.1
    venv/bin/python make.py ../../../examples/*/*.ipynb
"""

import json
import subprocess
import sys
from pathlib import Path


def output(kind="stream", **more):
    base = {
        "stream": {"name": "stdout", "text": ["one\n", "two"]},
        "execute_result": {"data": {"text/plain": ["42"]}, "execution_count": 3, "metadata": {}},
        "display_data": {"data": {"image/png": "iVBORw0KGgo=", "text/plain": ["<Figure>"]}, "metadata": {"needs_background": "light"}},
        "error": {"ename": "ValueError", "evalue": "no", "traceback": ["\x1b[0;31mValueError\x1b[0m"]},
    }[kind]
    return {"output_type": kind, **base, **more}


def code(source, outputs=(), count=None, meta=None, **more):
    return {"cell_type": "code", "execution_count": count, "metadata": meta or {}, "outputs": list(outputs), "source": source, **more}


def text(source, meta=None, kind="markdown"):
    return {"cell_type": kind, "metadata": meta or {}, "source": source}


def notebook(*cells, meta=None, minor=4):
    return {"cells": list(cells), "metadata": meta or {}, "nbformat": 4, "nbformat_minor": minor}


RESULT = output("execute_result")
VOLATILE = {
    "collapsed": True, "ExecuteTime": {"end_time": "x"}, "execution": {"iopub.status.busy": "x"}, "heading_collapsed": True,
    "hidden": True, "scrolled": False, "slideshow": {"slide_type": "slide"}, "tags": ["a"],
}

NOTEBOOKS = {
    "empty": notebook(),
    "plain": notebook(text("# Title"), code("x = 1", [output()], 1), code("x", [RESULT], 2)),
    "outputs": notebook(code(["a\n", "b"], [output(), RESULT, output("display_data"), output("error")], 7)),
    "volatile": notebook(
        code("x", [output()], 1, VOLATILE), text("y", VOLATILE),
        meta={"signature": "sha256:1", "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}}, "kernelspec": {"name": "python3", "display_name": "Python 3"}},
    ),
    "kept": notebook(
        code("a", [RESULT], 3, {"tags": ["keep_output"]}), code("b", [RESULT], 4, {"keep_output": True}),
        code("c", [RESULT], 5, {"keep_output": False}), code("d", [RESULT], 6, {"init_cell": True}),
        code("e", [RESULT], 7, {"init_cell": False, "tags": ["keep_output"]}), code("f", [RESULT], 8, {"init_cell": {}}),
    ),
    "kept-all": notebook(code("a", [RESULT], 3), code("b", [RESULT], 4, {"keep_output": False}), meta={"keep_output": True}),
    "not-kept": notebook(code("a", [RESULT], 3), meta={"keep_output": 0}),
    "blank": notebook(code("", [], None), code(" \n\t", [output()], 2), text("\n"), text(" x"), text("", kind="raw"), code("y", [], 3)),
    "tagged": notebook(code("a", [], 1, {"tags": ["scratch"]}), code("b", [], 2, {"tags": ["scratch", "x"]}), code("c", [], 3, {"tags": []}), text("d", {"tags": ["x"]})),
    "ids": notebook(dict(code("a", [output()], 1), id="one"), dict(text("b"), id="two"), minor=5),
    "keys": notebook(
        code("a", [], 1, {"papermill": {"duration": 1.5, "status": "done"}, "a.b": 1, "a": {"b": 2, "c": 3}}),
        meta={"toc": {"base": 1, "cell": 2}, "vscode": {"hash": "x"}, "language_info": {"name": "python", "version": "3.11"}},
    ),
    "unicode": notebook(code("é = '\u2028 \U0001f600'", [output(text="ü\n")], 1), text("日本")),
    "attachments": notebook(dict(text("![a](attachment:a.png)"), attachments={"a.png": {"image/png": "iVBORw0KGgo="}})),
    "v3": {
        "metadata": {"name": "old", "signature": "x"}, "nbformat": 3, "nbformat_minor": 0,
        "worksheets": [{"metadata": {}, "cells": [
            {"cell_type": "code", "collapsed": False, "input": ["x\n", "y"], "language": "python", "metadata": {}, "prompt_number": 4,
             "outputs": [{"output_type": "pyout", "prompt_number": 4, "text": ["1"], "metadata": {}}]},
            {"cell_type": "markdown", "metadata": {"collapsed": True}, "source": ["z"]},
        ]}],
    },
}

CALLS = {
    "": [],
    "keep-outputs": ["--keep-output"],
    "keep-counts": ["--keep-count"],
    "drop-empty": ["--drop-empty-cells"],
    "drop-tagged": ["--drop-tagged-cells", "scratch"],  # of several tags nbstripout drops the last one only
    "keys": ["--extra-keys", "metadata.toc.base metadata.vscode cell.metadata.papermill.duration cell.metadata.a.b cell.metadata.slideshow"],
    "keep-keys": ["--keep-metadata-keys", "cell.metadata.collapsed metadata.widgets"],
}


def strip(file, args):
    command = [str(Path(sys.executable).parent / "nbstripout"), "--keep-id", *args]
    done = subprocess.run(command, input=file, capture_output=True, check=True, text=True, encoding="utf-8")
    return json.loads(done.stdout)


def main():
    for name in sys.argv[1:]:
        NOTEBOOKS[Path(name).stem] = json.loads(Path(name).read_text(encoding="utf-8"))
    cases = []
    for name, nb in NOTEBOOKS.items():
        file = json.dumps(nb, indent=1, ensure_ascii=False)
        for call, args in CALLS.items():
            if name == "v3" and call in ("drop-empty", "keep-outputs"):
                continue  # nbstripout drops every code cell, and keeps the prompt numbers of outputs
            want = strip(file, args)
            if call and want == strip(file, []):
                continue
            cases.append({"name": f"{name} {call}".strip(), "call": call, "notebook": file, "want": want})
    Path(__file__).with_name("nbstripout.json").write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")
    print(len(cases), "cases")


main()
