"""What counts as a good row of the traffic counts."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

TYPES = {"measured_at": "timestamp", "road": "string", "direction": "string", "vehicles": "int", "speed_kmh": "double"}


def typed(raw: DataFrame) -> DataFrame:
    """The columns of the file with their types; what does not fit its type becomes null."""
    return raw.select(*[F.col(name).cast(kind).alias(name) for name, kind in TYPES.items()])


def good(counts: DataFrame) -> DataFrame:
    """Each count once, and only those that a sensor can have meant."""
    whole = counts.dropna(subset=["measured_at", "road", "vehicles"])
    return whole.where("vehicles >= 0").dropDuplicates(["measured_at", "road", "direction"])
