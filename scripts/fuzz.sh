#!/usr/bin/env bash
# Runs every fuzz test for FUZZTIME (default 60s) each. Arguments narrow it to
# packages: scripts/fuzz.sh ./manifest ./notebook
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ $# -gt 0 ] || set -- ./...
go list -f '{{.ImportPath}}	{{.Dir}}' "$@" | while IFS=$'\t' read -r package dir; do
	{ grep -ho '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go 2>/dev/null || true; } | sed 's/^func //' |
		while read -r name; do
			echo "== $package $name"
			go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-60s}" "$package" </dev/null
		done
done
