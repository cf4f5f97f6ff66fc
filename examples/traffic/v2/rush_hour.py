"""Version 2: the step that marks the rush hours."""


def test_a_rush_hour_is_near_the_roads_busiest(traffic, spark):
    rows = [("A1", 7, 80.0), ("A1", 8, 100.0), ("A1", 9, 79.0), ("B96", 8, 10.0)]
    hours = spark.createDataFrame(rows, "road string, hour int, vehicles_per_hour double")
    marked = traffic.with_rush_hour(hours).orderBy("road", "hour")
    assert [row.rush_hour for row in marked.collect()] == [True, True, False, True]
