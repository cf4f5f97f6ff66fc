#!/usr/bin/env bash
# Builds slipway and runs its demonstration: the example notebook through the
# whole road, on this machine. Arguments go to slipway demo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh demo
if JAVA_HOME=$(scripts/java.sh); then
	export JAVA_HOME
else
	unset JAVA_HOME
fi
echo "building bin/slipway" >&2
go build -o bin/slipway ./cmd/slipway
exec bin/slipway demo "$@"
