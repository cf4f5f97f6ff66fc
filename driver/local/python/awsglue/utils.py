"""Job arguments, as AWS Glue resolves them."""

import argparse

from awsglue.unsupported import module_getattr

__getattr__ = module_getattr(__name__)

BOOKMARK_CHOICES = ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable")
CONTINUATION_CHOICES = ("continuation-enabled", "continuation-readonly", "continuation-ignore")
BOOKMARK_RANGE = ("job-bookmark-from", "job-bookmark-to")
# Set by Glue itself: a job may pass them, but not ask for them by name.
RESERVED = (
    ("continuation-option", "job-bookmark-option")
    + BOOKMARK_RANGE
    + ("JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "encryption-type")
)
TEMPORARY = ("TempDir", "RedshiftTempDir")


class GlueArgumentError(Exception):
    """A job argument is missing or has no value."""


class GlueArgumentParser(argparse.ArgumentParser):
    """A parser that raises where argparse would end the process."""

    def error(self, message):
        raise GlueArgumentError(message)


def getResolvedOptions(args, options):
    """The values of the named job arguments, and of Glue's own, as a dict.

    args is sys.argv; options are names without the leading dashes. Every option
    is required, but for TempDir; arguments nobody asked for are left out. Names
    must be given in full.
    """
    for name in RESERVED:
        if name in options:
            raise RuntimeError("Using reserved arguments " + name)
    parser = _parser([name for name in options if name not in TEMPORARY])
    resolved = vars(parser.parse_known_args(args[1:])[0])
    _share_temporary(resolved)
    _settle_bookmark(resolved)
    return resolved


def _parser(required):
    parser = GlueArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--job-bookmark-option", choices=BOOKMARK_CHOICES)
    parser.add_argument("--continuation-option", choices=CONTINUATION_CHOICES)
    parser.add_argument("--encryption-type", choices=("sse-s3",))
    for name in BOOKMARK_RANGE + ("JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION") + TEMPORARY:
        parser.add_argument("--" + name)
    for name in required:
        parser.add_argument("--" + name, required=True)
    return parser


def _share_temporary(resolved):
    """TempDir and its old name RedshiftTempDir stand for each other."""
    folder = resolved["TempDir"] or resolved["RedshiftTempDir"]
    resolved["TempDir"] = resolved["RedshiftTempDir"] = folder


def _settle_bookmark(resolved):
    """Fills job_bookmark_option, from its old spelling if need be."""
    old = resolved.pop("continuation_option")
    if resolved["job_bookmark_option"] is None:
        place = CONTINUATION_CHOICES.index(old) if old else BOOKMARK_CHOICES.index("job-bookmark-disable")
        resolved["job_bookmark_option"] = BOOKMARK_CHOICES[place]
    absent = [name for name in BOOKMARK_RANGE if resolved[name.replace("-", "_")] is None]
    if resolved["job_bookmark_option"] == "job-bookmark-pause":
        if len(absent) == 1:
            raise RuntimeError("Missing option or value for --" + absent[0])
    elif not absent:
        raise RuntimeError("Invalid option(s) --" + " --".join(BOOKMARK_RANGE))
