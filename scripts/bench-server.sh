#!/usr/bin/env bash
# Measures the server: how soon it acts, how much it decides, and what it takes.
#
#     scripts/bench-server.sh
#
# It takes some minutes, and prints a table with what each figure is to be.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT

# bench runs one benchmark so many times and prints the figure with a unit.
bench() { # name, times, unit...
	local name=$1 times=$2 unit
	"$work/server.test" -test.run '^$' -test.bench "^Benchmark$name\$" -test.benchtime "$times" -test.timeout 30m >"$work/out"
	for unit in "${@:3}"; do
		awk -v unit="$unit" '/^Benchmark/ { for (i = 2; i < NF; i++) if ($(i + 1) == unit) print $i }' "$work/out"
	done
}

row() { printf '| %s | %s | %s |\n' "$1" "$2" "$3"; }

seconds() { awk '{ printf "%.1f s\n", $1 / 1e9 }'; }

# idle prints the memory of a server that has nothing to do.
idle() {
	mkdir -p "$work/idle/git"
	printf 'slipway: v1\nenvironments:\n  staging: {runtime: local, root: root, repository: artifacts}\nserver:\n  forges:\n    home: {kind: git, url: git, every: 60s}\n' >"$work/idle/platform.yaml"
	(cd "$work/idle" && exec "$work/slipway" serve --platform platform.yaml --listen 127.0.0.1:0) >"$work/log" 2>&1 &
	server=$!
	sleep 15
	awk '/^VmRSS/ { printf "%.0f MB\n", $2 / 1024 }' "/proc/$server/status" || cat "$work/log" >&2
	kill "$server"
	wait "$server" || true
	server=
}

CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$work/slipway" ./cmd/slipway
go test -c -o "$work/server.test" ./server
cd server

echo "load: $(cut -d ' ' -f 1-3 /proc/loadavg) on $(nproc) cores"
echo
row "what" "measured" "goal"
row "---" "---" "---"
mapfile -t step < <(bench WebhookToFirstStep 300x p50-ms p99-ms)
row "webhook to the first step of the road, 100 apps busy: half, and 99 of 100, within" "${step[0]} and ${step[1]} ms" "500 ms (99 of 100)"
mapfile -t label < <(bench GreenToLabel 300x p50-ms p99-ms)
row "last green to the label, 100 apps busy: half, and 99 of 100, within" "${label[0]} and ${label[1]} ms" "2 s (99 of 100)"
row "jobs made, claimed and ended, each step on the disk" "$(bench Decisions 5000x jobs/s) a second" "200 a second"
row "500 pull requests in 10 repositories, every webhook lost: all of them right after" "$(bench Lost 1x ns/op | seconds)" "60 s"
mapfile -t list < <(bench ListApps 3x ns/op MB/1000-apps)
row "50,000 apps listed, in pages of 1,000" "$(seconds <<<"${list[0]}")" ""
row "50,000 repositories swept, with nothing new" "$(bench Sweep 1x ns/op | seconds)" ""
row "one look at the runs of an app that is deployed" "$(bench Watch 3x µs/app) µs" ""
row "database for 1,000 apps and their repositories" "${list[1]} MB" ""
row "memory of a server with nothing to do" "$(idle)" "100 MB"
