#!/usr/bin/env bash
# Builds the binaries of a release into dist/, static and the same bytes on every
# machine, with the list of their checksums:
#
#     scripts/release.sh v1.4.0
#
# The list is also kept in action/checksums.txt, so that the GitHub Action of a
# release carries the checksums of its own binaries. To release: call this, commit
# action/checksums.txt, tag that commit and push the tag. The release workflow calls
# it again for the tag; then the list is there already, and other bytes are an error.
#
#     PLATFORMS   what to build for: "linux/amd64 darwin/arm64"; then no list is kept
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=${1:-}
if ! [[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+\.[0-9]+)?$ ]]; then
	echo "usage: scripts/release.sh VERSION, such as v1.4.0 or v1.4.0-rc.1" >&2
	exit 2
fi
platforms=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}
kept=action/checksums.txt

# Nothing of the machine goes into the bytes: no path, no commit, no setting, and
# of a release that is listed already the same Go.
unset GOFLAGS GOEXPERIMENT
export CGO_ENABLED=0 GOAMD64=v1 GOARM64=v8.0 GOWORK=off
listed=$(awk -v version="$version" '$1 == "#" && $2 == "slipway" && $3 == version { print $4 }' "$kept")
export GOTOOLCHAIN=${listed:-$(go env GOVERSION)}

rm -rf dist
mkdir dist
for platform in $platforms; do
	name=slipway_${version}_${platform/\//_}
	echo "building $name" >&2
	GOOS=${platform%/*} GOARCH=${platform#*/} go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.release=$version" -o "dist/$name" ./cmd/slipway
done

sums() {
	if command -v sha256sum >/dev/null; then
		sha256sum "$@"
	else
		shasum -a 256 "$@"
	fi
}
{
	echo "# slipway $version $GOTOOLCHAIN"
	(cd dist && sums slipway_*)
} >dist/checksums.txt

if [ -n "${PLATFORMS:-}" ]; then
	exit 0
elif [ -z "$listed" ]; then
	cp dist/checksums.txt "$kept"
	echo "wrote $kept: commit it, tag that commit $version, and push the tag" >&2
elif ! cmp -s dist/checksums.txt "$kept"; then
	diff "$kept" dist/checksums.txt >&2 || true
	echo "these are not the bytes that $kept says $version has" >&2
	exit 1
fi
