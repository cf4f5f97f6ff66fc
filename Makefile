# Each target sets up by itself what it needs; see scripts/setup.sh.

.PHONY: help demo demo-server build test lint bench fuzz release image parity

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: ## the whole road on this machine, on the example notebook
	@scripts/demo.sh

demo-server: ## a server, to which a push goes live by itself; ONCE=1 ends it then
	@scripts/demo.sh --serve $(if $(ONCE),--once) $(if $(SHELL_ONLY),--shell)

build: ## bin/slipway
	go build -o bin/slipway ./cmd/slipway

test: ## every test, on real Spark
	@scripts/test.sh

lint: ## formatting, linters, dead code, shell scripts
	@scripts/lint.sh

bench: ## the benchmarks; BASE=<commit> compares with that commit's
	@scripts/bench.sh

fuzz: ## every fuzz test, FUZZTIME=60s each
	@scripts/fuzz.sh

release: ## the binaries of VERSION=v1.2.3 in dist/, the same bytes everywhere
	@scripts/release.sh "$(VERSION)"

image: ## the container image of VERSION=v1.2.3 in dist/, without Docker, the same bytes everywhere
	@scripts/image.sh "$(VERSION)"

parity: ## compare with the real nbconvert: DIR=<folder of notebooks>
	@scripts/parity.sh $(DIR)
