"""The part of AWS Glue's Python library that a job needs, on plain PySpark.

AWS's own package of this name is a thin layer over a jar that only runs inside
Glue. This one speaks the same names over Spark DataFrames, so that a job script
runs unchanged on a laptop. Whatever it does not have fails by its name and says
what to do instead; nothing is silently skipped.

A script starts with ``awsglue.utils.getResolvedOptions`` and
``awsglue.context.GlueContext``.
"""

import sys

from awsglue.unsupported import unsupported_text


class _UnknownModule:
    """Explains an import of a submodule that exists in Glue only.

    It stands last on the import path, so it is asked only for what was not found.
    A plain ImportError, because Python swallows the words of a ModuleNotFoundError
    in "from awsglue import name".
    """

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.startswith("awsglue."):
            raise ImportError(unsupported_text("the module " + name), name=name)


if not any(getattr(finder, "__name__", "") == "_UnknownModule" for finder in sys.meta_path):
    sys.meta_path.append(_UnknownModule)
