"""One Spark session for all tests; without PySpark they are skipped in plain sight, never in CI."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
RUNTIME = os.path.dirname(HERE)
sys.path.insert(0, RUNTIME)


@pytest.fixture(scope="session")
def glue(tmp_path_factory):
    """A GlueContext on real Spark, set up as the launcher does."""
    if not os.environ.get("CI"):
        pytest.importorskip("pyspark", reason="PySpark is not installed: tests of the awsglue shim on Spark are skipped")
    from slipway_spark import set_up_spark

    os.environ["SLIPWAY_WORK"] = str(tmp_path_factory.mktemp("spark"))
    os.environ["PYTHONPATH"] = RUNTIME
    set_up_spark([], os.environ)
    from awsglue.context import GlueContext
    from pyspark.context import SparkContext

    return GlueContext(SparkContext.getOrCreate())


@pytest.fixture(autouse=True)
def fresh_job():
    """No job of an earlier test stays initialised."""
    from awsglue.job import Job

    yield
    Job._name = Job._bookmarks = None


@pytest.fixture
def frame(glue):
    """A small DynamicFrame of rows given as dicts."""
    from awsglue.dynamicframe import DynamicFrame

    def make(schema, *rows):
        return DynamicFrame.fromDF(glue.spark_session.createDataFrame(list(rows), schema), glue, "frame")

    return make
