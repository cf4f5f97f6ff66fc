#!/usr/bin/env bash
# Prints the path of schemathesis, which sends the server's API what its description
# allows, and what it does not.
set -euo pipefail
echo "$("$(dirname "${BASH_SOURCE[0]}")/venv.sh" schemathesis 'schemathesis==4.32.5')/bin/schemathesis"
