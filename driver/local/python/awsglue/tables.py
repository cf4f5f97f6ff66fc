"""The data catalog of a laptop: tables that are mapped to files."""

import json
import os

from awsglue.formats import format_name, format_of_path
from awsglue.locations import local_path

VARIABLE = "SLIPWAY_TABLES"


class Table:
    """One mapped table: where it lies, in which format, read with which options."""

    def __init__(self, name, entry):
        entry = {"path": entry} if isinstance(entry, str) else dict(entry)
        if "path" not in entry:
            raise ValueError("table %s: its mapping has no path" % name)
        self.name = name
        self.path = local_path(entry.pop("path"))
        self.format = format_name(entry.pop("format", None) or format_of_path(self.path))
        self.options = entry.pop("options", {"withHeader": True} if self.format == "csv" else {})
        self.schema = entry.pop("schema", None)
        if entry:
            raise ValueError(
                "table %s: unknown %s in its mapping (path, format, options, schema)" % (name, ", ".join(sorted(entry)))
            )


def find_table(database, table):
    """The mapped table, or an error that says which there are and how to add one."""
    if not database or not table:
        raise ValueError("both database and table_name are needed to find a table")
    name = "%s.%s" % (database, table)
    mapped = _mapping()
    if name not in mapped:
        raise KeyError(_Missing(
            "table %s is not mapped to files on this machine (mapped: %s); add it to environments.local.run.tables, "
            "as %s: data/%s.csv" % (name, ", ".join(sorted(mapped)) or "none", name, table)
        ))
    return Table(name, mapped[name])


class _Missing(str):
    """A KeyError shows the repr of its argument; this one reads as a sentence."""

    def __repr__(self):
        return str(self)


def _mapping():
    text = os.environ.get(VARIABLE) or "{}"
    try:
        mapping = json.loads(text)
    except ValueError as err:
        raise ValueError("%s is not JSON: %s" % (VARIABLE, err))
    if not isinstance(mapping, dict):
        raise ValueError('%s is not a JSON object of "database.table": path' % VARIABLE)
    return mapping
