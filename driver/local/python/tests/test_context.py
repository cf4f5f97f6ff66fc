import json
import os

import pytest

from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.job import Job


def rows(frame):
    return sorted(tuple(row) for row in frame.toDF().collect())


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_csv_is_read_as_text_and_named_by_its_header(glue, tmp_path):
    path = write(tmp_path / "in" / "a.csv", 'road;note;count\nA1;"say ""hi""";7\nA2;;-1\n')
    frame = glue.create_dynamic_frame.from_options(
        "s3", {"paths": [path]}, format="csv", format_options={"separator": ";", "withHeader": True})
    assert frame.toDF().dtypes == [("road", "string"), ("note", "string"), ("count", "string")]
    assert [tuple(row) for row in frame.toDF().collect()] == [("A1", 'say "hi"', "7"), ("A2", None, "-1")]


def test_csv_without_header_has_glues_names(glue, tmp_path):
    path = write(tmp_path / "a.csv", "A1,7\n")
    frame = glue.create_dynamic_frame.from_options("s3", {"paths": [path]}, "csv")
    assert frame.toDF().columns == ["col0", "col1"]


@pytest.mark.parametrize("fmt", ["csv", "json", "parquet", "orc", "glueparquet"])
def test_what_is_written_is_read_back(glue, frame, tmp_path, fmt):
    options = {"withHeader": True} if fmt == "csv" else {}
    out = frame("road string, count string", ("A1", "7"), ("A2", "8"))
    glue.write_dynamic_frame.from_options(out, "s3", {"path": str(tmp_path / "out")}, fmt)
    back = glue.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path / "out")]}, fmt, options)
    assert rows(back.select_fields(["road", "count"])) == [("A1", "7"), ("A2", "8")]


def test_writing_adds_to_what_is_there_and_partitions(glue, frame, tmp_path):
    out = frame("road string, count int", ("A1", 7), ("A2", 8))
    for _ in range(2):
        glue.write_dynamic_frame.from_options(
            out, "s3", {"path": str(tmp_path / "out"), "partitionKeys": ["road"]}, "parquet")
    assert sorted(name for name in os.listdir(tmp_path / "out") if "=" in name) == ["road=A1", "road=A2"]
    back = glue.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path / "out")]}, "parquet")
    assert rows(back) == [(7, "A1"), (7, "A1"), (8, "A2"), (8, "A2")]


def test_an_s3_path_is_a_folder_under_the_root(glue, tmp_path, monkeypatch):
    write(tmp_path / "raw" / "a.json", '{"road": "A1"}\n')
    monkeypatch.setenv("SLIPWAY_S3_ROOT", str(tmp_path))
    frame = glue.create_dynamic_frame.from_options("s3", {"paths": ["s3://raw/a.json"]}, "json")
    assert rows(frame) == [("A1",)]


def test_an_s3_path_without_a_root_says_what_to_set(glue, monkeypatch):
    monkeypatch.delenv("SLIPWAY_S3_ROOT", raising=False)
    with pytest.raises(ValueError) as err:
        glue.create_dynamic_frame.from_options("s3", {"paths": ["s3://raw/a.json"]}, "json")
    assert str(err.value) == (
        "s3://raw/a.json: there is no S3 on the local runtime; set SLIPWAY_S3_ROOT to a folder that stands for it "
        "(s3://bucket/key is then FOLDER/bucket/key), or give a folder in environments.local.run.arguments")


def test_subfolders_and_exclusions(glue, tmp_path):
    write(tmp_path / "in" / "a.json", '{"n": 1}\n')
    write(tmp_path / "in" / "deep" / "b.json", '{"n": 2}\n')
    write(tmp_path / "in" / "deep" / "c.tmp", "not json")
    write(tmp_path / "in" / "_SUCCESS", "")
    options = {"paths": [str(tmp_path / "in")], "recurse": True, "exclusions": '["**.tmp"]'}
    assert rows(glue.create_dynamic_frame.from_options("s3", options, "json")) == [(1,), (2,)]
    options["recurse"] = False
    assert rows(glue.create_dynamic_frame.from_options("s3", options, "json")) == [(1,)]


