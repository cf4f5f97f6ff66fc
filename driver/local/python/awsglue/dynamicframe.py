"""DynamicFrame: a Spark DataFrame under Glue's names.

In Glue a column may hold values of several types at once (a choice). Here a
column has one type, the one that Spark read; resolveChoice casts it.
"""

from awsglue import fields
from awsglue.records import frame_of, keeps, record_of
from awsglue.unsupported import Refusing, module_getattr, unsupported

__getattr__ = module_getattr(__name__)

_COMPARE = {">": "__gt__", "<": "__lt__", ">=": "__ge__", "<=": "__le__", "=": "__eq__", "!=": "__ne__"}


class DynamicFrame(Refusing):
    """A frame of records. Every method gives a new frame and leaves this one as it is.

    The trailing parameters that Glue's methods share (transformation_ctx, info,
    stageThreshold, totalThreshold) are accepted and mean nothing here: there are
    no error records, because an error in a job's function ends the job.
    """

    def __init__(self, df, glue_ctx, name=""):
        self._df = df
        self.glue_ctx = glue_ctx
        self.name = name

    @classmethod
    def fromDF(cls, dataframe, glue_ctx, name=""):
        """The DynamicFrame of a Spark DataFrame."""
        return cls(dataframe, glue_ctx, name)

    def toDF(self, options=None):
        """The Spark DataFrame."""
        if options:
            raise unsupported("DynamicFrame.toDF with options", "use resolveChoice, or cast the DataFrame's column")
        return self._df

    def _with(self, df, name=None):
        return DynamicFrame(df, self.glue_ctx, self.name if name is None else name)

    def count(self):
        """The number of records."""
        return self._df.count()

    def schema(self):
        """The schema, as Spark's StructType."""
        return self._df.schema

    def printSchema(self):
        """Prints the schema as a tree."""
        self._df.printSchema()

    def show(self, num_rows=20):
        """Prints the first records, one JSON object a line, as Glue does."""
        for line in self._df.toJSON().take(num_rows):
            print(line)

    def repartition(self, num_partitions, *_, **__):
        """The frame in that many partitions."""
        return self._with(self._df.repartition(num_partitions))

    def coalesce(self, num_partitions, shuffle=False, *_, **__):
        """The frame in at most that many partitions."""
        return self.repartition(num_partitions) if shuffle else self._with(self._df.coalesce(num_partitions))

    def getNumPartitions(self):
        """The number of partitions."""
        return self._df.rdd.getNumPartitions()

    def apply_mapping(self, mappings, case_sensitive=False, *_, **__):
        """The fields named in (source, source type, target, target type) tuples, and no others."""
        return self._with(fields.mapped(self._df, mappings))

    def select_fields(self, paths, *_, **__):
        """The fields at these paths; a missing one is left out."""
        return self._with(fields.mapped(self._df, [(path, path) for path in _list(paths)]))

    def drop_fields(self, paths, *_, **__):
        """All but the fields at these paths."""
        return self._with(fields.dropped(self._df, _list(paths)))

    def rename_field(self, oldName, newName, *_, **__):
        """One field under a new name."""
        return self._with(fields.renamed(self._df, oldName, newName))

    def filter(self, f, *_, **__):
        """The records for which f(record) is true; the record is a dict."""
        test = keeps(f)
        rows = self._df.rdd.filter(test)
        return self._with(self.glue_ctx.spark_session.createDataFrame(rows, self._df.schema, verifySchema=False))

    def map(self, f, *_, **__):
        """The records that f(record) gives; both are dicts."""
        records = self._df.rdd.map(lambda row: f(record_of(row)))
        return self._with(frame_of(self.glue_ctx.spark_session, records, self._df.schema))

    def resolveChoice(self, specs=None, choice="", *_, **__):
        """Casts by specs, (path, "cast:type") and the like; a column of one type needs no choice."""
        if choice and specs:
            raise ValueError("give resolveChoice either specs or choice, not both")
        df = self._df
        for path, action in specs or []:
            df = self._resolved(df, path, action)
        if choice and choice.split(":")[0] not in ("cast", "project", "make_cols", "make_struct"):
            raise unsupported('resolveChoice with choice "%s"' % choice, 'give specs, as [("price", "cast:double")]')
        return self._with(df)

    @staticmethod
    def _resolved(df, path, action):
        verb, _, kind = action.partition(":")
        parts = fields.split_path(path)
        if verb in ("make_cols", "make_struct") or not fields.has_field(df.schema, parts):
            return df
        if verb not in ("cast", "project") or not kind or len(parts) > 1:
            raise unsupported('resolveChoice of "%s" by "%s"' % (path, action), "cast it with apply_mapping")
        return df.withColumn(parts[0], fields.cast(fields.join_path(parts), kind))

    def drop_nulls(self, *_, **__):
        """All fields but those that are null in every record."""
        from pyspark.sql import functions as F

        counts = self._df.select(F.count(F.lit(1)), *[F.count(_quoted(c)) for c in self._df.columns]).first()
        empty = [c for c, filled in zip(self._df.columns, counts[1:]) if counts[0] and not filled]
        return self._with(self._df.drop(*empty))

    def join(self, paths1, paths2, frame2, *_, **__):
        """The inner join on equal fields; a name that both have gets a dot in front on the right."""
        left, right = self._df, frame2.toDF()
        keys = [".%s" % key if key in left.columns else key for key in _list(paths2)]
        right = right.toDF(*[".%s" % name if name in left.columns else name for name in right.columns])
        condition = [left["`%s`" % one] == right["`%s`" % two] for one, two in zip(_list(paths1), keys)]
        return self._with(left.join(right, condition, "inner"), self.name + frame2.name)

    def union(self, other_frame, *_, **__):
        """The records of both; a field that one lacks is null there."""
        return self._with(self._df.unionByName(other_frame.toDF(), allowMissingColumns=True))

    def unnest(self, *_, **__):
        """Nested fields as top-level ones, named by their path (a.b); arrays stay."""
        paths = list(fields.flattened(self._df.schema))
        return self._with(self._df.select(*[_quoted_path(path).alias(".".join(path)) for path in paths]))

    def split_fields(self, paths, name1, name2, *_, **__):
        """A collection of two frames: these fields, and the others."""
        parts = {name1: self.select_fields(paths), name2: self.drop_fields(paths)}
        return DynamicFrameCollection(parts, self.glue_ctx)

    def split_rows(self, comparison_dict, name1, name2, *_, **__):
        """A collection of two frames: the rows that meet all comparisons, and the others."""
        from pyspark.sql import functions as F

        met = F.lit(True)
        for path, tests in comparison_dict.items():
            for sign, value in tests.items():
                met = met & getattr(_quoted_path(fields.split_path(path)), _COMPARE[sign])(value)
        met = F.coalesce(met, F.lit(False))
        parts = {name1: self._with(self._df.where(met), name1), name2: self._with(self._df.where(~met), name2)}
        return DynamicFrameCollection(parts, self.glue_ctx)

    def mergeDynamicFrame(self, stage_dynamic_frame, primary_keys, *_, **__):
        """These records, with those of the stage frame in place of the ones with the same keys."""
        stage = stage_dynamic_frame.toDF()
        kept = self._df.join(stage.select(*primary_keys), list(primary_keys), "left_anti").select(*self._df.columns)
        return self._with(kept.unionByName(stage, allowMissingColumns=True))

    def write(self, connection_type, connection_options=None, format=None, format_options=None, accumulator_size=0):
        """Writes the frame as files."""
        return self.glue_ctx.write_from_options(self, connection_type, connection_options, format, format_options)

    def errorsCount(self):
        """The number of error records, of which there are none here."""
        return 0

    def stageErrorsCount(self):
        """The number of error records of the last step, of which there are none here."""
        return 0

    def assertErrorThreshold(self):
        """Raises if there are too many error records; there are none here."""


