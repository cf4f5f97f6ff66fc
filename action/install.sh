#!/usr/bin/env bash
# Installs one static slipway binary for a runner of GitHub Actions, and puts its
# folder on the PATH of the steps that follow. action.yml calls it. It reads
#
#     VERSION    the release, such as v1.4.0; empty: the one in checksums.txt beside this script
#     CHECKSUM   the SHA-256 that the binary of another release must have; empty: as the release says
#     RELEASES   where releases lie: RELEASES/v1.4.0/slipway_v1.4.0_linux_amd64
#
# and what the runner sets: RUNNER_OS, RUNNER_ARCH, RUNNER_TEMP, GITHUB_PATH, GITHUB_OUTPUT.
# The binary is put in place only when its checksum is right.
set -euo pipefail

fail() {
	printf '::error title=slipway was not installed::%s\n' "$1" >&2
	exit 1
}

# platform is the runner's, in Go's words.
platform() {
	case ${RUNNER_OS:-} in
	Linux) printf linux_ ;;
	macOS) printf darwin_ ;;
	*) fail "there is no slipway for ${RUNNER_OS:-an unknown system}: take a runner with Linux or macOS." ;;
	esac
	case ${RUNNER_ARCH:-} in
	X64) echo amd64 ;;
	ARM64) echo arm64 ;;
	*) fail "there is no slipway for ${RUNNER_ARCH:-an unknown processor}: take a runner with X64 or ARM64." ;;
	esac
}

# fetch gets RELEASES/$1 into the file $2.
fetch() {
	local url=$RELEASES/$1 protocols='=https'
	case $url in http://127.0.0.1:* | http://localhost:*) protocols='=http' ;; esac
	curl --fail --silent --show-error --location --retry 3 --proto "$protocols" --output "$2" "$url" ||
		fail "$url cannot be fetched: is there such a release, and may this runner reach it?"
}

# listed is the checksum of the file $1 in the list $2; empty: it is not in it.
listed() { awk -v name="$1" '$1 !~ /^#/ && $2 == name { print $1; exit }' "$2"; }

# checksum is the SHA-256 of a file. OpenSSL has instructions of the processor for it, and is
# several times as fast where it is there.
checksum() {
	if command -v openssl >/dev/null; then
		openssl dgst -sha256 -r "$1"
	elif command -v sha256sum >/dev/null; then
		sha256sum "$1"
	else
		shasum -a 256 "$1"
	fi | cut -d ' ' -f 1
}

pinned=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/checksums.txt
own=$(awk '$1 == "#" && $2 == "slipway" { print $3; exit }' "$pinned")
version=${VERSION:-$own}
[ -n "$version" ] || fail "this commit of the action is no release: name the one to install with the input version, or use a release of the action."
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "$version is no version of slipway: it looks like v1.4.0."

file=slipway_${version}_$(platform)
work=$(mktemp -d "$RUNNER_TEMP/slipway.XXXXXX")
trap 'rm -rf "$work"' EXIT

if [ "$version" = "$own" ]; then
	want=$(listed "$file" "$pinned")
elif [ -n "${CHECKSUM:-}" ]; then
	want=$CHECKSUM
else
	fetch "$version/checksums.txt" "$work/checksums.txt"
	want=$(listed "$file" "$work/checksums.txt")
fi
[[ $want =~ ^[0-9a-f]{64}$ ]] || fail "there is no checksum for $file: nothing says which bytes are right."

fetch "$version/$file" "$work/slipway"
got=$(checksum "$work/slipway")
[ "$got" = "$want" ] || fail "$RELEASES/$version/$file is not what was released: its SHA-256 is $got, not $want. Do not use it, and tell whoever keeps that place."

folder=$RUNNER_TEMP/slipway-$version
mkdir -p "$folder"
chmod 755 "$work/slipway"
mv "$work/slipway" "$folder/slipway"
echo "$folder" >>"$GITHUB_PATH"
{
	echo "version=$version"
	echo "path=$folder/slipway"
} >>"$GITHUB_OUTPUT"
echo "slipway $version, $want"
