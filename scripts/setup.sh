#!/usr/bin/env bash
# Makes sure that this machine has what a make target needs:
#
#     scripts/setup.sh demo|test|lint
#
# What is missing is installed where this is root on Debian; otherwise each
# missing thing is named in one sentence, and the script fails. Set
# SLIPWAY_NO_INSTALL to install nothing.
set -euo pipefail

packages=() # Debian packages that would mend what is missing
missing=()  # one sentence each

# lack records one missing thing: its Debian package, or none (-), and the sentence.
lack() {
	[ "$1" = - ] || packages+=("$1")
	missing+=("$2")
}

has() { command -v "$1" >/dev/null 2>&1; }

can_# install prints what apt-get says only if it does not work.
install() {
	local said
	echo "installing ${packages[*]}" >&2
	export DEBIAN_FRONTEND=noninteractive
	if ! said=$({ apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"; } </dev/null 2>&1); then
		printf '%s\n' "$said" >&2
		echo "installing ${packages[*]} did not work" >&2
	fi
}

check "${1:-}"
if [ ${#packages[@]} -gt 0 ] && can_install; then
	install
	check "$1"
fi

[ ${#missing[@]} -gt 0 ] || exit 0
printf '%s\n' "${missing[@]}" >&2
# Without Java the demo takes a road that needs none, and the tests that need
# Spark are skipped, which CI does not allow.
[ ${#missing[@]} = 1 ] && [[ ${missing[0]} == Java* ]] && [ -z "${CI:-}" ]
