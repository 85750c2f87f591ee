# The front door. Each target is one script; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run run-services demo-cluster build test test-faults test-deploy package load simulate fuzz ui lint tidy fmt bench asan tsan coverage clean
MAKEFLAGS += --no-print-directory

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: ## install what is missing, build, start the embedded server (ARGS="--ingest-port 9090")
	@scripts/run $(ARGS)

run-services: ## the same on a private Kafka, PostgreSQL and Redis
	@scripts/run-services $(ARGS)

demo-cluster: ## three nodes, one killed during an import: nothing lost (ARGS=--keep: goes on)
	@scripts/demo-cluster $(ARGS)

build: ## build the release preset
	@scripts/install build
	@scripts/build release

test: ## install, build, start private services, run every test (ARGS="-L model")
	@scripts/test release $(ARGS)

test-faults: ## faults of a cluster in network namespaces (ARGS="--row F20 --seed 2": some)
	@scripts/test-faults $(ARGS)

test-deploy: ## packages, images, manifests, rules, dashboards, each tried (ARGS="image alerts": some)
	@scripts/test-deploy $(ARGS)

package: ## build/package: a Debian package and a tarball, with checksums
	@scripts/package $(ARGS)

load: ## k6 beside a private server: latencies, and every event counted (ARGS="--url HOST writes")
	@scripts/load $(ARGS)

simulate: ## many histories of a simulated cluster (ARGS="--seed 42 --verbose": one; "nodes --seed 42": of whole nodes)
	@scripts/simulate $(ARGS)

fuzz: ## libFuzzer on what reads foreign bytes, 10 minutes (ARGS="--seconds 60 http_requests")
	@scripts/fuzz $(ARGS)

ui: ## build the dashboard of ui/ into ui/dist (ARGS=--compare: only say whether it is)
	@scripts/ui $(ARGS)

lint: ## layers, format, lengths, shell scripts, documents
	@scripts/install build test
	@scripts/lint

tidy: ## clang-tidy over the sources that changed since main (ARGS=all: over all)
	@scripts/install build test
	@scripts/tidy $(ARGS)

fmt: ## format the C++ sources
	@scripts/install test
	@scripts/format --fix

bench: ## build and run the benchmarks
	@scripts/install build test services
	@scripts/build release
	@scripts/python-env
	@scripts/bench $(ARGS)

asan: ## every test with AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/test asan-ubsan $(ARGS)

tsan: ## what needs no Kafka with ThreadSanitizer
	@scripts/test tsan $(ARGS)

coverage: ## lines of actors/model that its own tests run (at least 95 %)
	@scripts/coverage

clean: ## remove build/ (data/ stays)
	@rm -rf build
