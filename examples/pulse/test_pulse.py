"""Unit tests of the job's steps, on the standard library alone.

The job's script is the one that slipway check names in SLIPWAY_SCRIPT, or the
one beside this file.
"""

import importlib.util
import json
import os
import sys
import tempfile
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def load():
    """The script as a module; where there is no awsglue, its one import is stood in for."""
    if importlib.util.find_spec("awsglue") is None:
        utils = types.ModuleType("awsglue.utils")
        utils.getResolvedOptions = None
        sys.modules.update({"awsglue": types.ModuleType("awsglue"), "awsglue.utils": utils})
    script = os.environ.get("SLIPWAY_SCRIPT") or os.path.join(HERE, "pulse.py")
    spec = importlib.util.spec_from_file_location("pulse", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


job = load()


def row(at="2026-03-16T07:00:00", road="A1", direction="in", vehicles="5"):
    return {"measured_at": at, "road": road, "direction": direction, "vehicles": vehicles, "speed_kmh": ""}


class Good(unittest.TestCase):
    def test_a_count_is_read(self):
        self.assertEqual(list(job.good([row()])), [("07", "A1", 5)])

    def test_dirt_is_left_out(self):
        for dirt in (row(vehicles=""), row(vehicles="-1"), row(at="2026/03/16")):
            with self.subTest(dirt=dirt):
                self.assertEqual(list(job.good([dirt])), [])

    def test_a_row_that_came_twice_counts_once(self):
        self.assertEqual(len(list(job.good([row(), row(), row(direction="out")]))), 2)


class Pulse(unittest.TestCase):
    def test_roads_are_added_up_by_hour(self):
        counts = [("07", "B1", 2), ("08", "A1", 5), ("07", "A1", 4), ("07", "A1", 3)]
        self.assertEqual(job.pulse(counts), {
            "A1": {"vehicles": 12, "busiest_hour": "07"}, "B1": {"vehicles": 2, "busiest_hour": "07"}})

    def test_of_equal_hours_the_first_is_busiest(self):
        self.assertEqual(job.pulse([("09", "A1", 5), ("08", "A1", 5)])["A1"]["busiest_hour"], "08")


class Write(unittest.TestCase):
    def test_a_file_is_replaced_and_nothing_left_beside_it(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "out", "pulse.json")
            for result in ({"A1": 1}, {"A1": 2}):
                job.write(path, result)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(json.load(file), {"A1": 2})
            self.assertEqual(os.listdir(os.path.dirname(path)), ["pulse.json"])


if __name__ == "__main__":
    unittest.main()
