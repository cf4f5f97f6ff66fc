"""The built script as a module, and a small Spark session.

`slipway check` builds the script and names it in SLIPWAY_SCRIPT. It can be
imported because the cell that runs the job is guarded by __name__.
"""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

APP = Path(__file__).resolve().parent.parent
sys.path.insert(0, os.environ.get("SLIPWAY_MODULES") or str(APP))


@pytest.fixture(scope="session")
def traffic():
    """The job's functions."""
    script = os.environ.get("SLIPWAY_SCRIPT")
    if not script:
        pytest.exit("SLIPWAY_SCRIPT is not set: run these tests with `slipway check`", returncode=4)
    spec = importlib.util.spec_from_file_location("traffic", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def spark():
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",  # a quicker start
    }
    builder = SparkSession.builder.master("local[1]").appName("tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()
