# Viaduct. `make run` and `make test` need nothing but Debian 12 with Swift 6.3 on PATH: they install the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Folder for the figures of `make bench`.
JSON ?=
# Arguments for `viaduct demo`, for instance: make run ARGS='--set http.port=9090'
ARGS ?=
# The oldest Swift that builds this.
SWIFT := 6.3
SWIFT_PAGE := https://www.swift.org/install/linux/
# Seconds of fuzzing for each target: of `make fuzz` here, and of `make test FUZZ_SECONDS=...`, where 10 is the default.
FUZZ_SECONDS ?= 300

.PHONY: help found toolchain install run release test bench fuzz tsan soak lint format clean
# What runs here is heavy and in order: `make -j` must not change that.
.NOTPARALLEL:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install the Debian packages to build and run
	@docker/install-packages.sh build

run: found install release ## Build a release and start the demo: bridge, camera, pages
	@exec .build/release/viaduct demo $(ARGS)

# Before packages are installed: they would be in vain.
found:
	@command -v swift >/dev/null || { echo "Swift $(SWIFT) is not on PATH: get it from $(SWIFT_PAGE)" >&2; exit 1; }

# After that: the toolchain itself needs some of them.
toolchain: found
	@version=$$(swift --version | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p'); \
	if [[ "$$(printf '%s\n' $(SWIFT) "$$version" | sort -V | head -n 1)" != "$(SWIFT)" ]]; then \
		echo "Swift $(SWIFT) is needed, and PATH has $${version:-another}: get it from $(SWIFT_PAGE)" >&2; exit 1; \
	fi; \
	echo "Swift $$version"

release: toolchain ## Build the two programs, optimised
	swift build -c release --product viaduct
	swift build -c release --product viaduct-pipeline

test: found ## Everything: lint, unit, conformance, end to end, a short fuzz
	@Tests/run.sh

bench: found install release ## Measure the figures of the README; JSON=folder keeps them
	@Tests/Bench/run.sh $(JSON)

fuzz: toolchain ## Fuzz every parser, each for FUZZ_SECONDS
	@Tests/Fuzz/run.sh $(FUZZ_SECONDS)

tsan: toolchain ## The threads under ThreadSanitizer: unit tests, and the bridge with real peers (long to build)
	@Tests/ThreadSanitizer/run.sh

soak: found install ## The long tests, and the installation on a fresh Debian 12 (needs root)
	@docker/prove-install.sh
	@Tests/run.sh soak

lint: ## Check the format
	swift format lint --strict --recursive --parallel Package.swift Sources Tests

format: ## Correct the format
	swift format --in-place --recursive --parallel Package.swift Sources Tests

clean: ## Remove what was built
	rm -rf .build .build-tsan .venv
