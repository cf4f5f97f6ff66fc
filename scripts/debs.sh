#!/usr/bin/env bash
# Fetches the Debian packages of the image, by apt, with a state of its own:
#
#     scripts/debs.sh --lock         finds the newest, and writes packaging/image/packages.lock
#     scripts/debs.sh ARCHITECTURE   fetches those of the lock, and prints the folder that has them
#
# A line of the lock is an architecture, a package, its version and its SHA-256. What
# Debian has replaced since then cannot be had any more: MIRROR names a snapshot, such as
# http://snapshot.debian.org/archive/debian/20261123T000000Z, or make a new lock.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lock=packaging/image/packages.lock
release=bookworm
wanted="base-files bubblewrap ca-certificates coreutils dash findutils git grep python3 python3-venv sed tini"
cache=${SLIPWAY_TEST_CACHE:-$HOME/.cache/slipway-test}/debs
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

command -v apt-get >/dev/null || { echo "apt-get is missing: an image is made on Debian." >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# with_apt calls apt-get for an architecture, as if nothing were installed.
with_apt() { # architecture, argument...
	local state=$work/$1
	if [ ! -e "$state/ready" ]; then
		mkdir -p "$state"/{lists/partial,archives/partial,etc}
		: >"$state/status"
		echo "deb [signed-by=$keyring] ${MIRROR:-http://deb.debian.org/debian} $release main" >"$state/sources.list"
		touch "$state/ready"
		with_apt "$1" update >&2
	fi
	"${apt:-apt-get}" -qq -o APT::Architecture="$1" -o APT::Architectures="$1" -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::State::lists="$state/lists" \
		-o Dir::Cache="$state" -o Dir::Cache::archives="$state/archives" -o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::PreferencesParts=/dev/null -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none "${@:2}"
}

make_lock() {
	local arch
	echo "# Debian $release, by scripts/debs.sh --lock"
	for arch in amd64 arm64; do
		# shellcheck disable=SC2086 # they are words
		mapfile -t found < <(with_apt "$arch" install --no-install-recommends --print-uris $wanted |
			sed -E "s/^'.*' ([^_ ]+)_([^_ ]+)_[^ ]+ .*\$/\1=\2/; s/%3a/:/")
		apt=apt-cache with_apt "$arch" show "${found[@]}" | awk -v arch="$arch" '
			/^Package:/ { name = $2 } /^Version:/ { version = $2 } /^SHA256:/ { print arch, name, version, $2 }' | LC_ALL=C sort >"$work/found"
		[ "$(wc -l <"$work/found")" = ${#found[@]} ] || { echo "apt-cache does not know all of: ${found[*]}" >&2; exit 1; }
		cat "$work/found"
	done
}

if [ "${1:-}" = --lock ]; then
	make_lock >"$work/lock"
	mkdir -p "$(dirname "$lock")"
	cp "$work/lock" "$lock"
	exit
fi

arch=${1:?usage: scripts/debs.sh --lock or ARCHITECTURE}
mkdir -p "$cache/$arch"
exec 9>"$cache/lock"
! command -v flock >/dev/null || flock 9
missing=()
while read -r of name version sum; do
	[ "$of" = "$arch" ] || continue
	[ -e "$cache/$arch/$sum.deb" ] || missing+=("$name=$version")
done <"$lock"
if [ ${#missing[@]} -gt 0 ]; then
	echo "fetching ${#missing[@]} packages for $arch" >&2
	mkdir "$work/fetched"
	with_apt "$arch" update >&2
	(cd "$work/fetched" && with_apt "$arch" download "${missing[@]}" >&2)
	for file in "$work/fetched"/*.deb; do
		mv "$file" "$cache/$arch/$(sha256sum "$file" | cut -d ' ' -f 1).deb"
	done
fi
while read -r of name version sum; do
	[ "$of" = "$arch" ] || continue
	[ -e "$cache/$arch/$sum.deb" ] || { echo "$name $version is not what $lock says: make a new lock" >&2; exit 1; }
done <"$lock"
echo "$cache/$arch"
