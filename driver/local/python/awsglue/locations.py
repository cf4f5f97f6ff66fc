"""Where data lies: s3:// paths become folders, folders become files."""

import fnmatch
import json
import os

from awsglue.unsupported import unsupported

S3_ROOT = "SLIPWAY_S3_ROOT"
_SCHEMES = ("s3://", "s3a://", "s3n://")


def local_path(path):
    """The path on this machine of an s3://, file:// or plain path."""
    if path.startswith("file://"):
        return path[len("file://"):]
    for scheme in _SCHEMES:
        if path.startswith(scheme):
            return _under_root(path, path[len(scheme):])
    if "://" in path:
        raise unsupported("the path " + path, "use a folder, or an s3:// path with %s set" % S3_ROOT)
    return path


def _under_root(path, key):
    root = os.environ.get(S3_ROOT)
    if not root:
        raise ValueError(
            "%s: there is no S3 on the local runtime; set %s to a folder that stands for it "
            "(s3://bucket/key is then FOLDER/bucket/key), or give a folder in environments.local.run.arguments"
            % (path, S3_ROOT)
        )
    return os.path.join(root, key)


def data_files(paths, recurse=True, exclusions="[]"):
    """The data files under the paths, sorted; hidden ones (_SUCCESS, .crc) left out."""
    skip = json.loads(exclusions) if isinstance(exclusions, str) else exclusions
    found = []
    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError("%s: no such file or folder to read from" % path)
        found.extend(_walk(path, recurse) if os.path.isdir(path) else [path])
    files = sorted(os.path.abspath(file) for file in found)
    return [file for file in files if not any(fnmatch.fnmatch(file, glob.replace("**", "*")) for glob in skip)]


def _walk(root, recurse):
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(("_", ".")) and (recurse or "=" in name)]
        for name in names:
            if not name.startswith(("_", ".")):
                yield os.path.join(folder, name)
