"""Glue's names for types; here they are Spark's own."""

from pyspark.sql.types import *  # noqa: F401,F403
from awsglue.unsupported import module_getattr

__getattr__ = module_getattr(__name__)
