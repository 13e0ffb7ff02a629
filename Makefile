# make run     build everything and start it on this machine
# make test    everything that CI runs, fast parts first
# make bench   print the figures of the README, measured here
# make web     build the pages into web/dist
# make sim     the write path in simulated time: make sim SEEDS=200000
# make crash   real processes killed at random, then the books compared: make crash MINUTES=30
# make bench-compare BASE=main   the same figures of another commit, and the ratios
# make package the Lambda zips and the poller's binaries, with checksums and lists of contents

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run
.PHONY: run test bench bench-compare web sim crash package tools lint unit it browser

CARGO ?= cargo
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/test-results/*' 2>/dev/null)

run: web/dist/index.html
	$(CARGO) build --bin tieline
	./target/debug/tieline local

web: web/dist/index.html

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund
	touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	cd web && npm run --silent build
	touch $@

test: tools lint unit it browser
	@echo "make test: all parts passed"

# The emulator of AWS, the real clients of Salesforce and the browser: installed once, by their own clients.
tools:
	tests/tools/setup.sh
	tests/tools/browser.sh
	tests/clients/setup.sh

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --quiet --all-targets -- -D warnings
	$(CARGO) clippy --quiet --no-default-features --bin bootstrap -- -D warnings

unit:
	$(CARGO) test --quiet --lib

it: web/dist/index.html
	$(CARGO) build --quiet --bins
	REQUIRE_EMULATOR=$${CI:+1} REQUIRE_CLIENTS=$${CI:+1} $(CARGO) test --test it

browser: web/dist/index.html
	cd web && npm run --silent check && npm test --silent
	cd web && npm run --silent e2e

sim:
	SEEDS=$${SEEDS:-2000} $(CARGO) test --release --test it sim::seeds -- --nocapture

crash: tools web/dist/index.html
	$(CARGO) build --quiet --bins
	CRASH_SECS=$$(( $${MINUTES:-2} * 60 )) REQUIRE_EMULATOR=1 $(CARGO) test --test it crash:: -- --nocapture

# The instrument builds what it measures in the profile in which it is deployed, and holds it against
# a Python function; without Python packages those lines are left out. One part: BENCH="--only start".
PYTHON_FUNCTION = target/tools/against/bin/python -m awslambdaric benches/against/handler.lambda_handler
# As packaged, aws-lc takes the system's entropy; gathering its own is 40 ms of a cold start.
bench:
	AWS_LC_SYS_NO_JITTER_ENTROPY=1 $(CARGO) build --quiet --profile lambda --no-default-features --bin bootstrap --example bare
	benches/against/setup.sh && against=(--against "$(PYTHON_FUNCTION)") || against=(); \
	  $(CARGO) bench --quiet --bench figures -- --json bench.json "$${against[@]}" $(BENCH)

bench-compare:
	benches/compare.sh $(BASE)

package: web/dist/index.html
	infra/package.sh
