# What there is to do. Each target is a line or two; the work is done in tools/.

SECONDS ?= 30
ROUNDS ?= 5
OUTAGE_SECONDS ?= 120

.DEFAULT_GOAL := help
.PHONY: help run test lint ui ui-dev bench fuzz soak charm dist clean-local

help: ## this list
	@echo "make TARGET"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

run: ## a hub on this machine, with a cluster to look at; Ctrl-C ends it
	@tools/run

test: ## all tests, with a real PostgreSQL and a real LXD
	@tools/test

lint: ## formatting, clippy, documentation, the web UI, alert rules and dashboards, shell scripts
	@tools/lint

ui: ## the web UI, which the server embeds when it is built next
	@tools/setup ui
	@tools/ui build

ui-dev: ## the web UI with hot reload, against the hub of `make run` or CM_HUB=URL
	@tools/setup ui
	@tools/ui dev

bench: ## what heartbeats, the API, the web UI and the relay cost; takes some minutes
	@tools/setup bench
	@tools/ui build
	cargo run --release -p tests --bin bench-heartbeat
	cargo run --release -p tests --bin bench-api
	cargo run --release -p tests --bin bench-ui
	cargo bench -p relay

fuzz: ## hostile bytes for every parser, SECONDS=30 each
	@tools/fuzz $(SECONDS)

soak: ## database outages of OUTAGE_SECONDS=120 and crashes under load, ROUNDS=5 times
	@tools/soak $(ROUNDS) $(OUTAGE_SECONDS)

charm: ## the packed charm, target/cluster-manager-k8s.charm
	@tools/setup charm
	@tools/charm pack

dist: ui ## the programs as they are shipped, in target/dist; slow to build, small and quick
	@tools/setup build
	cargo build --profile dist -p server -p agent --bins
	@ls -lh target/dist/cluster-manager target/dist/cluster-agent target/dist/fleetsim

clean-local: ## removes what `make run` keeps in .local
	@tools/clean-local