def test_tables_are_mapped_to_files(glue, tmp_path, monkeypatch):
    csv = write(tmp_path / "roads.csv", "road,name\nA1,ring\n")
    json_file = write(tmp_path / "typed.json", '{"n": 1}\n')
    monkeypatch.setenv("SLIPWAY_TABLES", json.dumps({
        "raw.roads": csv, "raw.typed": {"path": json_file, "format": "json", "schema": "n double"}}))
    roads = glue.create_dynamic_frame.from_catalog(database="raw", table_name="roads", push_down_predicate="road='A1'")
    assert rows(roads) == [("A1", "ring")]
    assert glue.create_data_frame.from_catalog(database="raw", table_name="typed").dtypes == [("n", "double")]


def test_an_unknown_table_says_which_there_are(glue, monkeypatch):
    monkeypatch.setenv("SLIPWAY_TABLES", '{"raw.roads": "roads.csv"}')
    with pytest.raises(KeyError) as err:
        glue.create_dynamic_frame.from_catalog(database="raw", table_name="cars")
    assert str(err.value) == (
        "table raw.cars is not mapped to files on this machine (mapped: raw.roads); "
        "add it to environments.local.run.tables, as raw.cars: data/cars.csv")


def test_a_table_is_written_to_its_folder_and_not_over_a_file(glue, frame, tmp_path, monkeypatch):
    file = write(tmp_path / "roads.csv", "road\n")
    monkeypatch.setenv("SLIPWAY_TABLES", json.dumps({
        "out.roads": {"path": str(tmp_path / "roads"), "format": "parquet"}, "out.file": file}))
    glue.write_dynamic_frame.from_catalog(frame("n int", (1,)), database="out", table_name="roads")
    assert rows(glue.create_dynamic_frame.from_catalog(database="out", table_name="roads")) == [(1,)]
    with pytest.raises(ValueError, match="it is mapped to the file .*roads.csv; map it to a folder"):
        glue.write_dynamic_frame.from_catalog(frame("n int", (1,)), database="out", table_name="file")


@pytest.mark.parametrize("call, message", [
    (lambda g, f: g.create_dynamic_frame.from_options("redshift", {}), 'connection_type="redshift" is not supported; '
     "there is no database here: choose the kind by a job argument"),
    (lambda g, f: g.create_dynamic_frame.from_options("kinesis", {}), 'connection_type="kinesis" is not supported; '
     "read a folder as a stream instead"),
    (lambda g, f: g.create_dynamic_frame.from_options("dynamodb", {}), 'connection_type="dynamodb" is not supported; '
     'use "s3" or "file" with paths'),
    (lambda g, f: g.write_dynamic_frame.from_jdbc_conf(f, "redshift"), "from_jdbc_conf(catalog_connection=\"redshift\")"
     " is not supported; there is no database here"),
    (lambda g, f: g.write_dynamic_frame.from_options(f, "s3", {"path": "x"}, "ion"), 'the format "ion" is not supported'
     "; use one of avro, csv, json, orc, parquet"),
    (lambda g, f: g.create_dynamic_frame.from_options("s3", {"paths": ["x"]}, "avro"), "pass Spark's avro jar"),
    (lambda g, f: g.create_dynamic_frame.from_options("s3", {"paths": ["x"]}, "csv", {"jsonPath": "$"}),
     "the option jsonPath of format csv is not supported; known are"),
    (lambda g, f: g.create_dynamic_frame.from_options("s3", {"paths": ["x"], "hashfield": "a"}, "csv"),
     "the connection option hashfield is not supported"),
    (lambda g, f: g.purge_table("db", "t"), "GlueContext.purge_table is not supported; do this step with Spark itself"),
    (lambda g, f: f.relationalize("root", "s3://t"), "DynamicFrame.relationalize is not supported"),
    (lambda g, f: g.create_dynamic_frame.from_sample(), "DynamicFrameReader.from_sample is not supported"),
])
def test_what_is_not_supported_fails_by_name(glue, frame, call, message):
    with pytest.raises(NotImplementedError) as err:
        call(glue, frame("n int", (1,)))
    assert str(err.value).startswith("awsglue on the local runtime: ")
    assert message in str(err.value)