class DynamicFrameCollection(Refusing):
    """Frames by name."""

    def __init__(self, dynamic_frames, glue_ctx):
        self._frames = dict(dynamic_frames)
        self.glue_ctx = glue_ctx

    def __getitem__(self, key):
        return self._frames[key]

    def __len__(self):
        return len(self._frames)

    def keys(self):
        """The names."""
        return self._frames.keys()

    def values(self):
        """The frames."""
        return self._frames.values()

    def select(self, key):
        """The frame of that name."""
        return self._frames[key]

    def map(self, callable, *_, **__):
        """The collection of callable(frame, ctx) for each frame."""
        return DynamicFrameCollection({k: callable(f, k) for k, f in self._frames.items()}, self.glue_ctx)


class DynamicFrameReader(Refusing):
    """GlueContext.create_dynamic_frame."""

    def __init__(self, glue_context):
        self.from_options = glue_context.create_dynamic_frame_from_options
        self.from_catalog = glue_context.create_dynamic_frame_from_catalog
        self.from_rdd = glue_context.create_dynamic_frame_from_rdd


class DynamicFrameWriter(Refusing):
    """GlueContext.write_dynamic_frame."""

    def __init__(self, glue_context):
        self.from_options = glue_context.write_dynamic_frame_from_options
        self.from_catalog = glue_context.write_dynamic_frame_from_catalog
        self.from_jdbc_conf = glue_context.write_dynamic_frame_from_jdbc_conf


def _list(paths):
    return [paths] if isinstance(paths, str) else list(paths)


def _quoted(name):
    return "`%s`" % name


def _quoted_path(parts):
    from pyspark.sql import functions as F

    return F.col(fields.join_path(parts))
