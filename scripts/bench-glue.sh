#!/usr/bin/env bash
# Measures how long a changed notebook takes to AWS Glue, in one run against one
# emulator: by the steps that tutorials give (install nbconvert and the AWS CLI,
# convert, aws s3 cp, aws glue update-job), and by slipway ship. Both sides are in
# the same four situations:
#
#     cold       a fresh runner, with Python and its pip, and with nothing in pip's cache;
#                slipway is fetched and verified by the GitHub Action's install.sh
#     warm       a fresh runner that has the wheels already, as where setup-python restores
#                a cache: pip installs them and asks no index; slipway as when cold, for
#                install.sh fetches its one file each time
#     installed  all tools are there, and have been used
#     far        installed, with an AWS that gets each call 30 ms later, as the real one does
#
# pip's cold install goes through the network, and install.sh fetches from this machine:
# the sizes of what is fetched are told. Both sides are held to what they ask: how many
# calls, and how long the emulator was at work on them.
#
#     scripts/bench-glue.sh [ROUNDS]
#     CALLS=1 scripts/bench-glue.sh [ROUNDS]    shows the calls of the last ship, too
#     COLD=1 scripts/bench-glue.sh [ROUNDS]     is cold and warm in the first round only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
project=$PWD
rounds=${1:-5}

work=$(mktemp -d)
moto='' wires='' shop=''
trap 'exec 8>&- 9>&-; kill "$moto" $wires $shop 2>/dev/null || true; rm -rf "$work"' EXIT
go build -o "$work/wire" ./cmd/wire

