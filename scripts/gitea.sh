#!/usr/bin/env bash
# Prints the folder of a Gitea without pages, built from its source at a pinned
# version, against which package forge/gitea is tested; it lies below
# ${SLIPWAY_TEST_CACHE:-~/.cache/slipway-test} and is built once, which takes some
# minutes:
#
#     scripts/gitea.sh            builds it where it is not there
#     scripts/gitea.sh --built    fails where it is not there
set -euo pipefail

version=v1.26.0
module=code.gitea.io/gitea
cache=${SLIPWAY_TEST_CACHE:-$HOME/.cache/slipway-test}
folder=$cache/gitea-$version-$(go env GOVERSION)

if [ "${1:-}" = --built ] && [ ! -e "$folder/ready" ]; then
	echo "Gitea is not built: scripts/gitea.sh does it, in some minutes." >&2
	exit 1
fi

# One at a time: whoever waits finds it ready.
mkdir -p "$cache"
exec 9>"$cache/gitea-lock"
! command -v flock >/dev/null || flock 9

if [ ! -e "$folder/ready" ]; then
	echo "building Gitea $version in $folder, once (this takes some minutes)" >&2
	rm -rf "$folder"
	mkdir -p "$folder"
	work=$(mktemp -d "$cache/gitea-XXXXXX")
	trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
	# A module of its own: Gitea replaces some of what it depends on, which go install refuses.
	source=$(cd "$work" && GOFLAGS=-mod=mod go mod download -json "$module@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
	[ -d "$source" ] || { echo "Gitea $version cannot be had from the module proxy." >&2; exit 1; }
	cp -r "$source/." "$work" && chmod -R u+w "$work"
	(cd "$work" && CGO_ENABLED=1 nice go build -buildvcs=false -tags 'sqlite sqlite_unlock_notify' -ldflags "-X main.Version=${version#v}" -o "$folder/gitea" .) >&2
	cp -r "$work/templates" "$work/options" "$work/public" "$folder"
	touch "$folder/ready"
fi
echo "$folder"
