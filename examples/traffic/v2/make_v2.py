"""Changes the notebook to the job's second version: each hour says whether it is a rush hour.

    python3 v2/make_v2.py     # edits traffic.ipynb in the app's folder and adds a test

It stands for a developer's edit in Jupyter, so that the second version can be
shown at any time. `git checkout .` takes it back.
"""

import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

RUSH_HOUR = '''
def with_rush_hour(hours: DataFrame, share: float = 0.8) -> DataFrame:
    """The hours, and whether the road then has at least this share of its busiest hour."""
    most = F.max("vehicles_per_hour").over(Window.partitionBy("road"))
    return hours.withColumn("rush_hour", F.col("vehicles_per_hour") >= share * most)
'''
ABOUT = """
A rush hour is one in which a road has at least four fifths of its busiest hour.
"""
CALL = "per_hour(add_calendar(counts, read_csv(glue, args[\"holidays\"], \"holidays\")))"
SHOW = "    busiest(hours).show(truncate=False)\n"
SHOW_TOO = """    print("rush hours in a week:")
    hours.where("rush_hour and not is_holiday").groupBy("road").count().orderBy("road").show()
"""


def edit(notebook):
    """Adds the step and its text, and uses it in the job and in the summary."""
    cells = notebook["cells"]
    place = [cell["id"] for cell in cells].index("per-hour") + 1
    cells[place:place] = [cell_of("markdown", "rush-hour-about", ABOUT), cell_of("code", "rush-hour", RUSH_HOUR)]
    replace(cells, "job", CALL, "with_rush_hour(%s)" % CALL)
    replace(cells, "job", SHOW, SHOW + SHOW_TOO)


def cell_of(kind, name, text):
    cell = {"cell_type": kind, "id": name, "metadata": {}, "source": text.strip().splitlines(keepends=True)}
    if kind == "code":
        cell.update(execution_count=None, outputs=[])
    return dict(sorted(cell.items()))


def replace(cells, name, old, new):
    cell = next(cell for cell in cells if cell["id"] == name)
    text = "".join(cell["source"])
    if text.count(old) != 1:
        sys.exit("traffic.ipynb: cell %s is not as version 1 has it" % name)
    cell["source"] = text.replace(old, new).splitlines(keepends=True)


def main():
    app = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent
    path = app / "traffic.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if any(cell["id"] == "rush-hour" for cell in notebook["cells"]):
        sys.exit("traffic.ipynb is version 2 already")
    edit(notebook)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.copy(str(HERE / "rush_hour.py"), str(app / "tests" / "test_rush_hour.py"))


if __name__ == "__main__":
    main()
