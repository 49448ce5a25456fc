# Each target is a line or two; the work is done in tools/.

SECONDS ?= 30
ROUNDS ?= 5
OUTAGE_SECONDS ?= 120
CRATE ?=
ONLY ?=

.DEFAULT_GOAL := help
.PHONY: help run check test lint ui ui-dev bench fuzz soak attack charm dist clean-local

help: ## list the targets
	@echo "make TARGET"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

run: ## run a hub on this machine, with clusters that report; Ctrl-C ends it
	@tools/run

check: ## formatting, clippy and the tests of pure crates: under a minute once built
	@tools/check

test: ## all tests, with a real PostgreSQL and a real LXD; CRATE=fleet: one crate; ONLY=joining: by name; or both
	@tools/test $(if $(CRATE),--crate $(CRATE)) $(if $(ONLY),--only $(ONLY))

lint: ## formatting, clippy, documentation, spelling, the web UI, alert rules, dashboards, deployments, scripts
	@tools/lint

ui: ## build the web UI, which the hub embeds
	@tools/setup ui
	@tools/ui build

ui-dev: ## serve the web UI with Vite, against the hub of `make run` or CM_HUB=URL
	@tools/setup ui
	@tools/ui dev

bench: ## measure heartbeats, the API, the web UI and the relay; takes some minutes
	@tools/setup bench
	@tools/ui build
	cargo run --release -p tests --bin bench-heartbeat
	cargo run --release -p tests --bin bench-api
	cargo run --release -p tests --bin bench-ui
	cargo bench -p relay

fuzz: ## hostile input for every parser, SECONDS=30 each
	@tools/fuzz $(SECONDS)

soak: ## database outages of OUTAGE_SECONDS=120 and crashes under load, ROUNDS=5 times; disturbed sinks
	@tools/soak $(ROUNDS) $(OUTAGE_SECONDS)

attack: ## attacks beside honest clients, compared with a plain TLS sink, for some minutes; ONLY=slow_bodies: one
	@tools/attack "$(ONLY)"

charm: ## pack the charm, target/cluster-manager-k8s.charm
	@tools/setup charm
	@tools/charm pack

dist: ui ## build the programs as they are shipped, in target/dist: slow to build, small and fast
	@tools/setup build
	cargo build --profile dist -p server -p agent --bins
	@ls -lh target/dist/cluster-manager target/dist/cluster-agent target/dist/fleetsim

clean-local: ## remove what `make run` keeps in .local
	@tools/clean-local
