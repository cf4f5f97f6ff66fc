#!/usr/bin/env bash
# Measures the server on one machine and past it: how much it decides, how soon it acts, and
# what many apps and releases take, over a file and over PostgreSQL, which it starts itself.
#
#     scripts/bench-scale.sh            all parts, in some half an hour on 2 quiet cores
#     scripts/bench-scale.sh decisions  one part, or some: busy takes most of that
#     FILL=1 scripts/bench-scale.sh     writes the figures into the tables of docs/benchmarks.md and docs/scale.md
#
# It prints the rows of those tables. A row that is filled in is found by its first column.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

said="Measured on $(date -u +%F), with a load of $(cut -d ' ' -f 1 /proc/loadavg) before, on $(nproc) cores."
parts=("$@")
[ $# -gt 0 ] || parts=(decisions apps takeover idle releases busy)

work=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

# bench runs a benchmark of a package so many times, and keeps what it prints.
bench() { # package, name, times
	if ! (cd "$1" && "$work/$1.test" -test.run '^$' -test.bench "^Benchmark$2\$" -test.benchtime "$3" -test.timeout 40m) >"$work/out" 2>&1; then
		cat "$work/out" >&2
		return 1
	fi
}

# figure is what a benchmark that was run last measured in a unit.
figure() { # name, unit
	awk -v name="Benchmark$1" -v unit="$2" '{ sub(/-[0-9]+$/, "", $1) } $1 == name { for (i = 2; i < NF; i++) if ($(i + 1) == unit) print $i }' "$work/out"
}

row() {
	printf '| %s | %s | %s |\n' "$1" "$2" "$3" | tee -a "$work/rows"
}

decisions() {
	bench server Decisions 4000x
	row "decisions, one server over its file" "$(figure Decisions/SQLite jobs/s) a second" "200 a second"
	row "the same, beside four jobs that print 100 kB a second each" "$(figure Decisions/SQLiteAndLogs jobs/s) a second" "200 a second"
	row "decisions, one server over PostgreSQL" "$(figure Decisions/Postgres1 jobs/s) a second" "400 a second"
	row "decisions, three servers over PostgreSQL" "$(figure Decisions/Postgres3 jobs/s) a second" "more than 600 a second"
}

busy() {
	bench server Busy 200x
	local apps many
	for apps in 100 1000; do
		many=${apps/1000/1,000}
		row "webhook to the first step of the road, $many apps busy: half, and 99 of 100, within" "$(figure "Busy/$apps/FirstStep" p50-ms) and $(figure "Busy/$apps/FirstStep" p99-ms) ms" "500 ms (99 of 100)"
		row "last green to the label, $many apps busy: half, and 99 of 100, within" "$(figure "Busy/$apps/Label" p50-ms) and $(figure "Busy/$apps/Label" p99-ms) ms" "2 s (99 of 100)"
	done
	bench server Lost 1x
	row "500 pull requests in 10 repositories, every webhook lost: all of them right after" "$(figure Lost ns/op | awk '{ printf "%.1f s", $1 / 1e9 }')" "60 s"
}

# both are what a benchmark measured over a file, and over PostgreSQL.
both() { # name, unit, what behind it
	echo "$(figure "$1/SQLite" "$2")$3 and $(figure "$1/Postgres" "$2")$3"
}

apps() {
	bench server ListApps 3x
	row "50,000 apps listed, in pages of 1,000: over a file, and over PostgreSQL" "$(both ListApps ms " ms")" "60 s"
	bench server Sweep 1x
	row "50,000 repositories swept, with nothing new: over a file, and over PostgreSQL" "$(both Sweep s " s")" "60 s"
	row "memory that a sweep takes, for 1,000 apps: over a file, and over PostgreSQL" "$(both Sweep MB/1000-apps " MB")" ""
	bench server Watch 1x
	row "50,000 deployed apps reconciled, their runs looked at: over a file, and over PostgreSQL" "$(both Watch s " s")" "60 s"
}

releases() {
	bench store Million 20x
	local what size
	for what in "a page of apps" "the apps of a team" "an app's releases and what is live" "what the sweep knows of a repository" "what has changed in a repository" \
		"whether a look waits already" "a page of jobs" "open pull requests" "which apps have a ledger"; do
		row "a million releases: $what" "$(both1 "$what" ms " ms")" ""
	done
	size=$(both1 "a page of apps" MB/1000-apps " MB")
	row "database for 1,000 apps with 20 releases each: a file, and PostgreSQL" "$size" ""
}

# both1 is both, for one of the looks among a million releases.
both1() { # what, unit, what behind it
	echo "$(figure "Million/SQLite/${1// /-}" "$2")$3 and $(figure "Million/PostgreSQL/${1// /-}" "$2")$3"
}

takeover() {
	bench server Takeover 50x
	row "takeover, from the last sign of life of a lost process until its work is begun anew: half, and 99 of 100, within" "$(figure Takeover p50-ms) and $(figure Takeover p99-ms) ms" "10 s"
}

# idle measures the memory of a server that has nothing to do.
idle() {
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$work/slipway" ./cmd/slipway
	mkdir -p "$work/idle/git"
	printf 'slipway: v1\nenvironments:\n  staging: {runtime: local, root: root, repository: artifacts}\nserver:\n  forges:\n    home: {kind: git, url: git, every: 60s}\n' >"$work/idle/platform.yaml"
	(cd "$work/idle" && exec "$work/slipway" serve --platform platform.yaml --listen 127.0.0.1:0) >"$work/log" 2>&1 &
	server=$!
	sleep 15
	row "memory of a server with nothing to do" "$(awk '/^VmRSS/ { printf "%.0f MB", $2 / 1024 }' "/proc/$server/status" || cat "$work/log" >&2)" "100 MB"
	kill "$server"
	wait "$server" || true
	server=
}

# fill writes the figures into the tables of a page, and when they were measured.
fill() { # page
	awk -F' *[|] *' -v rows="$work/rows" -v said="$said" '
		BEGIN { while ((getline line <rows) > 0) { split(line, cell, / *[|] */); figure[cell[2]] = cell[3] } }
		/^Measured on / { print said; next }
		$2 in figure { printf "| %s | %s |%s|\n", $2, figure[$2], $4 == "" ? " " : " " $4 " "; next }
		{ print }' "$1" >"$work/page"
	cat "$work/page" >"$1"
}

go test -c -o "$work/server.test" ./server
go test -c -o "$work/store.test" ./store
echo "$said"
for part in "${parts[@]}"; do
	case $part in
	decisions | busy | apps | releases | takeover | idle) "$part" ;;
	*) echo "there is no part $part" >&2 && exit 2 ;;
	esac
done
if [ -n "${FILL:-}" ]; then
	fill docs/benchmarks.md
	fill docs/scale.md
fi
