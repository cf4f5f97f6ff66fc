"""One voice for everything that AWS Glue has and this package has not."""

REMEDY = (
    "do this step with Spark itself (frame.toDF(), DynamicFrame.fromDF), "
    "or run the job in an environment whose runtime is glue"
)


def unsupported_text(name, remedy=REMEDY):
    """The sentence for a missing name: what it is, and the way out."""
    return "awsglue on the local runtime: %s is not supported; %s" % (name, remedy)


def unsupported(name, remedy=REMEDY):
    """The exception to raise for a missing name."""
    return NotImplementedError(unsupported_text(name, remedy))


def module_getattr(module):
    """A module-level ``__getattr__`` that refuses unknown public names."""

    def refuse(name):
        if name.startswith("_"):
            raise AttributeError("module %r has no attribute %r" % (module, name))
        raise unsupported("%s.%s" % (module, name))

    return refuse


class Refusing:
    """A base class whose unknown public attributes fail by name.

    Underscored names stay ordinary AttributeErrors, because copy, pickle and
    notebooks probe for them.
    """

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise unsupported("%s.%s" % (type(self).__name__, name))
