"""AWS Glue Data Quality, which exists inside Glue only."""

raise ImportError(
    "awsgluedq (EvaluateDataQuality) is not supported on the local runtime: "
    "guard its import and the step that uses it by a job argument, or check the data with Spark itself"
)
