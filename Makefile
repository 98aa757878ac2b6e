# Every task of this repository. `make` alone lists them; ARGS passes extra arguments to the command of a target:
#   make test ARGS='-k scoring -x'
# The first target that needs Python creates .venv (.ci/make-venv).

VENV := .venv
STAMP := $(VENV)/.made
PYTHON_IN_VENV := $(VENV)/bin/python
ARGS ?=
MINUTES ?= 30

# The real servers and tools that the tests start, each as package:command.
DEBIAN_TEST_PACKAGES := nginx-light:nginx prometheus:prometheus chromium:chromium openssl:openssl \
	ca-certificates:update-ca-certificates procps:ps iproute2:ip influxdb:influxd \
	victoria-metrics:victoria-metrics prometheus-alertmanager:prometheus-alertmanager busybox:busybox \
	docker-compose:docker-compose systemd:systemd-analyze fiu-utils:fiu-run

# What the benchmarks compare with and measure against.
DEBIAN_BENCH_PACKAGES := nginx-light:nginx prometheus:prometheus prometheus-blackbox-exporter:prometheus-blackbox-exporter \
	influxdb:influxd iproute2:ip util-linux:taskset prometheus-alertmanager:prometheus-alertmanager

# Debian keeps daemons in sbin, which is not on every user's PATH.
export PATH := $(PATH):/usr/sbin:/sbin

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test bench bench-render soak-render soak chaos faults lock dashboards check format clean wheel sbom

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile \
		| while IFS='	' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

run: $(STAMP) ## start the daemon: configuration in config/, journal and archive in data/
	$(VENV)/bin/portal-monitor run --config config --data data $(ARGS)

demo: $(STAMP) ## run the daemon with a fleet of made-up portals on this machine
	$(VENV)/bin/portal-monitor demo $(ARGS)

test: $(STAMP) ## run the tests, against real servers on loopback
	@.ci/need-debian $(DEBIAN_TEST_PACKAGES)
	$(PYTHON_IN_VENV) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: $(STAMP) ## run the benchmarks; bench-<name> runs one
	@.ci/need-debian $(DEBIAN_BENCH_PACKAGES)
	$(PYTHON_IN_VENV) -m tests.bench $(ARGS)

chaos: $(STAMP) ## test every guarantee of docs/reliability.md at length; ARGS='crash access' for some
	@.ci/need-debian $(DEBIAN_TEST_PACKAGES)
	$(PYTHON_IN_VENV) -m tests.chaos $(ARGS)

soak: $(STAMP) ## run the fleet at ten times its speed with faults, and evaluate it; MINUTES=30, ARGS='--write FILE'
	@.ci/need-debian $(DEBIAN_TEST_PACKAGES)
	$(PYTHON_IN_VENV) -m tests.soak --minutes $(MINUTES) $(ARGS)

wheel: $(STAMP) ## build the wheel into dist/, reproducibly
	@PYTHON=$(PYTHON_IN_VENV) .ci/wheel dist

sbom: $(STAMP) ## write the bill of materials of what runs to dist/sbom.json (CycloneDX)
	@PYTHON=$(PYTHON_IN_VENV) .ci/sbom dist/sbom.json

faults: $(STAMP) ## simulate a month of faults, count false pages and missed outages; writes docs/reliability-of-alerts.md
	$(PYTHON_IN_VENV) -m tests.bench faults

bench-render: $(STAMP) ## measure the mobile probe against Lighthouse (Node.js and npm needed); ARGS='--runs 1'
	@.ci/need-debian chromium:chromium nodejs:node npm:npm
	$(PYTHON_IN_VENV) -m tests.bench.render $(ARGS)

soak-render: $(STAMP) ## load 300 pages with crashes, hangs and kills, and list what is left; ARGS=50
	@.ci/need-debian chromium:chromium
	$(PYTHON_IN_VENV) -m tests.bench.soak_render $(ARGS)

bench-%: $(STAMP)
	@.ci/need-debian $(DEBIAN_BENCH_PACKAGES)
	$(PYTHON_IN_VENV) -m tests.bench $(subst -,_,$*) $(ARGS)

lock: ## write .ci/locks, every package with its digests, from constraints.txt; needs uv
	@.ci/lock

dashboards: $(STAMP) ## write grafana/dashboards
	$(PYTHON_IN_VENV) -m monitor.tools.dashboards $(ARGS)

check: $(STAMP) ## check format, lint, types, the layers of imports and commit messages
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(if $(wildcard tests/test_architecture.py),$(PYTHON_IN_VENV) -m pytest -q tests/test_architecture.py)
	@.ci/check-commits

format: $(STAMP) ## format the code and fix what ruff can fix
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

clean: ## remove .venv and the caches of the tools; data/ stays
	rm -rf $(VENV) build dist .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find monitor probes tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@.ci/make-venv $(VENV)
	@touch $@
