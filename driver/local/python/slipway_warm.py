"""A small job that touches what most jobs use, so that a class archive holds it."""

import os
import sys

from awsglue.context import GlueContext
from awsglue.transforms import ApplyMapping, Filter
from pyspark.context import SparkContext
from pyspark.sql import Window
from pyspark.sql import functions as F


def main(work):
    """Reads, types, joins, aggregates, ranks, writes and shows a few rows."""
    glue = GlueContext(SparkContext.getOrCreate())
    source = os.path.join(work, "in.csv")
    with open(source, "w", encoding="utf-8") as file:
        file.write("road,at,count\n" + "".join("A%d,2024-01-%02dT07:30:00,%d\n" % (n % 3, n, n) for n in range(1, 29)))
    frame = glue.create_dynamic_frame.from_options("s3", {"paths": [source]}, "csv", {"withHeader": True})
    frame = ApplyMapping.apply(frame, [("road", "string", "road", "string"), ("at", "string", "at", "timestamp"),
                                       ("count", "string", "vehicles", "int")])
    df = Filter.apply(frame, lambda record: record["vehicles"] > 1).toDF()
    roads = glue.spark_session.createDataFrame([("A0", "ring"), ("A1", "main")], ["road", "name"])
    grouped = (
        df.dropDuplicates().join(F.broadcast(roads), "road", "left")
        .groupBy("road", F.hour("at").alias("hour"), F.date_format("at", "EEEE").alias("weekday"))
        .agg(F.sum("vehicles").alias("vehicles"), F.avg("vehicles").alias("mean"), F.countDistinct("at").alias("days"))
        .withColumn("rank", F.row_number().over(Window.partitionBy("road").orderBy(F.desc("vehicles"))))
    )
    target = os.path.join(work, "out")
    grouped.write.mode("overwrite").partitionBy("road").parquet(target)
    back = glue.spark_session.read.parquet(target)
    back.orderBy("road", "hour").show()
    back.write.json(os.path.join(work, "json"))
    glue.spark_session.read.json(os.path.join(work, "json")).createOrReplaceTempView("hours")
    glue.sql("select road, max(vehicles) as most from hours where mean > 1 group by road order by road").show()


main(sys.argv[1])