# A release, built as scripts/release.sh builds it, and a place that has it.
release=v0.0.1
case $(uname -s) in Darwin) RUNNER_OS=macOS ;; *) RUNNER_OS=Linux ;; esac
case $(uname -m) in arm64 | aarch64) RUNNER_ARCH=ARM64 ;; *) RUNNER_ARCH=X64 ;; esac
binary=$work/releases/$release/slipway_${release}_$(go env GOOS)_$(go env GOARCH)
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.release=$release" -o "$binary" ./cmd/slipway
(cd "$(dirname "$binary")" && { sha256sum ./* 2>/dev/null || shasum -a 256 ./*; } | sed 's|\./||' >"$work/checksums.txt")
mv "$work/checksums.txt" "$(dirname "$binary")"
python3 -u -m http.server --bind 127.0.0.1 --directory "$work/releases" 0 >"$work/shop" 2>/dev/null &
shop=$!
while ! grep -qs port "$work/shop"; do kill -0 "$shop"; sleep 0.05; done
RELEASES=http://127.0.0.1:$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/shop")
export RUNNER_OS RUNNER_ARCH RELEASES

# An AWS that nobody here wrote. It ends when its input does.
mkfifo "$work/input"
"$(dirname "$(scripts/moto.sh)")/python" awsauth/awstest/testdata/server.py <"$work/input" >"$work/url" &
moto=$!
exec 8>"$work/input"
while ! [ -s "$work/url" ]; do kill -0 "$moto"; done
near=$(cat "$work/url")

# What stands before it: one that only counts, and one that is late.
wire() {
	"$work/wire" -to "$near" -delay "$2" -log "$work/$1-calls" <"$work/input-of-wires" >"$work/$1-url" &
	wires="$wires $!"
}
mkfifo "$work/input-of-wires"
wire counted 0ms
wire far 30ms
exec 9>"$work/input-of-wires"
for name in counted far; do
	while ! [ -s "$work/$name-url" ]; do sleep 0.05; done
done
AWS_ENDPOINT_URL=$near
export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=''
export AWS_REGION=$AWS_DEFAULT_REGION AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
aws=$(scripts/awscli.sh)
for bucket in tutorial artifacts; do "$aws" s3 mb "s3://$bucket" >/dev/null; done
"$aws" iam create-role --role-name etl --assume-role-policy-document \
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}' >/dev/null
"$aws" glue create-connection --connection-input '{"Name":"redshift","ConnectionType":"JDBC","ConnectionProperties":{"JDBC_CONNECTION_URL":"jdbc:redshift://warehouse:5439/dev","USERNAME":"u","PASSWORD":"p"}}' >/dev/null
"$aws" glue create-job --name by-hand --role etl --glue-version 5.0 --worker-type G.1X --number-of-workers 2 \
	--command Name=glueetl,ScriptLocation=s3://tutorial/traffic.py,PythonVersion=3 >/dev/null

# The same notebook for both, changed before each round.
app=$work/app
mkdir "$app"
cp "$project/examples/traffic/traffic.ipynb" "$app"
cat >"$app/slipway.yaml" <<'Y'
slipway: v1
app: traffic-etl
shape: glue-job
build: {notebook: traffic.ipynb}
run: {role: etl, glue_version: "5.0", worker_type: G.1X, workers: 2}
Y
cat >"$app/platform.yaml" <<'Y'
slipway: v1
environments:
  prod: {runtime: glue, account: "123456789012", region: us-east-1, repository: "s3://artifacts/prod?use_path_style=true"}
Y
git -C "$app" init -q -b main
change() {
	sed -i "s/# Road traffic[^\"\\\\]*/# Road traffic $1/" "$app/traffic.ipynb"
	echo "$1" >"$app/round"
	git -C "$app" add -A
	git -C "$app" -c user.name=a -c user.email=a@example.com commit -q -m "$1"
}

# A fresh runner has Python, with pip, and nothing of what is measured.
fresh_by_hand() {
	rm -rf "$work/venv" "$work/out"
	python3 -m venv "$work/venv"
}
fresh_slipway() {
	rm -rf "$work/runner" "$work/cache" "$app/.slipway"
	mkdir "$work/runner"
}
wanted="nbconvert==7.17.1 ipython awscli==1.46.3"
# shellcheck disable=SC2086 # words
pip_install() { "$work/venv/bin/pip" install -q --disable-pip-version-check "$@" $wanted; }
install_slipway() {
	VERSION=$release CHECKSUM='' RUNNER_TEMP=$work/runner GITHUB_PATH=$work/runner/path GITHUB_OUTPUT=$work/runner/output \
		action/install.sh >/dev/null
}
by_hand() {
	"$work/venv/bin/jupyter" nbconvert --log-level ERROR --to script "$app/traffic.ipynb" --output-dir "$work/out"
	"$work/venv/bin/aws" s3 cp --quiet "$work/out/traffic.py" s3://tutorial/traffic.py
	"$work/venv/bin/aws" glue update-job --job-name by-hand --job-update \
		Role=etl,GlueVersion=5.0,WorkerType=G.1X,NumberOfWorkers=2,Command='{Name=glueetl,ScriptLocation=s3://tutorial/traffic.py,PythonVersion=3}' >/dev/null
}
by_slipway() { (cd "$app" && "$work/runner/slipway-$release/slipway" ship prod --quiet); }

# measure NAME COMMAND... prints how long the command takes, and how long processors
# work for it, in milliseconds: other work on the machine delays it, but makes it work
# little more.
measure() {
	local name=$1 TIMEFORMAT='%R %U %S'
	shift
	{ time "$@" 2>&3; } 3>&2 2>"$work/time" || { cat "$work/time" >&2; return 1; }
	awk -v n="$name" '{ printf "%s %d\n%s-processor %d\n", n, $1 * 1000, n, ($2 + $3) * 1000 }' "$work/time" | tee -a "$work/figures" >&2
}
cold_by_hand() { pip_install --no-cache-dir && by_hand; }
warm_by_hand() { pip_install --no-index --find-links "$work/wheels" && by_hand; }
installed_slipway() { install_slipway && by_slipway; }

# at WIRE COMMAND... runs a command with the AWS behind a wire.
at() { AWS_ENDPOINT_URL=$(cat "$work/$1-url") "${@:2}"; }

# counted NAME COMMAND... counts the calls of a command, and how long the emulator was
# at work on at least one of them.
counted() {
	: >"$work/counted-calls"
	at counted "${@:2}"
	sort -n "$work/counted-calls" >"$work/$1-calls"
	awk -v n="$1" '{ from = $1 < end ? end : $1; to = $1 + $2; if (to > from) { busy += to - from; end = to } }
		END { print n "-calls", NR; print n "-busy", int(busy + 0.5) }' "$work/$1-calls" | tee -a "$work/figures" >&2
}

# The wheels that an earlier run left behind.
export XDG_CACHE_HOME=$work/cache
fresh_by_hand
# shellcheck disable=SC2086 # words
"$work/venv/bin/pip" wheel -q --disable-pip-version-check --wheel-dir "$work/wheels" $wanted

for round in $(seq "$rounds"); do
	if [ "$round" -le "${COLD:-$rounds}" ]; then
		for kind in cold warm; do
			change "$kind $round"
			fresh_by_hand
			measure by-hand-$kind ${kind}_by_hand
			fresh_slipway
			measure slipway-$kind installed_slipway
		done
	fi
	change "installed $round"
	measure by-hand-installed by_hand
	measure slipway-installed by_slipway
	change "far $round"
	measure by-hand-far at far by_hand
	measure slipway-far at far by_slipway
	change "counted $round"
	counted by-hand by_hand
	counted slipway by_slipway
done

median() { awk -v n="$1" '$1 == n { print $2 }' "$work/figures" | sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
printf '| what | by hand | slipway ship | times as fast | on processors, by hand | slipway ship | times as little |\n'
printf '| --- | --- | --- | --- | --- | --- | --- |\n'
for kind in cold warm installed far; do
	printf '%s ' "$(median by-hand-$kind)" "$(median slipway-$kind)" "$(median by-hand-$kind-processor)" "$(median slipway-$kind-processor)" |
		awk -v k=$kind '{ printf "| %s | %.2f s | %.2f s | %.0f | %.2f s | %.2f s | %.0f |\n", k, $1 / 1000, $2 / 1000, $1 / $2, $3 / 1000, $4 / 1000, $3 / $4 }'
done
printf '| calls of AWS | %s | %s | | | | |\n' "$(median by-hand-calls)" "$(median slipway-calls)"
printf '| the emulator at work | %s ms | %s ms | | | | |\n' "$(median by-hand-busy)" "$(median slipway-busy)"
printf '| fetched to install | %s MB | %s MB | | | | |\n' "$(($(du -sk "$work/wheels" | cut -f 1) / 1024))" "$(($(wc -c <"$binary") / 1048576))"
printf '%s; %s\n' "$(uptime)" "$(uname -sm)"
if [ -n "${CALLS:-}" ]; then cat "$work/slipway-calls"; fi
