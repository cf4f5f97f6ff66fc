import datetime
import decimal

import pytest

import awsglue.transforms
from awsglue.transforms import (
    ApplyMapping, DropFields, DropNullFields, Filter, Join, Map, RenameField, ResolveChoice, SelectFields,
    SelectFromCollection, SplitFields, SplitRows, Union, UnnestFrame,
)


def rows(frame):
    return [tuple(row) for row in frame.toDF().collect()]


def test_apply_mapping_types_renames_and_nests(frame):
    cars = frame("id string, at string, `a.b` string, gone int", ("7", "2024-01-02 03:04:05", "x", 1),
                 ("seven", "never", "y", 2))
    got = ApplyMapping.apply(frame=cars, mappings=[
        ("id", "string", "key.id", "long"), ("at", "string", "key.at", "timestamp"), ("`a.b`", "string", "c", "string"),
        ("absent", "string", "d", "string")], transformation_ctx="map")
    assert got.toDF().dtypes == [("key", "struct<id:bigint,at:timestamp>"), ("c", "string")]
    assert rows(got) == [((7, datetime.datetime(2024, 1, 2, 3, 4, 5)), "x"), ((None, None), "y")]


def test_a_nested_source(frame):
    cars = frame("car struct<make:string,age:int>", (("VW", 3),))
    assert rows(cars.apply_mapping([("car.age", "int", "age", "string")])) == [("3",)]
    assert cars.select_fields("car.make").toDF().dtypes == [("car", "struct<make:string>")]
    assert cars.drop_fields(["car.make", "nothing"]).toDF().dtypes == [("car", "struct<age:int>")]
    assert cars.rename_field("car.make", "make").toDF().dtypes == [("car", "struct<age:int>"), ("make", "string")]
    assert UnnestFrame.apply(cars).toDF().columns == ["car.make", "car.age"]


def test_fields_are_selected_dropped_and_renamed(frame):
    cars = frame("a int, b int, c int", (1, 2, 3))
    assert SelectFields.apply(cars, ["c", "a"]).toDF().columns == ["c", "a"]
    assert DropFields.apply(cars, paths=["a"]).toDF().columns == ["b", "c"]
    assert RenameField.apply(cars, "a", "z").toDF().columns == ["z", "b", "c"]
    parts = SplitFields.apply(cars, ["a"], "one", "rest")
    assert SelectFromCollection.apply(dfc=parts, key="rest").toDF().columns == ["b", "c"]


def test_filter_gets_dicts_and_drops_what_does_not_fit(frame):
    cars = frame("n int, tag struct<x:string>", (1, ("a",)), (None, ("a",)), (3, ("b",)))
    assert rows(Filter.apply(frame=cars, f=lambda r: r["n"] > 0 and r["tag"]["x"] == "a")) == [(1, ("a",))]
    assert Filter.apply(frame=cars, f=lambda r: r["absent"]).count() == 0


def test_map_keeps_types_and_adds_fields(frame):
    def twice(record):
        record["n"] *= 2
        if record["n"] > 2:
            record["big"] = True
        return record

    cars = frame("n int, price decimal(6,2), none string", (1, decimal.Decimal("1.50"), None), (2, None, None))
    got = Map.apply(frame=cars, f=twice)
    assert got.toDF().dtypes == [("n", "int"), ("price", "decimal(6,2)"), ("none", "string"), ("big", "boolean")]
    assert rows(got) == [(2, decimal.Decimal("1.50"), None, None), (4, None, None, True)]
    assert cars.filter(lambda r: False).map(twice).toDF().columns == ["n", "price", "none"]


def test_an_error_in_a_function_ends_the_job(frame):
    with pytest.raises(Exception, match="ZeroDivisionError"):
        frame("n int", (1,)).map(lambda r: {"n": 1 / 0}).count()


def test_resolve_choice(frame):
    cars = frame("n string, m string", ("1", "2"), ("x", "3"))
    got = ResolveChoice.apply(cars, specs=[("n", "cast:long"), ("m", "project:int"), ("absent", "cast:int")])
    assert got.toDF().dtypes == [("n", "bigint"), ("m", "int")]
    assert rows(got) == [(1, 2), (None, 3)]
    assert cars.resolveChoice(choice="make_struct").toDF().dtypes == cars.toDF().dtypes
    with pytest.raises(NotImplementedError, match='resolveChoice with choice "match_catalog"'):
        cars.resolveChoice(choice="match_catalog", database="db", table_name="t")


def test_null_fields_are_dropped(frame):
    cars = frame("n int, none string", (1, None), (None, None))
    assert DropNullFields.apply(frame=cars, transformation_ctx="d").toDF().columns == ["n"]
    assert cars.filter(lambda r: False).drop_nulls().toDF().columns == ["n", "none"]


def test_join_puts_a_dot_before_the_right_ones_equal_names(frame):
    cars, roads = frame("road string, n int", ("A1", 1), ("A2", 2)), frame("road string, name string", ("A1", "ring"))
    got = Join.apply(cars, roads, "road", "road")
    assert got.toDF().columns == ["road", "n", ".road", "name"]
    assert rows(got) == [("A1", 1, "A1", "ring")]


def test_rows_are_split_united_and_merged(frame):
    cars = frame("id int, n int", (1, 10), (2, None), (3, 30))
    parts = SplitRows.apply(cars, {"n": {">": 5, "<": 20}}, "mid", "rest")
    assert rows(parts["mid"]) == [(1, 10)] and rows(parts["rest"]) == [(2, None), (3, 30)]
    assert sorted(rows(Union.apply(parts["mid"], parts["rest"].drop_fields("n"))), key=str) == [
        (1, 10), (2, None), (3, None)]
    merged = cars.mergeDynamicFrame(frame("id int, n int", (3, 31), (4, 40)), ["id"])
    assert sorted(rows(merged), key=str) == [(1, 10), (2, None), (3, 31), (4, 40)]


def test_showing(frame, capsys):
    cars = frame("n int", (1,), (2,))
    cars.show(1)
    cars.printSchema()
    assert capsys.readouterr().out == '{"n":1}\nroot\n |-- n: integer (nullable = true)\n\n'
    assert (cars.count(), cars.schema().names, cars.coalesce(1).getNumPartitions()) == (2, ["n"], 1)


def test_absent_transforms_are_imported_but_fail_by_name(frame):
    names = {}
    exec("from awsglue.transforms import *", names)
    with pytest.raises(NotImplementedError, match="the transform Relationalize is not supported"):
        names["Relationalize"].apply(frame=frame("n int", (1,)))
    with pytest.raises(NotImplementedError, match="awsglue.transforms.Invented is not supported"):
        awsglue.transforms.Invented
