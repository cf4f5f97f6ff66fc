"""GlueContext: where a job gets its frames from, and where it puts them."""

import os
import sys

from awsglue.dynamicframe import DynamicFrame, DynamicFrameReader, DynamicFrameWriter
from awsglue.sinks import DataSink
from awsglue.sources import FileSource
from awsglue.streaming import for_each_batch, ingestion_columns
from awsglue.tables import find_table
from awsglue.unsupported import Refusing, module_getattr, unsupported

__getattr__ = module_getattr(__name__)

# What a GlueContext shares with the SQLContext that it is in Glue.
_OF_THE_SESSION = ("sql", "read", "readStream", "createDataFrame", "table", "range", "udf", "streams", "catalog", "conf")


class GlueContext(Refusing):
    """The entry to Glue's names, over the Spark session of this process."""

    def __init__(self, sparkContext, **options):
        from pyspark.sql import SparkSession

        is_session = isinstance(sparkContext, SparkSession)
        self.spark_session = sparkContext if is_session else SparkSession.builder.getOrCreate()
        self._sc = self.spark_session.sparkContext
        self.create_dynamic_frame = DynamicFrameReader(self)
        self.create_data_frame = DataFrameReader(self)
        self.write_dynamic_frame = DynamicFrameWriter(self)

    def __getattr__(self, name):
        if name in _OF_THE_SESSION:
            return getattr(self.spark_session, name)
        return super().__getattr__(name)

    @property
    def sparkSession(self):
        """The Spark session, by its other name."""
        return self.spark_session

    def get_logger(self):
        """The logger whose lines Glue sends to the job's log; here, to stderr."""
        return GlueLogger()

    def create_dynamic_frame_from_options(self, connection_type, connection_options=None, format=None,
                                          format_options=None, transformation_ctx="", push_down_predicate=""):
        """A DynamicFrame of the files at connection_options["paths"]."""
        source = FileSource(self.spark_session, connection_type, connection_options or {}, transformation_ctx)
        df = source.batch(format or connection_type, format_options or {})
        return DynamicFrame.fromDF(_pushed(df, push_down_predicate), self, transformation_ctx)

    def create_dynamic_frame_from_catalog(self, database=None, table_name=None, redshift_tmp_dir="",
                                          transformation_ctx="", push_down_predicate="", additional_options=None,
                                          catalog_id=None, name_space=None):
        """A DynamicFrame of the files that the table is mapped to."""
        table = find_table(database or name_space, table_name)
        df = self._table_source(table, additional_options, transformation_ctx).batch(table.format, table.options)
        return DynamicFrame.fromDF(_pushed(df, push_down_predicate), self, table_name)

    def create_dynamic_frame_from_rdd(self, data, name, schema=None, sample_ratio=None, transformation_ctx=""):
        """A DynamicFrame of an RDD or a list of rows."""
        return DynamicFrame.fromDF(self.spark_session.createDataFrame(data, schema, sample_ratio), self, name)

    def create_data_frame_from_options(self, connection_type, connection_options=None, format=None,
                                       format_options=None, transformation_ctx="", push_down_predicate=""):
        """A DataFrame; a streaming one in a gluestreaming job, or with {"streaming": true}."""
        options = connection_options or {}
        source = FileSource(self.spark_session, connection_type, options, transformation_ctx)
        read = source.stream if _streaming(options) else source.batch
        return _pushed(read(format or connection_type, format_options or {}), push_down_predicate)

    def create_data_frame_from_catalog(self, database=None, table_name=None, redshift_tmp_dir="",
                                       transformation_ctx="", push_down_predicate="", additional_options=None,
                                       catalog_id=None, name_space=None):
        """A DataFrame of the files that the table is mapped to; streaming in a gluestreaming job."""
        table = find_table(database or name_space, table_name)
        source = self._table_source(table, additional_options, transformation_ctx)
        read = source.stream if _streaming(source.options) else source.batch
        return _pushed(read(table.format, table.options), push_down_predicate)

    def _table_source(self, table, additional, ctx):
        options = {"path": table.path, "recurse": True}
        if table.schema:
            options["schema"] = table.schema
        if _streaming(additional or {}):
            options["streaming"] = True
        return FileSource(self.spark_session, "file", options, ctx)

    def write_dynamic_frame_from_options(self, frame, connection_type, connection_options=None, format=None,
                                         format_options=None, transformation_ctx=""):
        """Writes a frame as files at connection_options["path"]."""
        sink = DataSink(self.spark_session, connection_type, connection_options or {})
        sink.setFormat(format or connection_type, **(format_options or {}))
        return sink.write(frame)

    def write_from_options(self, frame_or_dfc, connection_type, connection_options=None, format=None,
                           format_options=None, transformation_ctx=""):
        """Writes a frame or a collection of frames as files."""
        return self.write_dynamic_frame_from_options(
            frame_or_dfc, connection_type, connection_options, format, format_options, transformation_ctx)

    def write_dynamic_frame_from_catalog(self, frame, database=None, table_name=None, redshift_tmp_dir="",
                                         transformation_ctx="", additional_options=None, catalog_id=None,
                                         name_space=None):
        """Writes a frame into the folder that the table is mapped to."""
        table = find_table(database or name_space, table_name)
        if os.path.isfile(table.path):
            raise ValueError("table %s: it is mapped to the file %s; map it to a folder to write to it"
                             % (table.name, table.path))
        options = dict(additional_options or {}, path=table.path)
        return self.write_dynamic_frame_from_options(frame, "file", options, table.format)

    def write_dynamic_frame_from_jdbc_conf(self, frame, catalog_connection, connection_options=None,
                                           redshift_tmp_dir="", transformation_ctx="", catalog_id=None):
        """Refused: there is no database on a laptop."""
        raise unsupported(
            'write_dynamic_frame.from_jdbc_conf(catalog_connection="%s")' % catalog_connection,
            "there is no database here: choose the kind of target by a job argument, "
            "and give a folder in environments.local.run.arguments",
        )

    def getSource(self, connection_type, format=None, transformation_ctx="", push_down_predicate="", **options):
        """A source to set a format on and to take a frame from."""
        return DataSource(self, connection_type, options, format, transformation_ctx, push_down_predicate)

    def getSink(self, connection_type, format=None, transformation_ctx="", **options):
        """A sink to set a format on and to write frames to."""
        sink = DataSink(self.spark_session, connection_type, options)
        if format:
            sink.setFormat(format)
        return sink

    def forEachBatch(self, frame, batch_function, options=None):
        """Calls batch_function(DataFrame, batch id) for every window of a stream."""
        for_each_batch(frame, batch_function, options or {})

    def add_ingestion_time_columns(self, dataFrame, timeGranularity):
        """Adds ingest_year, ingest_month, ... up to the granularity (day, hour or minute)."""
        return ingestion_columns(dataFrame, timeGranularity)


