"""The launcher, as a process."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

from conftest import RUNTIME


@pytest.fixture
def launch(tmp_path):
    """Runs a script's text; gives exit code, output, errors and the result file."""

    def launch(text, *args, **environ):
        script = tmp_path / "job.py"
        script.write_text(text)
        result = tmp_path / "result.json"
        environ = dict(os.environ, SLIPWAY_RESULT=str(result), SLIPWAY_WORK=str(tmp_path / "work"), **environ)
        command = [sys.executable, os.path.join(RUNTIME, "slipway_run.py"), "job.py"] + list(args)
        done = subprocess.run(command, env=environ, cwd=str(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True)
        return done, json.loads(result.read_text())

    return launch


@pytest.mark.parametrize("text", ["print('done')", "print('done')\nimport sys\nsys.exit()", "print('done')\nexit(0)"])
def test_success(launch, text):
    done, result = launch(text)
    assert (done.returncode, done.stdout, result) == (0, "done\n", {"state": "succeeded"})


@pytest.mark.parametrize("text, error, kind, line", [
    ("x = 1\nraise ValueError('no roads')", "ValueError: no roads", "ValueError", 2),
    ("import sys\nsys.exit(3)", "SystemExit: 3", "SystemExit", 2),
    ("import sys\n\nsys.exit('no roads')", "SystemExit: no roads", "SystemExit", 3),
    ("def f():\n    json.loads('{')\nimport json\nf()",
     "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
     "JSONDecodeError", 2),
    ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax (job.py, line 2)", "SyntaxError", 2),
    ("raise KeyboardInterrupt", "KeyboardInterrupt:", "KeyboardInterrupt", 1),
])
def test_failure(launch, text, error, kind, line):
    done, result = launch(text)
    assert done.returncode == 1
    assert result == {"state": "failed", "error": error, "type": kind, "file": "job.py", "line": line}


def test_the_traceback_is_the_scripts_own(launch):
    done, _ = launch("def f():\n    raise ValueError('no roads')\nf()\n")
    want = ['Traceback (most recent call last):', '  File "job.py", line 3, in <module>', '    f()',
            '  File "job.py", line 2, in f', "    raise ValueError('no roads')", 'ValueError: no roads']
    assert [line for line in done.stderr.splitlines() if "^" not in line] == want


def test_a_script_that_is_not_there(tmp_path):
    done = subprocess.run([sys.executable, os.path.join(RUNTIME, "slipway_run.py"), str(tmp_path / "none.py")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 1
    assert "FileNotFoundError: [Errno 2] No such file or directory: '%s'" % (tmp_path / "none.py") in done.stderr


def test_the_script_is_main_with_its_arguments_and_folder(launch, tmp_path):
    (tmp_path / "beside.py").write_text("name = 'beside'")
    done, _ = launch("import sys, beside, __main__\nprint(__name__, __file__, sys.argv, beside.name, __main__.sys is sys)",
                     "--a", "b")
    assert done.stdout == "__main__ job.py ['job.py', '--a', 'b'] beside True\n"


def test_extra_py_files(launch, tmp_path):
    with zipfile.ZipFile(str(tmp_path / "lib.zip"), "w") as archive:
        archive.writestr("packed/__init__.py", "name = 'packed'")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "plain.py").write_text("name = 'plain'")
    done, _ = launch("import packed, plain\nprint(packed.name, plain.name)",
                     "--extra-py-files", "%s, %s" % (tmp_path / "lib.zip", tmp_path / "more" / "plain.py"))
    assert done.stdout == "packed plain\n"
    done, result = launch("print(1)", "--extra-py-files=none.zip")
    assert done.returncode == 1 and result["error"] == (
        "FileNotFoundError: --extra-py-files: %s does not exist" % (tmp_path / "none.zip"))


def test_a_bad_conf_is_named(launch, glue):
    done, result = launch("print(1)", "--conf", "spark.sql.shuffle.partitions")
    assert result["error"] == 'ValueError: --conf: "spark.sql.shuffle.partitions" is not of the form name=value'
    assert (done.returncode, done.stdout) == (1, "")


SPARK_JOB = """
import sys
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
sc = SparkContext()
spark = GlueContext(sc).spark_session
job = Job(GlueContext(sc))
job.init(args["JOB_NAME"], args)

class Twice:
    def __call__(self, n):
        import helper
        return helper.factor * n

print(sc.parallelize([1, 2]).map(Twice()).sum(), sc.master)
for name in ("spark.sql.shuffle.partitions", "spark.sql.session.timeZone", "spark.x", "spark.y"):
    print(spark.conf.get(name))
print(spark.sql("select timestamp'2024-06-01 12:00:00' as t").first().t)
job.commit()
"""


def test_a_spark_job_with_conf_and_a_helper_on_the_workers(launch, glue, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "helper.py").write_text("factor = 2")
    done, result = launch(SPARK_JOB, "--JOB_NAME", "etl", "--extra-py-files", "lib/helper.py",
                          "--conf", "spark.x=1 2 --conf spark.y=a=b", SLIPWAY_WORKERS="1")
    assert result == {"state": "succeeded"}, done.stderr
    assert done.stdout.splitlines() == ["6 local[1]", "4", "UTC", "1 2", "a=b", "2024-06-01 12:00:00"]
    assert done.stderr == ""


def test_a_class_archive_is_prepared_and_used(launch, glue, tmp_path):
    archive = tmp_path / "spark.jsa"
    command = [sys.executable, os.path.join(RUNTIME, "slipway_run.py"), "--prepare", str(archive)]
    assert subprocess.call(command) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["spark.jsa"]
    text = "from pyspark.sql import SparkSession\nprint(SparkSession.builder.getOrCreate().range(3).count())"
    shared = "-Xlog:class+load:file=%s" % (tmp_path / "classes")
    done, result = launch(text, SLIPWAY_SPARK_ARCHIVE=str(archive), SPARK_SUBMIT_OPTS=shared)
    assert (done.stdout, done.stderr, result) == ("3\n", "", {"state": "succeeded"})
    assert "org.apache.spark.SparkContext source: shared objects file (top)" in (tmp_path / "classes").read_text()
