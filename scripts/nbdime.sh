#!/usr/bin/env bash
# Prints the Python of a virtual environment that holds the real nbdime.
set -euo pipefail
echo "$("$(dirname "${BASH_SOURCE[0]}")/venv.sh" nbdime nbdime==4.0.4)/bin/python"
