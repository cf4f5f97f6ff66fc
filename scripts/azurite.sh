#!/usr/bin/env bash
# Prints the folder of Azurite, the Azure Blob Storage that tests run against, at a
# pinned version; it lies below ${SLIPWAY_TEST_CACHE:-~/.cache/slipway-test}.
set -euo pipefail

version=3.35.0
cache=${SLIPWAY_TEST_CACHE:-$HOME/.cache/slipway-test}
folder=$cache/azurite-$version

if ! command -v npm >/dev/null; then
	echo "npm is missing: install Node.js (on Debian: apt-get install nodejs npm)." >&2
	exit 1
fi

# One at a time: whoever waits finds it ready.
mkdir -p "$cache"
exec 9>"$cache/azurite-lock"
! command -v flock >/dev/null || flock 9

if [ ! -e "$folder/ready" ]; then
	echo "preparing Azurite $version in $folder, once" >&2
	rm -rf "$folder"
	mkdir -p "$folder"
	if ! nice npm install --prefix "$folder" --no-audit --no-fund --no-save --ignore-scripts --loglevel=error "azurite@$version" </dev/null >&2; then
		echo "Azurite could not be installed: check the connection to the package registry." >&2
		exit 1
	fi
	touch "$folder/ready"
fi
echo "$folder/node_modules/azurite"
