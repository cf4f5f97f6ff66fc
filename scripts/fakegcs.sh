#!/usr/bin/env bash
# Prints the path of the Google Cloud Storage that tests run against: fake-gcs-server
# behind tools/fakegcs, built once for each version of it and of Go, which takes some
# minutes; it lies below ${SLIPWAY_TEST_CACHE:-~/.cache/slipway-test}.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SLIPWAY_TEST_CACHE:-$HOME/.cache/slipway-test}
sum=$(cat "$root"/tools/fakegcs/{main.go,go.mod,go.sum} | cksum | cut -d' ' -f1)
binary=$cache/fakegcs-$sum-$(go env GOVERSION)

# One at a time: whoever waits finds it ready.
mkdir -p "$cache"
exec 9>"$cache/fakegcs-lock"
! command -v flock >/dev/null || flock 9

if [ ! -x "$binary" ]; then
	echo "building fake-gcs-server, once (this takes some minutes)" >&2
	CGO_ENABLED=0 nice go -C "$root/tools/fakegcs" build -trimpath -o "$binary.$$" . >&2
	mv "$binary.$$" "$binary"
fi
echo "$binary"
