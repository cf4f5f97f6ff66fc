"""Runs one job script to an explicit end, as the local driver does.

    python slipway_run.py SCRIPT [arguments of the job ...]
    python slipway_run.py --prepare ARCHIVE

The script runs as __main__. The process exits 0 if it succeeded and 1 if it
failed; the file named by SLIPWAY_RESULT then says which, and why. The second
form writes a class archive that SLIPWAY_SPARK_ARCHIVE makes later runs start
with. README.md beside this file has all the variables.
"""

import os
import sys

from slipway_spark import option, prepare, set_up_spark, stop_spark

HERE = os.path.dirname(os.path.abspath(__file__))


def main(argv):
    """Runs the script, or prepares the archive; the exit code."""
    if len(argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    if argv[1] == "--prepare":
        return prepare(argv[2])
    ending = set_up(argv[1], argv[2:]) or run(argv[1])
    write_result(os.environ.get("SLIPWAY_RESULT"), ending)
    stop_spark()
    return 0 if ending["state"] == "succeeded" else 1


def set_up(script, arguments):
    """Gives the job its arguments, imports and Spark settings; the failure where that cannot be done."""
    try:
        set_up_imports(script, arguments)
        set_up_spark(arguments, os.environ)
    except (ValueError, OSError) as err:
        print(err, file=sys.stderr)
        return failure(script, err)
    sys.argv = [script] + arguments
    return None


def set_up_imports(script, arguments):
    """The import path of the job: its folder, --extra-py-files, and awsglue; for Spark's workers too."""
    extra = [python_path(name) for name in option(arguments, "--extra-py-files").split(",") if name.strip()]
    ours = extra + [HERE]
    others = [folder for folder in sys.path if folder != HERE]
    sys.path[:] = [os.path.dirname(os.path.abspath(script))] + ours + others
    inherited = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    os.environ["PYTHONPATH"] = os.pathsep.join(ours + inherited)


def python_path(name):
    """The entry of the import path for an archive, or for the folder of a module."""
    from awsglue.locations import local_path

    path = os.path.abspath(local_path(name.strip()))
    if not os.path.exists(path):
        raise FileNotFoundError("--extra-py-files: %s does not exist" % path)
    return os.path.dirname(path) if path.endswith(".py") else path


def run(script):
    """Runs the script as __main__ and says how it ended."""
    import types

    module = types.ModuleType("__main__")
    module.__file__ = script
    sys.modules["__main__"] = module
    try:
        with open(script, "rb") as file:
            code = compile(file.read(), script, "exec")
        exec(code, module.__dict__)
    except SystemExit as err:
        if err.code is None or err.code == 0:
            return {"state": "succeeded"}
        if not isinstance(err.code, int):
            print(err.code, file=sys.stderr)
        return failure(script, err)
    except BaseException as err:  # The job's own, whatever it is.
        import traceback

        trace = own_part(err.__traceback__)
        traceback.print_exception(type(err), err, trace)
        return failure(script, err)
    finally:
        flush()
    return {"state": "succeeded"}


def own_part(trace):
    """The traceback without the frames of this launcher."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def failure(script, err):
    """What the result file says of an error: its kind, its words, and the line of the script."""
    return {
        "state": "failed",
        "error": ("%s: %s" % (type(err).__name__, err)).strip(),
        "type": type(err).__name__,
        "file": script,
        "line": script_line(script, err),
    }


def script_line(script, err):
    """The innermost line of the script that led to the error; 0 where there is none."""
    line = 0
    if isinstance(err, SyntaxError) and err.filename == script:
        line = err.lineno or 0
    trace = err.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == script:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def flush():
    """What was printed must be in the log before the result says that the job ended."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # The job closed it, or nobody reads it any more.


def write_result(path, ending):
    """Writes the ending under its name in one step, so that a half-written file is never seen."""
    if not path:
        return
    import json

    temporary = "%s.%d" % (path, os.getpid())
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(ending, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
