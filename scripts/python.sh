#!/usr/bin/env bash
# Prints the Python that the tests use: one with Spark and pytest at the
# versions of scripts/test-requirements.txt, in a virtual environment below
# ${SLIPWAY_TEST_CACHE:-~/.cache/slipway-test} that is built once for each version
# of that file.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
requirements=$here/test-requirements.txt
cache=${SLIPWAY_TEST_CACHE:-$HOME/.cache/slipway-test}

# base prints the Python to build on: Spark 3.5 runs on 3.8 to 3.11, and Glue 5
# has 3.11.
base() {
	local name
	for name in python3.11 python3 python3.10; do
		if "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 12))' 2>/dev/null; then
			"$name" -c 'import sys; print(sys.executable)'
			return
		fi
	done
	echo "Python 3.11 is missing, on which the Spark of Glue 5 runs; this machine's python3 is $(python3 -V 2>&1): install python3.11 with its venv module." >&2
	return 1
}

python=$(base)
key=$({ "$python" -V && cat "$requirements"; } | cksum | cut -d ' ' -f 1)
venv=$cache/python-$key

# One at a time: whoever waits finds it ready.
mkdir -p "$cache"
exec 9>"$cache/lock"
! command -v flock >/dev/null || flock 9

if [ ! -e "$venv/ready" ]; then
	echo "preparing Python packages in $venv, once (Spark is 300 MB)" >&2
	rm -rf "$venv"
	"$python" -m venv "$venv" >&2
	if ! "$venv/bin/python" -m pip install -qq --disable-pip-version-check -r "$requirements" </dev/null >&2; then
		echo "The Python packages of scripts/test-requirements.txt could not be installed: check the connection to the package index." >&2
		exit 1
	fi
	touch "$venv/ready"
fi
echo "$venv/bin/python"
