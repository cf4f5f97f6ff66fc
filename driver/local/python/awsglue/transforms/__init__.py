"""Glue's transforms as classes: Transform.apply(frame, ...) for frame.transform(...)."""

from awsglue.unsupported import module_getattr, unsupported

__getattr__ = module_getattr(__name__)

# Scripts import * and name the class later, so these stand in for what Glue has besides.
_ABSENT = (
    "EvaluateDataQuality", "FillMissingValues", "FindIncrementalMatches", "FindMatches", "FlagDuplicatesInColumn",
    "FormatPhoneNumber", "Relationalize", "Spigot", "Unbox", "DetectSensitiveData",
)
__all__ = [
    "ApplyMapping", "DropFields", "DropNullFields", "Filter", "Join", "Map", "MapToCollection", "RenameField",
    "Repartition", "ResolveChoice", "SelectFields", "SelectFromCollection", "SplitFields", "SplitRows",
    "Union", "UnnestFrame",
] + list(_ABSENT)


class GlueTransform:
    """One step over a frame, called by apply or as an object."""

    @classmethod
    def apply(cls, *args, **kwargs):
        """Runs the step."""
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls):
        """The step's name."""
        return cls.__name__


def _of_method(name, method, doc):
    """The transform that calls a method of the frame in its first argument."""

    def call(self, frame, *args, **kwargs):
        return getattr(frame, method)(*args, **kwargs)

    return type(name, (GlueTransform,), {"__call__": call, "__doc__": doc, "__module__": __name__})


ApplyMapping = _of_method("ApplyMapping", "apply_mapping", "ApplyMapping.apply(frame, mappings=[...]).")
DropFields = _of_method("DropFields", "drop_fields", "DropFields.apply(frame, paths=[...]).")
DropNullFields = _of_method("DropNullFields", "drop_nulls", "DropNullFields.apply(frame).")
Filter = _of_method("Filter", "filter", "Filter.apply(frame, f=function).")
Map = _of_method("Map", "map", "Map.apply(frame, f=function).")
Repartition = _of_method("Repartition", "repartition", "Repartition.apply(frame, num_partitions).")
ResolveChoice = _of_method("ResolveChoice", "resolveChoice", "ResolveChoice.apply(frame, specs=[...]).")
SelectFields = _of_method("SelectFields", "select_fields", "SelectFields.apply(frame, paths=[...]).")
SplitFields = _of_method("SplitFields", "split_fields", "SplitFields.apply(frame, paths, name1, name2).")
SplitRows = _of_method("SplitRows", "split_rows", "SplitRows.apply(frame, comparison_dict, name1, name2).")
UnnestFrame = _of_method("UnnestFrame", "unnest", "UnnestFrame.apply(frame).")


class Join(GlueTransform):
    """Join.apply(frame1, frame2, keys1, keys2)."""

    def __call__(self, frame1, frame2, keys1, keys2, transformation_ctx="", **ignored):
        return frame1.join(keys1, keys2, frame2)


class RenameField(GlueTransform):
    """RenameField.apply(frame, old_name, new_name)."""

    def __call__(self, frame, old_name, new_name, transformation_ctx="", **ignored):
        return frame.rename_field(old_name, new_name)


class Union(GlueTransform):
    """Union.apply(frame1, frame2)."""

    def __call__(self, frame1, frame2, transformation_ctx="", **ignored):
        return frame1.union(frame2)


class SelectFromCollection(GlueTransform):
    """SelectFromCollection.apply(dfc, key)."""

    def __call__(self, dfc, key, transformation_ctx="", **ignored):
        return dfc.select(key)


class MapToCollection(GlueTransform):
    """MapToCollection.apply(dfc, callable)."""

    def __call__(self, dfc, callable, transformation_ctx="", **ignored):
        return dfc.map(callable)


class _Absent(GlueTransform):
    """A transform of Glue's that is not here: using it fails by its name."""

    def __init__(self):
        raise unsupported("the transform " + type(self).__name__)


globals().update({name: type(name, (_Absent,), {"__module__": __name__}) for name in _ABSENT})
