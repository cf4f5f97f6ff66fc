"""Records for Python functions: rows as dicts, and dicts back as rows."""


def record_of(row):
    """The dict that a filter or map function of a job gets."""
    return row.asDict(recursive=True)


def keeps(function):
    """The predicate over rows of a job's filter function.

    As in Glue, a record whose field is missing or of the wrong kind is filtered out.
    """

    def test(row):
        try:
            return bool(function(record_of(row)))
        except (KeyError, ValueError, TypeError):
            return False

    return test


def frame_of(session, rdd, before):
    """The DataFrame of an RDD of dicts; fields that were there before keep their type if they can."""
    from pyspark.sql.types import StructType

    if rdd.isEmpty():
        return session.createDataFrame([], before)
    inferred = _inferred(session, rdd)
    known = {field.name: field for field in before.fields}
    names = [name for name in known if name in inferred] + [name for name in inferred if name not in known]
    schema = StructType([_settled(inferred[name], known.get(name)) for name in names])
    rows = rdd.map(lambda record: tuple(record.get(name) for name in names))
    return session.createDataFrame(rows, schema, verifySchema=False)


def _inferred(session, rdd):
    """The fields of all records, by name, in order of appearance."""
    from pyspark.sql import Row

    rows = rdd.map(lambda record: Row(**record))
    return {field.name: field for field in session.createDataFrame(rows, samplingRatio=1.0).schema.fields}


def _settled(field, before):
    """Python has one int and one float: the type that was there before is the better one."""
    from pyspark.sql import types

    new, old = field.dataType, before.dataType if before else types.StringType()
    families = (types.IntegralType, (types.FloatType, types.DoubleType), types.DecimalType)
    alike = any(isinstance(old, kind) and isinstance(new, kind) for kind in families)
    kind = old if alike or isinstance(new, types.NullType) else new
    return types.StructField(field.name, kind, True)
