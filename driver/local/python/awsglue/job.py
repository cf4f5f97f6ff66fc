"""The life of a job: init, commit, and the bookmarks between them."""

import os

from awsglue import bookmarks
from awsglue.unsupported import Refusing, module_getattr, unsupported

__getattr__ = module_getattr(__name__)


class Job(Refusing):
    """The running job. As in Glue there is one per process, so its state is shared."""

    _name = None
    _bookmarks = None

    def __init__(self, glue_context):
        self.glue_context = glue_context

    @classmethod
    def init(cls, job_name, args=None):
        """Starts the job; args are those of getResolvedOptions."""
        cls._name = job_name
        cls._bookmarks = _open_bookmarks(job_name, (args or {}).get("job_bookmark_option"))

    @classmethod
    def isInitialized(cls):
        """Whether init was called."""
        return cls._name is not None

    @classmethod
    def commit(cls):
        """Ends the job well: what it has read now counts as read."""
        if cls._bookmarks is not None:
            cls._bookmarks.commit()

    @classmethod
    def unread(cls, ctx, files):
        """Those of the files that are to be read under this transformation_ctx."""
        if cls._bookmarks is None or not ctx:
            return files
        return cls._bookmarks.unread(ctx, files)

    @classmethod
    def tracks(cls, ctx):
        """Whether reads under this transformation_ctx are bookmarked."""
        return cls._bookmarks is not None and bool(ctx)


def _open_bookmarks(job, option):
    if option in (None, "job-bookmark-disable"):
        return None
    if option == "job-bookmark-pause":
        raise unsupported("--job-bookmark-option job-bookmark-pause", "use job-bookmark-enable or job-bookmark-disable")
    path = os.environ.get(bookmarks.VARIABLE)
    if not path:
        raise RuntimeError(
            "--job-bookmark-option job-bookmark-enable: %s is not set; "
            "set it to the JSON file that keeps the bookmarks" % bookmarks.VARIABLE
        )
    return bookmarks.Bookmarks(path, job)
