#!/usr/bin/env bash
# Runs every test, after setting up what the tests need (scripts/setup.sh, and
# Spark in a virtual environment). Arguments go to go test:
#
#     scripts/test.sh -run TestShip ./pipeline
#
# The tests read
#
#     CI                   set: a test that needs Spark fails where there is none
#     SLIPWAY_CRASH_ALL    set: ship is killed at every write, not at 230 of 6,900; about an hour; the
#                          server a thousand times over SQLite, not 74, and a thousand times over
#                          PostgreSQL, not 29; half an hour each; release, sign-off,
#                          promotion, quarantine and grant a thousand times, not a hundred;
#                          three servers and two workers are in trouble for ten minutes, not
#                          for one minute
#     SLIPWAY_CRASH_PART   1/8: of the kills of the server the first, the ninth and so on
#     SLIPWAY_TEST_CACHE   where environments are kept between runs of the tests
#     SLIPWAY_TEST_PYTHON  a Python with Spark and pytest; empty where it cannot be had
#     SLIPWAY_TEST_GITEA   a folder with a Gitea (scripts/gitea.sh); empty where it cannot be built
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh test
export SLIPWAY_TEST_CACHE=${SLIPWAY_TEST_CACHE:-$HOME/.cache/slipway-test}

if JAVA_HOME=$(scripts/java.sh) && SLIPWAY_TEST_PYTHON=$(scripts/python.sh); then
	export JAVA_HOME SLIPWAY_TEST_PYTHON
elif [ -n "${CI:-}" ]; then
	echo "CI runs all tests, and those of Spark cannot run here." >&2
	exit 1
else
	unset JAVA_HOME
	export SLIPWAY_TEST_PYTHON=
	echo "SKIPPED: the tests that need Spark, which cannot be had on this machine." >&2
fi

python_tests() {
	local folder=driver/local/python/tests
	[ -n "$SLIPWAY_TEST_PYTHON" ] && [ -d "$folder" ] || return 0
	echo "== pytest $folder"
	"$SLIPWAY_TEST_PYTHON" -m pytest -q -p no:cacheprovider "$folder" </dev/null
}

# SQLite is C made into Go, which the race detector slows down tenfold and has nothing
# to find in: what is ours around it is watched as everything else is. Only packages
# that use no generic type of others can be left out: the linker keeps one copy of
# its methods, and must not find an unwatched one.
race=(-race -shuffle=on)
for package in sqlite/lib libc memory; do
	race+=("-gcflags=modernc.org/$package=-race=false")
done

# A program under the race detector waits for a second before it ends, for others to
# show what they race for. The tests start some thousand.
export GORACE=${GORACE:-atexit_sleep_ms=0}

if [ $# -gt 0 ]; then
	exec go test "${race[@]}" "$@"
fi
export SLIPWAY_TEST_GITEA
if ! SLIPWAY_TEST_GITEA=$(scripts/gitea.sh); then
	SLIPWAY_TEST_GITEA=
	echo "SKIPPED: the tests that need a Gitea, which cannot be built on this machine." >&2
fi
# Object stores of other clouds are built and installed now, and not while tests wait.
for store in fakegcs azurite; do
	scripts/$store.sh >/dev/null || [ -z "${CI:-}" ] || exit 1
done
echo "== go test"
go test "${race[@]}" -timeout 75m ./...
python_tests