class DataFrameReader(Refusing):
    """GlueContext.create_data_frame."""

    def __init__(self, glue_context):
        self.from_options = glue_context.create_data_frame_from_options
        self.from_catalog = glue_context.create_data_frame_from_catalog


class DataSource(Refusing):
    """What GlueContext.getSource gives."""

    def __init__(self, glue_context, connection_type, options, format, ctx, predicate):
        self._read = glue_context.create_dynamic_frame_from_options
        self._fixed = dict(connection_type=connection_type, connection_options=options,
                           transformation_ctx=ctx, push_down_predicate=predicate)
        self._format = {"format": format}

    def setFormat(self, format, **options):
        """Sets the format and its options."""
        self._format = {"format": format, "format_options": options}

    def getFrame(self):
        """The data as a DynamicFrame."""
        return self._read(**dict(self._fixed, **self._format))


class GlueLogger(Refusing):
    """Writes a line per message to stderr."""

    def info(self, message):
        """Writes an information."""
        print("INFO GlueLogger: %s" % message, file=sys.stderr)

    def warn(self, message):
        """Writes a warning."""
        print("WARN GlueLogger: %s" % message, file=sys.stderr)

    def error(self, message):
        """Writes an error."""
        print("ERROR GlueLogger: %s" % message, file=sys.stderr)

    def debug(self, message):
        """Drops the message, as Glue does at its default level."""


def _pushed(df, predicate):
    return df.where(predicate) if predicate else df


def _streaming(options):
    asked = str(options.get("streaming", False)).lower() == "true"
    return asked or os.environ.get("SLIPWAY_JOB_TYPE") == "gluestreaming"
