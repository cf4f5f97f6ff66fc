"""Measures Slipway beside nbconvert and nbdime; scripts/bench-notebook.sh calls it.

    NBDIME_PYTHON bench_notebook.py NBCONVERT9_PYTHON NBCONVERT8_PYTHON

It prints what the tables of docs/benchmarks.md show.
"""

import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("ROUNDS", 9))
NOTEBOOKS = int(os.environ.get("NOTEBOOKS", 5000))
HERE = os.getcwd()
SLIPWAY, PARITY = os.path.join(HERE, ".cache", "slipway"), os.path.join(HERE, ".cache", "parity")
EXAMPLE = os.path.join(HERE, "examples", "traffic", "traffic.ipynb")


def process(argv, cwd):
    """Runs a program to its end: seconds, seconds of processor time, peak megabytes."""
    began = time.perf_counter()
    child = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    took = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):  # diff exits with 1 where there are differences
        raise SystemExit("%s: exit code %d" % (" ".join(argv), child.returncode))
    return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def medians(programs, cwd, rounds=ROUNDS):
    """The medians of programs that take turns, so that each has the same load; the first round warms up."""
    results = {name: [] for name in programs}
    for _ in range(rounds + 1):
        for name, argv in programs.items():
            results[name].append(process(argv, cwd))
    return {name: [statistics.median(column) for column in zip(*rows[1:])] for name, rows in results.items()}


def variants(folder, count):
    """Writes variants of the example, with outputs: 33 KB each."""
    with open(EXAMPLE, encoding="utf-8") as file:
        notebook = json.load(file)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number in range(count):
        for i, cell in enumerate(code):
            text = ["%d,%d,A%d,%d vehicles\n" % (number, i, line % 7, line * 37 % 1000) for line in range(110)]
            cell["execution_count"] = i + 1
            cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": text}]
        part = os.path.join(folder, "%02d" % (number % 50))
        os.makedirs(part, exist_ok=True)
        with open(os.path.join(part, "%05d.ipynb" % number), "w", encoding="utf-8") as file:
            json.dump(notebook, file, indent=1)


def edited(folder, outputs):
    """Two versions of the example: a column has another name in the second and, with outputs, each tenth line of them is another."""
    with open(EXAMPLE, encoding="utf-8") as file:
        text = file.read()
    names = [os.path.join(folder, "%s%s.ipynb" % (name, "-outputs" * outputs)) for name in ("before", "after")]
    for version, (name, content) in enumerate(zip(names, (text, text.replace("vehicles_per_hour", "per_hour")))):
        if outputs:
            notebook = json.loads(content)
            for i, cell in enumerate(cell for cell in notebook["cells"] if cell["cell_type"] == "code"):
                lines = ["%d,A%d,%d vehicles\n" % (i, line % 7, line * 37 % 1000 + version * (line % 10 == 0)) for line in range(110)]
                cell["execution_count"] = i + 1
                cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": lines}]
            content = json.dumps(notebook, indent=1)
        with open(name, "w", encoding="utf-8") as file:
            file.write(content)
    return names


def inside(python, profile, folder):
    """Milliseconds for a notebook in one process, nbconvert's and ours."""
    argv = [PARITY, "-time", "-python", python, "-profile", profile, folder]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    count = int(re.search(r"^(\d+) notebooks: \1 equal", said, re.M).group(1))
    theirs, ours = (float(x) for x in re.search(r"took ([\d.]+) s.*; Slipway ([\d.]+) s", said).groups())
    return theirs / count * 1000, ours / count * 1000


def inside_nbdime(before, after):
    """Milliseconds for a diff on the processor, within nbdime's process: from texts in memory to the text for people.

    It is the processor's time, as what takes longer waits for it more often where other work is done.
    """
    import nbformat
    from nbdime import diff_notebooks
    from nbdime.prettyprint import PrettyPrintConfig, pretty_print_notebook_diff

    texts = []
    for name in (before, after):
        with open(name, encoding="utf-8") as file:
            texts.append(file.read())
    times = []
    for _ in range(5 * ROUNDS + 1):
        began = time.process_time()
        a, b = (nbformat.reads(text, as_version=4) for text in texts)
        pretty_print_notebook_diff(before, after, a, diff_notebooks(a, b), PrettyPrintConfig(out=io.StringIO(), use_color=False))
        times.append(time.process_time() - began)
    return statistics.median(times[1:]) * 1000


