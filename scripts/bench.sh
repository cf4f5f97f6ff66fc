#!/usr/bin/env bash
# Runs the benchmarks and keeps the figures under .cache/bench, named by commit.
# With BASE=<commit> it compares them with that commit's, measured before:
#
#     BASE=1a2b3c4 scripts/bench.sh ./notebook
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ $# -gt 0 ] || set -- ./...
commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD || commit=$commit-dirty
figures=.cache/bench/$commit.txt
mkdir -p .cache/bench

go test -run '^$' -bench . -benchmem -count "${COUNT:-6}" "$@" | tee "$figures"
if [ -n "${BASE:-}" ]; then
	scripts/tool.sh benchstat ".cache/bench/$(git rev-parse --short "$BASE").txt" "$figures"
else
	scripts/tool.sh benchstat "$figures"
fi
