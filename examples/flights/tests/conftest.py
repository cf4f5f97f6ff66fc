"""The built script as a module, Spark, and the real data."""

import importlib.util
import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

DATA = Path(os.environ.get("FLIGHTS_DATA") or Path(__file__).resolve().parent.parent / "data")


@pytest.fixture(scope="session")
def job():
    """The job's functions, from the script that slipway check names in SLIPWAY_SCRIPT."""
    script = os.environ.get("SLIPWAY_SCRIPT")
    if not script:
        pytest.exit("SLIPWAY_SCRIPT is not set: run these tests with `slipway check`", returncode=4)
    spec = importlib.util.spec_from_file_location("flights", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def spark():
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",  # a quicker start
    }
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def table(job, spark):
    """One of the package's tables, typed as the job types it."""
    if not (DATA / "flights.csv").exists():
        pytest.exit("there is no %s: run python3 fetch_data.py" % (DATA / "flights.csv"), returncode=4)

    def table(name):
        raw = spark.read.csv(str(DATA / (name + ".csv")), header=True)
        return job.typed(raw, getattr(job, name.upper())).cache()

    return table


@pytest.fixture(scope="session")
def flights(table):
    return table("flights")
