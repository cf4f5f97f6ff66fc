#!/usr/bin/env bash
# Prints the home of a Java that Spark 3.5 runs on: 17, else 11 or 8, of those in
# JAVA_HOME, on the path and in /usr/lib/jvm, in this order. Fails where there is
# none.
set -euo pipefail

# major prints the major version of the java at $1: 17, or 8 for 1.8.
major() {
	"$1" -version 2>&1 | sed -n 's/.*version "\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' | head -n 1
}

# home prints the folder above the bin/java that $1 points to in the end.
home() {
	local java
	java=$(readlink -f "$1" 2>/dev/null || echo "$1")
	(cd "$(dirname "$java")/.." && pwd)
}

candidates() {
	[ -z "${JAVA_HOME:-}" ] || echo "$JAVA_HOME/bin/java"
	command -v java || true
	ls -d /usr/lib/jvm/*/bin/java 2>/dev/null || true
}

for version in 17 11 8; do
	while read -r java; do
		if [ -x "$java" ] && [ "$(major "$java")" = "$version" ]; then
			home "$java"
			exit 0
		fi
	done < <(candidates)
done
exit 1
