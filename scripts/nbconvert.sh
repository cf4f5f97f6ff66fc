#!/usr/bin/env bash
# Prints the Python of a virtual environment that holds the real nbconvert of a
# profile, ipython8 or ipython9, below ${SLIPWAY_TEST_CACHE:-~/.cache/slipway-test};
# it is built once for each version of this file's list. With --base it prints the
# Python that would be below it, and builds nothing.
#
#     scripts/nbconvert.sh ipython9 [--base]
set -euo pipefail

# What nbconvert writes follows from these; the rest of what it needs may move.
case ${1:-} in
ipython8)
	minor=11
	packages=(nbconvert==6.5.3 ipython==8.5.0 nbformat==5.10.4 jinja2==3.1.6 mistune==0.8.4 lxml_html_clean==0.4.3)
	;;
ipython9)
	minor=13
	packages=(nbconvert==7.17.1 ipython==9.16.1 nbformat==5.10.4 jinja2==3.1.6)
	;;
*)
	echo "usage: scripts/nbconvert.sh ipython8|ipython9 [--base]" >&2
	exit 2
	;;
esac

# places prints where a Python of that version may be: on the path, and where pyenv,
# Debian, GitHub's runners and uv keep theirs.
places() {
	printf '%s\n' "python3.$minor" python3 "/usr/bin/python3.$minor"
	printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python "${RUNNER_TOOL_CACHE:-/opt/hostedtoolcache}/Python/3.$minor".*/*/bin/python
	! command -v uv >/dev/null || uv python find --no-python-downloads "3.$minor" 2>/dev/null || true
}

# base prints the Python to build on. What its tokenizer and its Unicode tables
# say, nbconvert writes, so that no other version will do.
base() {
	local python
	while read -r python; do
		if "$python" -c "import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, $minor))" 2>/dev/null; then
			"$python" -c 'import sys; print(sys.executable)'
			return
		fi
	done < <(places)
	echo "Python 3.$minor with its venv module is missing, on which the nbconvert of profile $1 runs: install it." >&2
	return 1
}

cache=${SLIPWAY_TEST_CACHE:-$HOME/.cache/slipway-test}
python=$(base "$1")
if [ "${2:-}" = --base ]; then
	echo "$python"
	exit
fi
key=$({ "$python" -V && echo "${packages[@]}"; } | cksum | cut -d ' ' -f 1)
venv=$cache/nbconvert-$1-$key

# One at a time: whoever waits finds it ready.
mkdir -p "$cache"
exec 9>"$cache/nbconvert-$1-lock"
! command -v flock >/dev/null || flock 9

if [ ! -e "$venv/ready" ]; then
	echo "preparing ${packages[0]} with ${packages[1]} in $venv, once" >&2
	rm -rf "$venv"
	"$python" -m venv "$venv" >&2
	if ! "$venv/bin/python" -m pip install -qq --disable-pip-version-check "${packages[@]}" </dev/null >&2; then
		echo "${packages[0]} could not be installed: check the connection to the package index." >&2
		exit 1
	fi
	touch "$venv/ready"
fi
echo "$venv/bin/python"
