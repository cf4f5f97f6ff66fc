"""Spark as a job on one machine wants it: quick to start, quiet, and on its own."""

import os
import re
import shlex
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# The JVM starts in half the time with the first compiler only, and jobs here are short.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:-UsePerfData -Duser.timezone=UTC -Dlog4j2.configurationFile=file:%s"
LAUNCHER_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
# What a job prints is its log; of Spark itself only warnings that concern the job.
LOGGING = """
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.cleaner.name = org.apache.spark.ContextCleaner
logger.cleaner.level = off
"""
# The class archive of a virtual environment, in its folder.
ARCHIVE = "spark.jsa"
# What the machine has set for a Spark of its own would mix two versions.
FOREIGN = ("SPARK_HOME", "HADOOP_CONF_DIR", "YARN_CONF_DIR", "SPARK_DIST_CLASSPATH", "PYSPARK_GATEWAY_PORT")


def set_up_spark(arguments, environ):
    """Sets the variables from which pyspark starts its JVM; nothing is started here."""
    home = spark_home()
    if home is None or environ.get("SLIPWAY_JOB_TYPE") == "pythonshell":
        return
    for name in FOREIGN:
        environ.pop(name, None)
    work = os.path.abspath(environ.get("SLIPWAY_WORK") or tempfile.mkdtemp(prefix="slipway-run-"))
    settings = dict(defaults(environ, work))
    settings.update(user_settings(arguments))
    pairs = ["--conf %s" % shlex.quote("%s=%s" % pair) for pair in settings.items()]
    environ["PYSPARK_SUBMIT_ARGS"] = " ".join(pairs + ["pyspark-shell"])
    environ["PYSPARK_PYTHON"] = environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    environ["SPARK_LOCAL_DIRS"] = os.path.join(work, "spark")
    environ["SPARK_LAUNCHER_OPTS"] = LAUNCHER_OPTIONS
    environ["SPARK_SUBMIT_OPTS"] = java_options(environ, write_logging(work))
    # A folder that is not there: one with files in it keeps the JVM from using a class archive.
    environ["SPARK_CONF_DIR"] = os.path.join(home, "no-conf")
    use_utc(environ)


def spark_home():
    """The folder of the installed pyspark; None without one."""
    import importlib.util

    spec = importlib.util.find_spec("pyspark")
    return os.path.dirname(spec.origin) if spec and spec.origin else None


def defaults(environ, work):
    """The settings of every local run; the job's own --conf and its code override them."""
    return [
        ("spark.master", master(environ.get("SLIPWAY_WORKERS"))),
        ("spark.ui.enabled", "false"),
        ("spark.ui.showConsoleProgress", "false"),
        ("spark.driver.host", "127.0.0.1"),
        ("spark.driver.bindAddress", "127.0.0.1"),
        ("spark.sql.catalogImplementation", "in-memory"),
        ("spark.sql.session.timeZone", "UTC"),
        ("spark.sql.shuffle.partitions", "4"),
        ("spark.sql.warehouse.dir", os.path.join(work, "warehouse")),
    ]


def master(workers):
    """A thread for each worker, and no more than the machine has cores."""
    cores = os.cpu_count() or 1
    return "local[%d]" % (min(int(workers), cores) if workers else cores)


def user_settings(arguments):
    """The settings of the job's --conf, in Glue's form ("a=1 --conf b=2"), and of its --extra-jars."""
    settings = []
    text = option(arguments, "--conf").strip()
    for pair in re.split(r"\s+--conf\s+", text) if text else []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError('--conf: "%s" is not of the form name=value' % pair)
        settings.append((name.strip(), value.strip()))
    jars = option(arguments, "--extra-jars")
    return settings + ([("spark.jars", jars)] if jars else [])


def option(arguments, name):
    """The text of a job argument, given as --name text or --name=text; empty where it is not given."""
    text = ""
    for place, argument in enumerate(arguments):
        if argument == name and place + 1 < len(arguments):
            text = arguments[place + 1]
        elif argument.startswith(name + "="):
            text = argument[len(name) + 1:]
    return text


def write_logging(work):
    """Writes what Spark is to log, and gives the file's name."""
    os.makedirs(work, exist_ok=True)
    path = os.path.join(work, "log4j2.properties")
    with open(path, "w", encoding="utf-8") as file:
        file.write(LOGGING)
    return path


def java_options(environ, log_settings):
    """The options of the driver's JVM, with the class archive where there is one."""
    options = JAVA_OPTIONS % log_settings
    archive = environ.get("SLIPWAY_SPARK_ARCHIVE") or os.path.join(sys.prefix, ARCHIVE)
    if os.path.exists(archive):
        options += " -XX:SharedArchiveFile=%s -Xshare:auto -Xlog:cds*=off" % archive
    return " ".join([options, environ.get("SPARK_SUBMIT_OPTS", "")]).strip()


def use_utc(environ):
    """Glue's workers are in UTC, and so are a job's dates here."""
    import time

    environ["TZ"] = "UTC"
    if hasattr(time, "tzset"):
        time.tzset()


def stop_spark():
    """Ends the JVM and waits for it, so that nothing of a run outlives it."""
    import logging

    core = sys.modules.get("pyspark.context")
    gateway = core.SparkContext._gateway if core else None
    process = getattr(gateway, "proc", None)
    if process is None:
        return
    if core.SparkContext._active_spark_context:
        core.SparkContext._active_spark_context.stop()
    logging.disable(logging.CRITICAL)  # Of what py4j says about objects of a JVM that is gone.
    gateway.shutdown()
    process.stdin.close()
    process.wait()


def prepare(archive):
    """Writes the class archive of this Python's pyspark, by a run that loads what jobs use."""
    import subprocess

    folder = os.path.dirname(os.path.abspath(archive))
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        fresh = os.path.join(work, "spark.jsa")
        environ = dict(os.environ, SLIPWAY_WORK=work)
        environ["SLIPWAY_SPARK_ARCHIVE"] = os.path.join(work, "none")
        environ.pop("SLIPWAY_RESULT", None)
        environ["SPARK_SUBMIT_OPTS"] = "-XX:ArchiveClassesAtExit=%s -Xlog:cds*=off" % fresh
        command = [sys.executable, os.path.join(HERE, "slipway_run.py"), os.path.join(HERE, "slipway_warm.py"), work]
        code = subprocess.call(command, env=environ, stdout=subprocess.DEVNULL)
        if code == 0:
            os.replace(fresh, archive)
    return code
