#!/usr/bin/env bash
# Checks what needs no test run: formatting, the lint set of .golangci.yml, code
# that nothing reaches, and these scripts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh lint

echo "== format"
scripts/tool.sh golangci-lint fmt --diff
echo "== lint"
scripts/tool.sh golangci-lint run --allow-parallel-runners ./...
echo "== dead code"
dead=$(scripts/tool.sh deadcode -test ./...)
if [ -n "$dead" ]; then
	echo "$dead"
	exit 1
fi
echo "== shell"
shellcheck scripts/*.sh .ci/run
