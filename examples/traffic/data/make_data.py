"""Writes traffic.csv, the counts of a few roads, hour by hour, with the dirt of real sensors.

    python3 data/make_data.py            # data/traffic.csv, the same bytes every time
    python3 data/make_data.py 7 out.csv  # fewer days, elsewhere
"""

import csv
import os
import random
import sys
from datetime import datetime, timedelta

START = datetime(2026, 3, 16)
ROADS = {"A1": 900, "B96": 420, "Ring": 1300}  # vehicles in a busy hour, each way
HOLIDAYS = ("2026-04-03", "2026-04-06")
# The share of a busy hour, by hour of the day.
WORKDAY = [3, 2, 2, 3, 8, 25, 60, 95, 100, 70, 55, 55, 60, 58, 60, 75, 95, 100, 80, 55, 35, 22, 14, 7]
WEEKEND = [8, 6, 5, 4, 4, 6, 10, 16, 28, 42, 55, 62, 65, 62, 60, 60, 62, 60, 52, 42, 32, 24, 18, 12]


def measured(rng, days):
    """The true counts, an hour, a road and a direction each."""
    for hour in range(days * 24):
        at = START + timedelta(hours=hour)
        free = at.weekday() >= 5 or at.strftime("%Y-%m-%d") in HOLIDAYS
        share = (WEEKEND if free else WORKDAY)[at.hour] / 100
        for road, busy in ROADS.items():
            for direction in ("in", "out"):
                vehicles = max(0, round(busy * share * rng.gauss(1, 0.08)))
                speed = round(max(8, 95 - 55 * vehicles / busy + rng.gauss(0, 4)), 1)
                yield [at.isoformat(), road, direction, vehicles, speed]


def soiled(rng, rows):
    """The rows as the sensors deliver them: some lost, some wrong, some twice."""
    for row in rows:
        fate = rng.random()
        if fate < 0.012:
            row[3] = ""
        elif fate < 0.018:
            row[3] = -1
        elif fate < 0.022:
            row[4] = "n/a"
        elif fate < 0.025:
            row[0] = row[0].replace("-", "/")
        yield row
        if fate > 0.99:
            yield row


def main(days=28, path=os.path.join(os.path.dirname(os.path.abspath(__file__)), "traffic.csv")):
    rng = random.Random(1)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["measured_at", "road", "direction", "vehicles", "speed_kmh"])
        writer.writerows(soiled(rng, measured(rng, int(days))))


if __name__ == "__main__":
    main(*sys.argv[1:])