def inside_slipway(before, after):
    """Milliseconds for the same in Slipway."""
    said = subprocess.run([PARITY, "-diff", "2000", before, after], check=True, capture_output=True, text=True).stdout
    return float(re.match(r"([\d.]+) ms", said).group(1))


def line(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def seconds(s):
    return "%.0f ms" % (s * 1000) if s < 0.1 else "%.2f s" % s


def main():
    nbconvert9, nbconvert8 = sys.argv[1:]
    print("load of the machine: %.1f; of %d rounds each the median\n" % (os.getloadavg()[0], ROUNDS))
    with tempfile.TemporaryDirectory() as work:
        some, many = os.path.join(work, "some"), os.path.join(work, "many")
        variants(some, 40)
        convert(nbconvert9, nbconvert8, some, work)
        compare(work)
        variants(many, NOTEBOOKS)
        at_once(many, work)


def convert(nbconvert9, nbconvert8, some, work):
    line("convert", "Slipway", "nbconvert 7.17.1, Python 3.13", "nbconvert 6.5.3, Python 3.11", "times as fast")
    line(*["---"] * 5)
    whole = medians({
        "ours": [SLIPWAY, "convert", EXAMPLE, "--to", "python", "--stdout"],
        "9": [nbconvert9, "-m", "nbconvert", "--to", "python", "--stdout", EXAMPLE],
        "8": [nbconvert8, "-m", "nbconvert", "--to", "python", "--stdout", EXAMPLE],
    }, work)
    ours, nine, eight = whole["ours"], whole["9"], whole["8"]
    line("one notebook, the whole process", *(seconds(x[0]) for x in (ours, nine, eight)), "%.0f and %.0f" % (nine[0] / ours[0], eight[0] / ours[0]))
    line("its time on the processor", *(seconds(x[1]) for x in (ours, nine, eight)), "%.0f and %.0f" % (nine[1] / ours[1], eight[1] / ours[1]))
    line("its peak of memory", *("%.0f MB" % x[2] for x in (ours, nine, eight)), "")
    (nine, ours9), (eight, ours8) = inside(nbconvert9, "ipython9", some), inside(nbconvert8, "ipython8", some)
    line("one notebook with outputs, within a process", "%.2f and %.2f ms" % (ours9, ours8), "%.0f ms" % nine, "%.0f ms" % eight,
         "%.0f and %.0f" % (nine / ours9, eight / ours8))
    print()


def compare(work):
    before, after = edited(work, False)
    line("diff", "Slipway", "nbdime 4.0.4", "times as fast")
    line(*["---"] * 4)
    whole = medians({
        "ours": [SLIPWAY, "diff", before, after],
        "theirs": [os.path.join(os.path.dirname(sys.executable), "nbdiff"), before, after],
    }, work)
    ours, theirs = whole["ours"], whole["theirs"]
    line("two notebooks, the whole process", seconds(ours[0]), seconds(theirs[0]), "%.0f" % (theirs[0] / ours[0]))
    line("its time on the processor", seconds(ours[1]), seconds(theirs[1]), "%.0f" % (theirs[1] / ours[1]))
    line("its peak of memory", "%.0f MB" % ours[2], "%.0f MB" % theirs[2], "")
    for about, names in (("", (before, after)), (" with outputs", edited(work, True))):
        ours, theirs = inside_slipway(*names), inside_nbdime(*names)
        line("two notebooks%s, within a process" % about, "%.2f ms" % ours, "%.1f ms" % theirs, "%.0f" % (theirs / ours))
    print()


def at_once(many, work):
    size = sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(many) for name in names)
    line("many notebooks in one call of Slipway", "time", "of the processor", "peak of memory")
    line(*["---"] * 4)
    for count, folder in ((NOTEBOOKS // 10, "0[0-4]"), (NOTEBOOKS, "*")):
        pattern = os.path.join(many, folder, "*.ipynb")
        argv = [SLIPWAY, "convert", pattern, "--to", "python", "--output-dir", os.path.join(work, "scripts")]
        took, used, peak = medians({"ours": argv}, work, 3)["ours"]
        line("%d of %.0f KB" % (count, size / NOTEBOOKS / 1000), seconds(took), seconds(used), "%.0f MB" % peak)


if __name__ == "__main__":
    main()
