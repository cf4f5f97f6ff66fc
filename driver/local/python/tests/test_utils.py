import pytest

from awsglue.utils import GlueArgumentError, getResolvedOptions

OWN = {
    "JOB_ID": None, "JOB_RUN_ID": None, "SECURITY_CONFIGURATION": None, "encryption_type": None,
    "job_bookmark_option": "job-bookmark-disable", "job_bookmark_from": None, "job_bookmark_to": None,
    "TempDir": None, "RedshiftTempDir": None,
}


@pytest.mark.parametrize("args, options, want", [
    (["--JOB_NAME", "etl", "--source", "a.csv"], ["JOB_NAME", "source"], {"JOB_NAME": "etl", "source": "a.csv"}),
    (["--source=a=b"], ["source"], {"source": "a=b"}),
    (["--source", "first", "--source", "last"], ["source"], {"source": "last"}),
    (["--unasked", "x", "--source", "a"], ["source"], {"source": "a"}),
    (["--slipway-run", "r1", "--slipway-by", "Ana B", "--source", "a", "--slipway-version", "v1"], ["source"], {"source": "a"}),
    (["--day-of", "x"], ["day-of"], {"day_of": "x"}),
    (["--job-bookmark-option", "job-bookmark-enable"], [], {"job_bookmark_option": "job-bookmark-enable"}),
    (["--continuation-option", "continuation-enabled"], [], {"job_bookmark_option": "job-bookmark-enable"}),
    (["--TempDir", "s3://t"], ["TempDir"], {"TempDir": "s3://t", "RedshiftTempDir": "s3://t"}),
    (["--RedshiftTempDir", "s3://t"], [], {"TempDir": "s3://t", "RedshiftTempDir": "s3://t"}),
    ([], ["TempDir"], {}),
    (["--JOB_RUN_ID", "jr_1"], [], {"JOB_RUN_ID": "jr_1"}),
])
def test_options_resolve_as_in_glue(args, options, want):
    assert getResolvedOptions(["script.py"] + args, options) == dict(OWN, **want)


@pytest.mark.parametrize("args, options, message", [
    ([], ["source", "target"], "the following arguments are required: --source, --target"),
    (["--source"], ["source"], "argument --source: expected one argument"),
    (["--sour", "a"], ["source"], "the following arguments are required: --source"),
    (["--job-bookmark-option", "on"], [], "argument --job-bookmark-option: invalid choice: 'on'"),
])
def test_a_missing_argument_is_an_error_not_an_exit(args, options, message):
    with pytest.raises(GlueArgumentError) as err:
        getResolvedOptions(["script.py"] + args, options)
    assert message in str(err.value)


@pytest.mark.parametrize("args, options, message", [
    ([], ["JOB_RUN_ID"], "Using reserved arguments JOB_RUN_ID"),
    ([], ["job-bookmark-option"], "Using reserved arguments job-bookmark-option"),
    (["--job-bookmark-option", "job-bookmark-pause", "--job-bookmark-to", "b"], [],
     "Missing option or value for --job-bookmark-from"),
    (["--job-bookmark-from", "a", "--job-bookmark-to", "b"], [],
     "Invalid option(s) --job-bookmark-from --job-bookmark-to"),
])
def test_reserved_arguments_are_refused(args, options, message):
    with pytest.raises(RuntimeError) as err:
        getResolvedOptions(["script.py"] + args, options)
    assert str(err.value) == message
