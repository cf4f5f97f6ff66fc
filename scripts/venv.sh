#!/usr/bin/env bash
# Prints the folder of the virtual environment that has one Python package, below
# ${SLIPWAY_TEST_CACHE:-~/.cache/slipway-test}; it is built once:
#
#     scripts/venv.sh moto 'moto[server]==5.2.1'
set -euo pipefail

name=$1 requirement=$2
cache=${SLIPWAY_TEST_CACHE:-$HOME/.cache/slipway-test}
venv=$cache/$name-${requirement##*==}

if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
	echo "Python 3 with its venv module is missing: install it (on Debian: apt-get install python3-venv)." >&2
	exit 1
fi

# One at a time: whoever waits finds it ready.
mkdir -p "$cache"
exec 9>"$cache/$name-lock"
! command -v flock >/dev/null || flock 9

if [ ! -e "$venv/ready" ]; then
	echo "preparing $requirement in $venv, once" >&2
	rm -rf "$venv"
	python3 -m venv "$venv" >&2
	if ! "$venv/bin/python" -m pip install -qq --disable-pip-version-check "$requirement" </dev/null >&2; then
		echo "$requirement could not be installed: check the connection to the package index." >&2
		exit 1
	fi
	touch "$venv/ready"
fi
echo "$venv"