def test_what_is_missing_in_modules_fails_by_name():
    with pytest.raises(NotImplementedError, match="awsglue.utils.makeOptions is not supported"):
        from awsglue.utils import makeOptions  # noqa: F401
    with pytest.raises(ImportError, match="the module awsglue.blueprint is not supported"):
        import awsglue.blueprint  # noqa: F401
    with pytest.raises(ImportError, match="the module awsglue.blueprint is not supported"):
        from awsglue import blueprint  # noqa: F401
    with pytest.raises(ImportError, match="EvaluateDataQuality"):
        import awsgluedq  # noqa: F401


def test_sources_and_sinks_by_hand(glue, frame, tmp_path):
    sink = glue.getSink(path=str(tmp_path / "out"), connection_type="s3", updateBehavior="UPDATE_IN_DATABASE",
                        partitionKeys=[], enableUpdateCatalog=True, transformation_ctx="sink")
    sink.setCatalogInfo(catalogDatabase="db", catalogTableName="t")
    sink.setFormat("glueparquet", compression="gzip")
    sink.writeFrame(frame("n int", (1,)))
    assert any(name.endswith(".gz.parquet") for name in os.listdir(tmp_path / "out"))
    source = glue.getSource("s3", paths=[str(tmp_path / "out")])
    source.setFormat("parquet")
    assert rows(source.getFrame()) == [(1,)]


def test_a_collection_is_written_by_name(glue, frame, tmp_path):
    frames = DynamicFrameCollection({"one": frame("n int", (1,)), "two": frame("n int", (2,))}, glue)
    glue.write_dynamic_frame.from_options(frames, "s3", {"path": str(tmp_path)}, "json")
    assert "".join(part.read_text() for part in (tmp_path / "two").glob("part-*")) == '{"n":2}\n'


def test_the_context_is_a_session_too(glue, capsys):
    assert glue.sql("select 1 as n").first().n == 1
    assert glue.create_dynamic_frame.from_rdd([(1,)], "f", ["n"]).count() == 1
    glue.get_logger().info("hello")
    assert capsys.readouterr().err == "INFO GlueLogger: hello\n"


