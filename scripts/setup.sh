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

# lack records one missing thing: its Debian packages, or none (-), and the sentence.
lack() {
	# shellcheck disable=SC2206 # there may be several
	[ "$1" = - ] || packages+=($1)
	missing+=("$2")
}

has() { command -v "$1" >/dev/null 2>&1; }

can_install() { [ "$(id -u)" = 0 ] && has apt-get && [ -z "${SLIPWAY_NO_INSTALL:-}" ]; }

check_go() {
	has go || lack - "Go is missing: install Go 1.26 or later from your distribution or from go.dev."
}

check_git() {
	has git || lack git "git is missing: install it (on Debian: apt-get install git)."
}

check_python() {
	if ! has python3; then
		lack python3-venv "Python 3 is missing: install it (on Debian: apt-get install python3-venv)."
	elif ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
		lack python3-venv "Python 3 cannot make virtual environments here: install its venv module (on Debian: apt-get install python3-venv)."
	fi
}

check_java() {
	"$(dirname "${BASH_SOURCE[0]}")/java.sh" >/dev/null ||
		lack openjdk-17-jre-headless "Java 17 is missing, which Spark needs: install it (on Debian: apt-get install openjdk-17-jre-headless), or set JAVA_HOME."
}

# The race detector needs a C compiler.
check_cc() {
	has "${CC:-cc}" || has gcc ||
		lack build-essential "A C compiler is missing, which Go's race detector needs: install one (on Debian: apt-get install build-essential)."
}

# The crash tests kill the program at each of its system calls.
check_strace() {
	[ "$(uname -s)" = Linux ] || return 0
	has strace || lack strace "strace is missing, with which the crash tests stop the program at its writes: install it (on Debian: apt-get install strace)."
}

# The store, the workflows and the server are tested on PostgreSQL too; the tests start it.
check_postgres() {
	has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null ||
		compgen -G '/opt/homebrew/opt/postgresql@*/bin/initdb' >/dev/null || compgen -G '/usr/local/opt/postgresql@*/bin/initdb' >/dev/null ||
		lack postgresql "PostgreSQL is missing, on which the tests of many servers run: install it (on Debian: apt-get install postgresql)."
}

# Commands of teams are isolated by it, where the kernel allows that.
check_bwrap() {
	[ "$(uname -s)" = Linux ] || return 0
	has bwrap || lack bubblewrap "bubblewrap is missing, which isolates the commands of builds and checks: install it (on Debian: apt-get install bubblewrap)."
}

# Azurite, which stands for Azure in tests, runs on Node.js.
check_node() {
	{ has node && has npm; } ||
		lack "nodejs npm" "Node.js with npm is missing, on which an Azure Blob Storage for the tests runs: install it (on Debian: apt-get install nodejs npm)."
}

# The real nbconvert runs on two Pythons. Where they cannot be had, the tests that
# compare with it are skipped, which CI does not allow.
want_python() {
	"$(dirname "${BASH_SOURCE[0]}")/nbconvert.sh" "$1" --base >/dev/null 2>&1 && return
	! apt-cache show "$2" >/dev/null 2>&1 || packages+=("$2")
}

check_systemd() {
	[ "$(uname -s)" = Linux ] || return 0
	has systemd-analyze || lack systemd "systemd-analyze is missing, which verifies the unit of the server: install it (on Debian: apt-get install systemd)."
}

check_shellcheck() {
	has shellcheck || lack shellcheck "shellcheck is missing: install it (on Debian: apt-get install shellcheck)."
}

check() {
	packages=() missing=()
	check_go
	case $1 in
	demo) check_git && check_python && check_java ;;
	test) check_git && check_python && check_java && check_cc && check_strace && check_bwrap && check_postgres && { [ -z "${CI:-}" ] || { check_shellcheck && check_systemd && check_node; }; } ;;
	lint) check_shellcheck ;;
	*)
		echo "usage: scripts/setup.sh demo|test|lint" >&2
		exit 2
		;;
	esac
}

# install prints what apt-get says only if it does not work.
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
