"""Reading files into DataFrames, in one go or as a stream."""

import os

from awsglue.formats import format_name, name_columns, require_avro, spark_options
from awsglue.job import Job
from awsglue.locations import data_files, local_path
from awsglue.unsupported import unsupported

FILES = ("s3", "file")
_FORMATS_AS_TYPES = ("parquet", "orc", "csv", "json")
_JDBC = ("jdbc", "redshift", "mysql", "postgresql", "oracle", "sqlserver", "custom.jdbc", "marketplace.jdbc", "snowflake")
_STREAMS = ("kinesis", "kafka")
_HINTS = ("groupFiles", "groupSize", "useS3ListImplementation", "maxBand", "maxFilesInBand", "isFailFast",
          "boundedFiles", "boundedSize", "compressionType", "jobBookmarkKeys", "jobBookmarkKeysSortOrder")
_KNOWN = ("path", "paths", "recurse", "exclusions", "schema", "streaming") + _HINTS


def require_files(connection_type):
    """Refuses a connection that is not made of files, each kind with its remedy."""
    if connection_type in FILES + _FORMATS_AS_TYPES:
        return
    if connection_type in _JDBC:
        raise unsupported(
            'connection_type="%s"' % connection_type,
            "there is no database here: choose the kind by a job argument, and give a folder "
            "(connection_type=\"s3\" with a path) in environments.local.run.arguments",
        )
    if connection_type in _STREAMS:
        raise unsupported(
            'connection_type="%s"' % connection_type,
            'read a folder as a stream instead: connection_type="file" with {"paths": [...], "streaming": true}, '
            "or from_catalog with the stream's table in environments.local.run.tables",
        )
    raise unsupported('connection_type="%s"' % connection_type, 'use "s3" or "file" with paths')


class FileSource:
    """Files of one format at some paths, with Glue's connection options."""

    def __init__(self, session, connection_type, options, ctx):
        require_files(connection_type)
        unknown = sorted(set(options) - set(_KNOWN))
        if unknown:
            raise unsupported("the connection option " + ", ".join(unknown), "known are " + ", ".join(sorted(_KNOWN)))
        self.session = session
        self.options = options
        self.ctx = ctx
        self.paths = _paths(options)

    def batch(self, fmt, format_options):
        """All the data, or with bookmarks what is new; a DataFrame."""
        fmt = format_name(fmt)
        require_avro(self.session, fmt)
        skip = _skip_first(fmt, format_options)
        options = spark_options(fmt, skip, reading=True)
        reader = self.session.read.format(fmt).options(**options)
        if self.options.get("schema"):
            reader = reader.schema(self.options["schema"])
        paths = self._selected()
        if paths is None:
            return self.session.createDataFrame([], "struct<>")
        if len(self.paths) == 1 and os.path.isdir(self.paths[0]):
            reader = reader.option("basePath", os.path.abspath(self.paths[0]))
        return name_columns(reader.load(paths), fmt, options)

    def stream(self, fmt, format_options):
        """A streaming DataFrame over a folder's files, present and future."""
        fmt = format_name(fmt)
        require_avro(self.session, fmt)
        if len(self.paths) != 1:
            raise ValueError("a stream is read from one folder; got %d paths" % len(self.paths))
        options = spark_options(fmt, format_options, reading=True)
        schema = self.options.get("schema") or self.session.read.format(fmt).options(**options).load(self.paths[0]).schema
        return self.session.readStream.format(fmt).options(**options).schema(schema).load(self.paths[0])

    def _selected(self):
        """The paths to hand to Spark; None where there is nothing to read."""
        exclusions = self.options.get("exclusions", "[]")
        recurse = _true(self.options.get("recurse", False))
        files = data_files(self.paths, recurse, exclusions)
        if Job.tracks(self.ctx):
            files = Job.unread(self.ctx, files)
        return files or None


def _skip_first(fmt, options):
    """withHeader says that the first line names the columns; skipFirst alone cannot be told to Spark."""
    if fmt == "csv" and _true(options.get("skipFirst", False)) and not _true(options.get("withHeader", False)):
        raise unsupported("skipFirst without withHeader", "use withHeader, and rename the columns")
    return {name: value for name, value in options.items() if name != "skipFirst"}


def _paths(options):
    paths = options.get("paths") or options.get("path")
    if not paths:
        raise ValueError('no paths to read from: give connection_options={"paths": [...]}')
    return [local_path(path) for path in ([paths] if isinstance(paths, str) else paths)]


def _true(value):
    return str(value).lower() == "true"
