"""The steps of the job, each on a handful of rows."""

from datetime import datetime

import pytest

RAW = "measured_at string, road string, direction string, vehicles string, speed_kmh string"
COUNTS = "measured_at timestamp, road string, direction string, vehicles int, speed_kmh double"


def at(day, hour):
    return datetime(2026, 4, day, hour)


@pytest.fixture
def counts(spark):
    def make(*rows):
        return spark.createDataFrame(list(rows), COUNTS)

    return make


@pytest.fixture
def holidays(spark):
    return spark.createDataFrame([("2026-04-03", "Good Friday")], "date string, holiday string")


def test_text_becomes_typed_and_nonsense_null(traffic, spark):
    raw = spark.createDataFrame(
        [("2026-04-01T07:00:00", "A1", "in", "12", "80.5"), ("1/4/2026", "A1", "in", "many", "n/a")], RAW
    )
    assert [tuple(row) for row in traffic.typed(raw).collect()] == [
        (at(1, 7), "A1", "in", 12, 80.5),
        (None, "A1", "in", None, None),
    ]


def test_dirt_is_dropped_and_a_row_that_came_twice_counts_once(traffic, counts):
    frame = counts(
        (at(1, 7), "good", "in", 0, None),
        (at(1, 7), "good", "in", 0, None),
        (at(1, 7), "good", "out", 5, 80.0),
        (None, "no time", "in", 5, 80.0),
        (at(1, 7), None, "in", 5, 80.0),
        (at(1, 7), "no count", "in", None, 80.0),
        (at(1, 7), "negative", "in", -1, 80.0),
    )
    kept = traffic.good(frame).orderBy("direction").select("road", "direction").collect()
    assert [tuple(row) for row in kept] == [("good", "in"), ("good", "out")]


def test_the_calendar_knows_weekday_hour_and_holiday(traffic, counts, holidays):
    frame = traffic.add_calendar(counts((at(2, 7), "A1", "in", 5, 80.0), (at(3, 23), "A1", "in", 5, 80.0)), holidays)
    rows = frame.orderBy("measured_at").select("weekday", "hour", "holiday", "is_holiday").collect()
    assert [tuple(row) for row in rows] == [("Thu", 7, None, False), ("Fri", 23, "Good Friday", True)]


def test_a_profile_adds_directions_and_divides_by_days(traffic, counts, holidays):
    frame = counts(
        (at(2, 7), "A1", "in", 10, 60.0),
        (at(2, 7), "A1", "out", 30, 80.0),
        (at(9, 7), "A1", "in", 20, None),
        (at(3, 7), "A1", "in", 7, 90.0),
    )
    hours = traffic.per_hour(traffic.add_calendar(frame, holidays)).orderBy("weekday")
    columns = ["road", "is_holiday", "weekday", "hour", "days", "vehicles", "speed_kmh", "vehicles_per_hour"]
    assert [tuple(row) for row in hours.select(columns).collect()] == [
        ("A1", True, "Fri", 7, 1, 7, 90.0, 7.0),
        ("A1", False, "Thu", 7, 2, 60, 75.0, 30.0),
    ]


def test_the_busiest_hours_come_first(traffic, counts, holidays):
    frame = counts(*[(at(2, hour), "A1", "in", hour, 80.0) for hour in (7, 9, 8)])
    busiest = traffic.busiest(traffic.per_hour(traffic.add_calendar(frame, holidays)))
    assert [(row.place, row.hour) for row in busiest.collect()] == [(1, 9), (2, 8)]


def test_an_unknown_kind_of_target_is_refused(traffic):
    with pytest.raises(ValueError, match="target_kind is 'ftp'; it must be folder or redshift"):
        traffic.save(None, None, "ftp", "out", "")
