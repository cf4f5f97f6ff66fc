#!/usr/bin/env bash
# Makes the container image of a release in dist/, as an OCI layout in a tar file, with a
# bill of materials for each architecture, without Docker:
#
#     scripts/image.sh v1.4.0
#
# It holds the binaries of scripts/release.sh, which is called if they are not there, and
# the Debian packages of packaging/image/packages.lock. Its bytes are the same everywhere.
#
#     ARCHITECTURES   what to build for; default: "amd64 arm64"
#     DIST            the folder in place of dist
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=${1:-}
if ! [[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[a-z]+\.[0-9]+)?$ ]]; then
	echo "usage: scripts/image.sh VERSION, such as v1.4.0 or v1.4.0-rc.1" >&2
	exit 2
fi
dist=${DIST:-dist}
parts=()
platforms=
for arch in ${ARCHITECTURES:-amd64 arm64}; do
	[ -e "$dist/slipway_${version}_linux_$arch" ] || platforms+=" linux/$arch"
	folder=$(scripts/debs.sh "$arch")
	parts+=("$arch=$folder")
done
[ -z "$platforms" ] || PLATFORMS=$platforms scripts/release.sh "$version"

# The compressed bytes are those of the release's Go.
unset GOFLAGS GOEXPERIMENT
listed=$(awk -v version="$version" '$1 == "#" && $2 == "slipway" && $3 == version { print $4 }' action/checksums.txt)
export GOTOOLCHAIN=${listed:-$(go env GOVERSION)} GOWORK=off CGO_ENABLED=0
tool=$(mktemp)
trap 'rm -f "$tool"' EXIT
go -C tools/image build -trimpath -o "$tool" .
"$tool" -version "$version" -dist "$dist" "${parts[@]}"
