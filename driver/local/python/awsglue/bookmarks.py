"""Job bookmarks by file: what a committed run has read is not read again."""

import json
import os
import tempfile

VARIABLE = "SLIPWAY_BOOKMARKS"


class Bookmarks:
    """The files each transformation_ctx of one job has read.

    The state is a JSON file, {job: {transformation_ctx: {file: [size, mtime_ns]}}}.
    Reading marks files in memory only; commit makes the marks last. A file that
    was changed since counts as new, as in Glue.
    """

    def __init__(self, path, job):
        self._path = path
        self._job = job
        self._seen = _load(path).get(job, {})
        self._marked = {}

    def unread(self, ctx, files):
        """Those of the files that no committed run has read; they are marked."""
        seen = self._seen.get(ctx, {})
        fresh = {name: mark for name, mark in ((f, _mark(f)) for f in files) if seen.get(name) != mark}
        self._marked.setdefault(ctx, {}).update(fresh)
        return [name for name in files if name in fresh]

    def commit(self):
        """Makes the marks last, in one atomic replacement of the file."""
        for ctx, marks in self._marked.items():
            self._seen.setdefault(ctx, {}).update(marks)
        self._marked = {}
        state = _load(self._path)
        state[self._job] = self._seen
        _replace(self._path, state)


def _mark(path):
    stat = os.stat(path)
    return [stat.st_size, stat.st_mtime_ns]


def _load(path):
    try:
        with open(path, encoding="utf-8") as file:
            state = json.load(file)
    except FileNotFoundError:
        return {}
    except ValueError as err:
        raise RuntimeError("job bookmarks %s: not JSON (%s); remove the file to start anew" % (path, err))
    if not isinstance(state, dict):
        raise RuntimeError("job bookmarks %s: not a JSON object; remove the file to start anew" % path)
    return state


def _replace(path, state):
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".bookmarks-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
