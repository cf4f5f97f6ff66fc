#!/usr/bin/env bash
# Runs a developer tool of tools/go.mod at its pinned version:
#
#     scripts/tool.sh golangci-lint run ./...
#
# The binary is built once for each version of the tool and of Go, and kept in
# ${XDG_CACHE_HOME:-~/.cache}/slipway-tools. golangci-lint, cosign and helm take some
# minutes to build, so it is worth keeping that folder between CI runs. cosign and helm
# have modules of their own, since what they require is at odds with what the others do.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/slipway-tools

usage() {
	echo "usage: scripts/tool.sh golangci-lint|deadcode|benchstat|cosign|helm [arguments]" >&2
	exit 2
}

[ $# -gt 0 ] || usage
tool=$1
shift
mod=$root/tools
case $tool in
golangci-lint) module=github.com/golangci/golangci-lint/v2 package=$module/cmd/golangci-lint ;;
deadcode) module=golang.org/x/tools package=$module/cmd/deadcode ;;
benchstat) module=golang.org/x/perf package=$module/cmd/benchstat ;;
cosign) mod=$root/tools/cosign module=github.com/sigstore/cosign/v2 package=$module/cmd/cosign ;;
helm) mod=$root/tools/helm module=helm.sh/helm/v4 package=$module/cmd/helm ;;
*) usage ;;
esac

version=$(awk -v module="$module" '$1 == module { print $2 }' "$mod/go.mod")
binary=$cache/$tool-$version-$(go env GOVERSION)

if [ ! -x "$binary" ]; then
	mkdir -p "$cache"
	case $tool in golangci-lint | cosign | helm) note=" (this takes some minutes)" ;; *) note= ;; esac
	echo "building $tool $version, once$note" >&2
	CGO_ENABLED=0 go -C "$mod" build -trimpath -o "$binary.$$" "$package"
	mv "$binary.$$" "$binary"
fi
exec "$binary" "$@"
