"""Streams: batches by window, each handed to the job's own function."""

import os

from awsglue.locations import local_path
from awsglue.unsupported import unsupported

# With this variable set to "available" a stream ends when it has read what is there.
VARIABLE = "SLIPWAY_STREAM"
_KNOWN = ("windowSize", "checkpointLocation", "batchMaxRetries", "persistDataFrame", "storageLevel")
_GRAINS = ("year", "month", "day", "hour", "minute")


def for_each_batch(frame, batch_function, options):
    """Runs the stream until it is stopped or a batch fails more often than allowed."""
    unknown = sorted(set(options) - set(_KNOWN))
    if unknown:
        raise unsupported("the forEachBatch option " + ", ".join(unknown), "known are " + ", ".join(sorted(_KNOWN)))
    if not options.get("checkpointLocation"):
        raise ValueError("forEachBatch: checkpointLocation is missing from its options")
    writer = frame.writeStream.foreachBatch(_retried(batch_function, int(options.get("batchMaxRetries", 3))))
    writer = writer.option("checkpointLocation", local_path(options["checkpointLocation"]))
    query = writer.trigger(**_trigger(options)).start()
    query.awaitTermination()


def _trigger(options):
    if os.environ.get(VARIABLE) == "available":
        return {"availableNow": True}
    return {"processingTime": options.get("windowSize", "0 seconds")}


def _retried(batch_function, retries):
    """The batch, held in memory, and tried again on failure as Glue does."""

    def run(frame, batch_id):
        frame = frame.persist()
        try:
            for left in range(retries, -1, -1):
                try:
                    return batch_function(frame, batch_id)
                except Exception as err:  # Whatever the job's function raises.
                    if left == 0:
                        raise
                    print("batch %d failed (%s: %s), tries left: %d" % (batch_id, type(err).__name__, err, left))
        finally:
            frame.unpersist()

    return run


def ingestion_columns(frame, granularity):
    """The frame with the time of reading as columns, down to the granularity."""
    from pyspark.sql import functions as F

    if granularity not in ("day", "hour", "minute"):
        raise ValueError('timeGranularity is "%s"; it must be day, hour or minute' % granularity)
    grain = {"year": F.year, "month": F.month, "day": F.dayofmonth, "hour": F.hour, "minute": F.minute}
    for name in _GRAINS[:_GRAINS.index(granularity) + 1]:
        frame = frame.withColumn("ingest_" + name, grain[name](F.current_timestamp()))
    return frame
