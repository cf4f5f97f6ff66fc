"""Writing frames to files."""

from awsglue.dynamicframe import DynamicFrameCollection
from awsglue.formats import format_name, require_avro, spark_options
from awsglue.locations import local_path
from awsglue.sources import require_files
from awsglue.unsupported import Refusing, unsupported

_HINTS = ("enableUpdateCatalog", "updateBehavior", "useFrameName", "groupFiles", "groupSize")
_KNOWN = ("path", "partitionKeys", "compression") + _HINTS


class DataSink(Refusing):
    """What GlueContext.getSink gives: set a format, then write a frame.

    As in Glue, writing adds files to what is there.
    """

    def __init__(self, session, connection_type, options):
        require_files(connection_type)
        unknown = sorted(set(options) - set(_KNOWN))
        if unknown:
            raise unsupported("the connection option " + ", ".join(unknown), "known are " + ", ".join(sorted(_KNOWN)))
        if not options.get("path"):
            raise ValueError('no path to write to: give connection_options={"path": ...}')
        self._session = session
        self._path = local_path(options["path"])
        self._partitions = options.get("partitionKeys") or []
        self._options = {"compression": options["compression"]} if options.get("compression") else {}
        self._format = None

    def setFormat(self, format, **options):
        """Sets the format and its options."""
        self._format = format_name(format)
        require_avro(self._session, self._format)
        self._options.update(options)

    def setCatalogInfo(self, catalogDatabase=None, catalogTableName=None, catalogId=None):
        """Names the catalog table to keep up to date; there is no catalog here to update."""

    def write(self, frame):
        """Writes a DynamicFrame, or each frame of a collection into a folder of its name."""
        if isinstance(frame, DynamicFrameCollection):
            for name in frame.keys():
                self._save(frame[name].toDF(), "%s/%s" % (self._path, name))
        else:
            self._save(frame.toDF(), self._path)
        return frame

    def writeFrame(self, frame, info=""):
        """Writes a DynamicFrame."""
        return self.write(frame)

    def _save(self, df, path):
        fmt = format_name(self._format)
        if not df.columns:
            return  # An empty frame of a bookmarked read: Glue writes nothing either.
        writer = df.write.format(fmt).mode("append").options(**spark_options(fmt, self._options, reading=False))
        if self._partitions:
            writer = writer.partitionBy(*self._partitions)
        writer.save(path)
