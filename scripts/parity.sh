#!/usr/bin/env bash
# Compares what Slipway makes of notebooks with what the real nbconvert makes of
# them, byte by byte. It prints each that is different, with the first differing
# line, each that fails in both, and the figures.
#
#     scripts/parity.sh FOLDER...
#
#     PROFILE=ipython9   or ipython8, noipython
#     TO=python          or script
#     TIME=              set: measure both, too
set -euo pipefail

[ $# -gt 0 ] || {
	echo "usage: make parity DIR=FOLDER [PROFILE=ipython9|ipython8|noipython] [TO=python|script]" >&2
	exit 2
}
folders=()
for folder; do folders+=("$(cd "$folder" && pwd)"); done
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${PROFILE:-ipython9}
venv=$profile
[ "$profile" != noipython ] || venv=ipython9

python=$(scripts/nbconvert.sh "$venv")
mkdir -p .cache
go build -o .cache/parity ./cmd/parity
[ -z "${TIME:-}" ] || set -- -time
[ -n "${TIME:-}" ] || set --
exec .cache/parity "$@" -python "$python" -profile "$profile" -to "${TO:-python}" "${folders[@]}"
