#!/usr/bin/env bash
# Checks what needs no test run: formatting, the lint set of .golangci.yml, code
# that nothing reaches, and the scripts. It reports all there is, then fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

failed=()

# phase runs one kind of check.
phase() {
	echo "== $1"
	"${@:2}" || failed+=("$1")
}

dead_code() {
	local dead
	dead=$(scripts/tool.sh deadcode -test ./...) && [ -z "$dead" ] && return
	echo "$dead"
	return 1
}

scripts/setup.sh lint

phase format scripts/tool.sh golangci-lint fmt --diff
phase lint scripts/tool.sh golangci-lint run --allow-parallel-runners ./...
phase "dead code" dead_code
phase shell shellcheck scripts/*.sh action/*.sh .ci/run

[ ${#failed[@]} -eq 0 ] || {
	printf 'make lint: %s\n' "not clean: ${failed[*]}" >&2
	exit 1
}
