"""Prints what the last run has written: python show.py [out/local]."""

import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
hours = spark.read.parquet(sys.argv[1] if len(sys.argv) > 1 else "out/local")
print(f"{hours.count()} hours of {hours.select('road').distinct().count()} roads")
hours.where("not is_holiday and weekday = 'Mon' and hour between 6 and 10").orderBy("road", "hour").show()
