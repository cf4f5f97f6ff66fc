#!/usr/bin/env bash
# Prints the path of moto_server, the AWS that tests run against; its Python lies
# beside it.
set -euo pipefail
echo "$("$(dirname "${BASH_SOURCE[0]}")/venv.sh" moto 'moto[server]==5.2.1')/bin/moto_server"
