"""Changes the job to its second version, which says how much of the day's traffic the busiest hour has.

    python3 v2/make_v2.py

It stands for a developer's edit, so that the second version can be shown at any
time. `git checkout .` takes it back.
"""

import sys
from pathlib import Path

APP = Path(__file__).resolve().parent.parent
EDITS = [
    ("pulse.py", '"busiest_hour": max(sorted(by_hour), key=by_hour.get)}',
     '"busiest_hour": max(sorted(by_hour), key=by_hour.get),\n               "share": max(by_hour.values()) / sum(by_hour.values())}'),
    ("test_pulse.py", """
            "A1": {"vehicles": 12, "busiest_hour": "07"}, "B1": {"vehicles": 2, "busiest_hour": "07"}})
""", """
            "A1": {"vehicles": 12, "busiest_hour": "07", "share": 7 / 12},
            "B1": {"vehicles": 2, "busiest_hour": "07", "share": 1}})
"""),
    ("pulse.py", '            print("%-5s %7d vehicles, busiest at %s:00" % (road, figures["vehicles"], figures["busiest_hour"]))',
     '            print("%-5s %7d vehicles, busiest at %s:00 with %.0f %% of them"\n'
     '                  % (road, figures["vehicles"], figures["busiest_hour"], 100 * figures["share"]))'),
]


def main():
    for name, old, new in EDITS:
        path = APP / name
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            sys.exit("%s is not as version 1 has it" % name)
        path.write_text(text.replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    main()
