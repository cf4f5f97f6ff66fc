#!/usr/bin/env bash
# Measures Slipway beside the real nbconvert and nbdime, all in one run, and prints
# the tables of docs/benchmarks.md. It takes some minutes.
#
#     ROUNDS=9      how often each whole process runs; the median counts
#     NOTEBOOKS=5000   how many are converted in one call
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mkdir -p .cache
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o .cache/slipway ./cmd/slipway # as scripts/release.sh does
go build -o .cache/parity ./cmd/parity
nbconvert9=$(scripts/nbconvert.sh ipython9) nbconvert8=$(scripts/nbconvert.sh ipython8) nbdime=$(scripts/nbdime.sh)
exec "$nbdime" scripts/bench_notebook.py "$nbconvert9" "$nbconvert8"
