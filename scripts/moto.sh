#!/usr/bin/env bash
# Prints the path of moto_server, the AWS that tests run against, from a virtual
# environment below ${SLIPWAY_TEST_CACHE:-~/.cache/slipway-test} that is built once.
set -euo pipefail

version=5.2.1
cache=${SLIPWAY_TEST_CACHE:-$HOME/.cache/slipway-test}
venv=$cache/moto-$version

if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
	echo "Python 3 with its venv module is missing: install it (on Debian: apt-get install python3-venv)." >&2
	exit 1
fi

# One at a time: whoever waits finds it ready.
mkdir -p "$cache"
exec 9>"$cache/moto-lock"
! command -v flock >/dev/null || flock 9

if [ ! -e "$venv/ready" ]; then
	echo "preparing moto $version in $venv, once" >&2
	rm -rf "$venv"
	python3 -m venv "$venv" >&2
	if ! "$venv/bin/python" -m pip install -qq --disable-pip-version-check "moto[server]==$version" </dev/null >&2; then
		echo "moto $version could not be installed: check the connection to the package index." >&2
		exit 1
	fi
	touch "$venv/ready"
fi
echo "$venv/bin/moto_server"
