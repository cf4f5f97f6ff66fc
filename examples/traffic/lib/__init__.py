"""Helper modules of the traffic job, packed for --extra-py-files."""
