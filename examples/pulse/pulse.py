"""The pulse of each road: a Python shell job, on the standard library alone.

Reads the hourly counts, leaves out what a sensor cannot have meant, and writes
how many vehicles passed and when each road was busiest, as one JSON file.
"""

import csv
import json
import os
import sys
import tempfile
from collections import defaultdict

from awsglue.utils import getResolvedOptions


def good(rows):
    """Each count once, as (hour, road, vehicles); dirt is left out."""
    seen = set()
    for row in rows:
        key = (row["measured_at"], row["road"], row["direction"])
        vehicles = row["vehicles"]
        if key in seen or not vehicles.isdigit() or "T" not in row["measured_at"]:
            continue
        seen.add(key)
        yield row["measured_at"][11:13], row["road"], int(vehicles)


def pulse(counts):
    """For each road: all vehicles, and the busiest hour of the day."""
    hours = defaultdict(lambda: defaultdict(int))
    for hour, road, vehicles in counts:
        hours[road][hour] += vehicles
    return {
        road: {"vehicles": sum(by_hour.values()), "busiest_hour": max(sorted(by_hour), key=by_hour.get)}
        for road, by_hour in sorted(hours.items())
    }


def write(path, result):
    """Writes the file under its name in one step."""
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=2)
        file.write("\n")
    os.replace(temporary, path)


def main():
    args = getResolvedOptions(sys.argv, ["source", "target"])
    with open(args["source"], newline="", encoding="utf-8") as file:
        result = pulse(good(csv.DictReader(file)))
    write(args["target"], result)
    with open(args["target"], encoding="utf-8") as file:
        for road, figures in json.load(file).items():
            print("%-5s %7d vehicles, busiest at %s:00" % (road, figures["vehicles"], figures["busiest_hour"]))


if __name__ == "__main__":
    main()
