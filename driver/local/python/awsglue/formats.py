"""Glue's data formats and their options, told in Spark's words."""

import os

from awsglue.unsupported import unsupported

# Glue's option -> Spark's option, per format. None: a hint about speed or layout
# that changes nothing in the result, so it is accepted and not passed on.
_COMMON = {"optimizePerformance": None, "groupFiles": None, "groupSize": None}
_PARQUET = dict(_COMMON, compression="compression", blockSize=None, pageSize=None, useGlueParquetWriter=None,
                enableDictionary=None, validatePages=None)
_OPTIONS = {
    "csv": dict(_COMMON, separator="sep", quoteChar="quote", escaper="escape", withHeader="header",
                writeHeader="header", multiline="multiLine", multiLine="multiLine", encoding="encoding",
                strictCheckForQuoting=None, compression="compression"),
    "json": dict(_COMMON, multiline="multiLine", multiLine="multiLine", encoding="encoding",
                 compression="compression"),
    "parquet": _PARQUET,
    "orc": dict(_COMMON, compression="compression"),
    "avro": dict(_COMMON, version=None, compression="compression"),
}
_ALIASES = {"glueparquet": "parquet"}
_EXTENSIONS = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet", ".orc": "orc", ".avro": "avro"}


def format_name(name):
    """The Spark format of a Glue format."""
    if not name:
        raise ValueError("no format given: say one of " + ", ".join(sorted(_OPTIONS)))
    lower = _ALIASES.get(name.lower(), name.lower())
    if lower not in _OPTIONS:
        raise unsupported('the format "%s"' % name, "use one of " + ", ".join(sorted(_OPTIONS)))
    return lower


def format_of_path(path):
    """The format that a file's extension, or that of a folder's first file, stands for."""
    if os.path.isdir(path):
        names = sorted(name for name in os.listdir(path) if not name.startswith(("_", ".")))
        path = names[0] if names else path
    stem, extension = os.path.splitext(path)
    if extension == ".gz":
        extension = os.path.splitext(stem)[1]
    if extension not in _EXTENSIONS:
        raise ValueError('%s: its extension tells no format; map the table as {"path": ..., "format": "csv"}' % path)
    return _EXTENSIONS[extension]


def spark_options(fmt, options, reading):
    """The Spark options for a format's Glue options; an unknown one fails by name."""
    known = _OPTIONS[fmt]
    result = {"header": "false" if reading else "true", "escape": '"'} if fmt == "csv" else {}
    for name, value in options.items():
        if name not in known:
            raise unsupported("the option %s of format %s" % (name, fmt), "known are " + ", ".join(sorted(known)))
        if known[name] is not None:
            result[known[name]] = _text(known[name], value)
    return result


def _text(name, value):
    if name == "quote" and value in (-1, "-1"):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def name_columns(frame, fmt, options):
    """Glue calls the columns of a CSV without header col0, col1, ..."""
    if fmt != "csv" or options.get("header") == "true":
        return frame
    return frame.toDF(*["col%d" % place for place in range(len(frame.columns))])


def require_avro(session, fmt):
    """Spark's avro module is an extra jar: say so before Spark does, at length."""
    if fmt == "avro" and "avro" not in session.conf.get("spark.jars", ""):
        raise unsupported('the format "avro"', "pass Spark's avro jar with --extra-jars (spark-avro_2.12)")
