"""Runs the real nbconvert as a library: one request a line of JSON comes in, one answer a line goes out.

A request is {"path": FILE, "to": "python" or "script", "options": {CLASS: {NAME: VALUE}}}, the options being nbconvert's
own. An answer is {"text": SCRIPT, "extension": EXTENSION}, or {"error": REASON, "cell": NUMBER or 0}, and how many "seconds" it
took. With --without-ipython it works as nbconvert does where IPython is not installed.
"""

import json
import logging
import sys
import time
import warnings

if "--without-ipython" in sys.argv:
    sys.modules["IPython"] = None

from functools import cache

import nbformat.validator
from nbconvert.exporters import PythonExporter, ScriptExporter
from traitlets.config import Config
from traitlets.log import get_logger

# Compiling the schema anew for each of the eleven times that a notebook is
# validated takes most of nbconvert's time, and changes nothing. --as-it-is leaves
# that so, to measure.
if "--as-it-is" not in sys.argv:
    nbformat.validator.get_validator = cache(nbformat.validator.get_validator)


def config(request):
    """Return a request's options as nbconvert takes them."""
    return Config({
        name: {key: set(value) if name == "TagRemovePreprocessor" else value for key, value in traits.items()}
        for name, traits in request["options"].items()
    })


def exporter(exporters, request):
    """Return the exporter of a request; those with the same options share one.

    A ScriptExporter is used once: it keeps what the first notebook's language says.
    """
    if request["to"] == "script":
        return ScriptExporter(config=config(request))
    key = json.dumps(request["options"], sort_keys=True)
    if key not in exporters:
        exporters[key] = PythonExporter(config=config(request))
    return exporters[key]


def place(error):
    """Return the number of the cell that a schema's error is about, or 0."""
    path = list(getattr(error, "absolute_path", None) or getattr(error, "relative_path", None) or [])
    if len(path) > 1 and path[0] == "cells":
        return path[1] + 1
    return 0


def convert(exporters, request):
    """Return the answer to a request."""
    try:
        text, resources = exporter(exporters, request).from_filename(request["path"])
        text.encode()
        return {"text": text, "extension": resources["output_extension"]}
    except Exception as e:  # whatever ends the real program
        reason = " ".join(f"{type(e).__module__}.{type(e).__name__}: {e}".split())
        return {"error": reason.encode("ascii", "backslashreplace").decode()[:300], "cell": place(e)}


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    get_logger().disabled = True
    exporters = {}
    for line in sys.stdin:
        began = time.perf_counter()
        answer = convert(exporters, json.loads(line))
        print(json.dumps(answer | {"seconds": time.perf_counter() - began}), flush=True)


main()
