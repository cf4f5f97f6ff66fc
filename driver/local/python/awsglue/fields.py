"""Dotted field paths over DataFrames: mapping, selecting, casting, dropping."""

from awsglue.unsupported import unsupported

_TYPES = {"long": "bigint", "short": "smallint", "byte": "tinyint", "integer": "int"}


def split_path(path):
    """The parts of a path; backticks keep a dot that belongs to a name."""
    parts, part, quoted = [], "", False
    for letter in path:
        if letter == "`":
            quoted = not quoted
        elif letter == "." and not quoted:
            parts.append(part)
            part = ""
        else:
            part += letter
    return parts + [part]


def join_path(parts):
    """The path of the parts, quoted for Spark."""
    return ".".join("`%s`" % part for part in parts)


def has_field(schema, parts):
    """Whether the schema has a field at the path."""
    for part in parts:
        if part not in getattr(schema, "names", ()):
            return False
        schema = schema[part].dataType
    return True


def cast(column, glue_type):
    """The column as the Glue type; what cannot be cast becomes null."""
    import pyspark
    from pyspark.sql import functions as F

    spark_type = _TYPES.get(glue_type, glue_type)
    if int(pyspark.__version__.split(".")[0]) < 4:
        return F.col(column).cast(spark_type)
    return F.expr("try_cast(%s as %s)" % (column, spark_type))


def mapped(df, mappings):
    """The frame that apply_mapping makes: sources that are missing are left out."""
    tree = {}
    for mapping in mappings:
        source, target, kind = _mapping(mapping)
        parts = split_path(source)
        if has_field(df.schema, parts):
            column = cast(join_path(parts), kind) if kind else _column(join_path(parts))
            _plant(tree, split_path(target), column)
    return df.select(*_columns(tree))


def _mapping(mapping):
    if len(mapping) == 4:
        return mapping[0], mapping[2], mapping[3]
    if len(mapping) == 2:
        return mapping[0], mapping[1], None
    raise unsupported("the mapping %r" % (mapping,), "write it as (source, source type, target, target type)")


def _plant(tree, parts, column):
    for part in parts[:-1]:
        tree = tree.setdefault(part, {})
    tree[parts[-1]] = column


def _columns(tree):
    from pyspark.sql import functions as F

    return [
        (F.struct(*_columns(node)) if isinstance(node, dict) else node).alias(name) for name, node in tree.items()
    ]


def _column(path):
    from pyspark.sql import functions as F

    return F.col(path)


def dropped(df, paths):
    """The frame without the fields; a missing one is no error."""
    for path in paths:
        parts = split_path(path)
        if not has_field(df.schema, parts):
            continue
        if len(parts) == 1:
            df = df.drop(parts[0])
        else:
            df = df.withColumn(parts[0], _column(join_path(parts[:1])).dropFields(join_path(parts[1:])))
    return df


def renamed(df, old, new):
    """The frame with one field under a new name; fields keep their order where both are plain."""
    source, target = split_path(old), split_path(new)
    if not has_field(df.schema, source):
        return df
    if len(source) == 1 and len(target) == 1:
        return df.withColumnRenamed(source[0], target[0])
    if len(target) > 1:
        raise unsupported('rename_field to the nested name "%s"' % new, "use apply_mapping")
    return dropped(df.withColumn(target[0], _column(join_path(source))), [old])


def flattened(schema, above=()):
    """The paths of all fields that are not structs, as tuples of names."""
    for field in schema.fields:
        path = above + (field.name,)
        if hasattr(field.dataType, "fields"):
            for below in flattened(field.dataType, path):
                yield below
        else:
            yield path