class TestBookmarks:
    """Runs of one job, one after the other."""

    @pytest.fixture
    def run(self, glue, tmp_path, monkeypatch):
        monkeypatch.setenv("SLIPWAY_BOOKMARKS", str(tmp_path / "state" / "bookmarks.json"))

        def run(commit=True, ctx="source"):
            Job.init("etl", {"job_bookmark_option": "job-bookmark-enable"})
            frame = glue.create_dynamic_frame.from_options(
                "s3", {"paths": [str(tmp_path / "in")]}, "json", transformation_ctx=ctx)
            found = rows(frame)
            if commit:
                Job.commit()
            return found

        return run

    def test_a_committed_run_is_not_read_again(self, run, tmp_path):
        write(tmp_path / "in" / "a.json", '{"n": 1}\n')
        assert run(commit=False) == [(1,)]
        assert run() == [(1,)]
        assert run() == []
        write(tmp_path / "in" / "b.json", '{"n": 2}\n')
        assert run() == [(2,)]
        write(tmp_path / "in" / "a.json", '{"n": 33}\n')
        assert run() == [(33,)]

    def test_each_context_has_its_own(self, run, tmp_path):
        write(tmp_path / "in" / "a.json", '{"n": 1}\n')
        assert run() == [(1,)]
        assert run(ctx="other") == [(1,)]
        assert run(ctx="") == run(ctx="") == [(1,)]

    def test_an_empty_read_goes_through_the_transforms_and_writes_nothing(self, run, glue, tmp_path):
        write(tmp_path / "in" / "a.json", '{"n": 1}\n')
        run()
        frame = glue.create_dynamic_frame.from_options(
            "s3", {"paths": [str(tmp_path / "in")]}, "json", transformation_ctx="source")
        mapped = frame.apply_mapping([("n", "long", "m", "string")])
        glue.write_dynamic_frame.from_options(mapped, "s3", {"path": str(tmp_path / "out")}, "parquet")
        assert mapped.count() == 0 and not (tmp_path / "out").exists()

    def test_broken_state_says_what_to_do(self, run, tmp_path):
        write(tmp_path / "state" / "bookmarks.json", "{")
        with pytest.raises(RuntimeError, match="bookmarks.json: not JSON .*; remove the file to start anew"):
            run()

    def test_without_a_place_for_them(self, monkeypatch):
        monkeypatch.delenv("SLIPWAY_BOOKMARKS", raising=False)
        with pytest.raises(RuntimeError, match="SLIPWAY_BOOKMARKS is not set"):
            Job.init("etl", {"job_bookmark_option": "job-bookmark-enable"})

    def test_without_the_option_nothing_is_kept(self, glue, tmp_path, monkeypatch):
        monkeypatch.setenv("SLIPWAY_BOOKMARKS", str(tmp_path / "bookmarks.json"))
        job = Job(glue)
        job.init("etl", {})
        assert job.isInitialized()
        job.commit()
        assert not (tmp_path / "bookmarks.json").exists()


def test_a_stream_is_handed_over_in_batches(glue, tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_STREAM", "available")
    write(tmp_path / "in" / "a.json", '{"n": 1}\n')
    frame = glue.create_data_frame.from_options("file", {"paths": [str(tmp_path / "in")], "streaming": True}, "json")
    assert frame.isStreaming
    seen, options = [], {"windowSize": "1 second", "checkpointLocation": str(tmp_path / "checkpoint")}
    glue.forEachBatch(frame, lambda batch, number: seen.append([row.n for row in batch.collect()]), options)
    write(tmp_path / "in" / "b.json", '{"n": 2}\n')
    glue.forEachBatch(frame, lambda batch, number: seen.append([row.n for row in batch.collect()]), options)
    assert seen == [[1], [2]]


def test_a_batch_is_tried_again_and_then_fails(glue, tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_STREAM", "available")
    write(tmp_path / "in" / "a.json", '{"n": 1}\n')
    frame = glue.create_data_frame.from_options("file", {"paths": [str(tmp_path / "in")], "streaming": True}, "json")
    tries = []

    def fail(batch, number):
        tries.append(number)
        raise ValueError("no")

    with pytest.raises(Exception, match="ValueError: no"):
        glue.forEachBatch(frame, fail, {"checkpointLocation": str(tmp_path / "c"), "batchMaxRetries": 2})
    assert tries == [0, 0, 0]
    with pytest.raises(ValueError, match="checkpointLocation is missing"):
        glue.forEachBatch(frame, fail, {})


def test_ingestion_time_columns(glue):
    df = glue.add_ingestion_time_columns(glue.sql("select 1 as n"), "hour")
    assert df.columns == ["n", "ingest_year", "ingest_month", "ingest_day", "ingest_hour"]
    with pytest.raises(ValueError, match='timeGranularity is "week"'):
        glue.add_ingestion_time_columns(df, "week")


def test_fromdf_and_back(glue):
    df = glue.sql("select 1 as n")
    assert DynamicFrame.fromDF(df, glue, "f").toDF() is df
