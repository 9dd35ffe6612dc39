# The two commands of a newcomer are `make demo` and `make test`. Both need Python >= 3.11, make and, once, network.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
ARGS ?=
# The first interpreter that is new enough; `make PYTHON=/path/to/python …` chooses another.
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3 python3.14 python,\
	$(if $(shell $(p) -c 'import sys; print(*["yes"][: sys.version_info >= (3, 11)])' 2>/dev/null),$(p))))

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-browser lint format bench fault linear mutate fuzz wheel lock audit sbom clean

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s%s\n", $$1, $$2 }'

setup: ## make .venv from the lock and fetch the Kafka jars; quick when nothing changed
	@$(if $(PYTHON),"$(PYTHON)" .dev/setup.py,\
		echo 'samband: no Python >= 3.11 on PATH. Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)' >&2; exit 1)

demo: setup ## play one child's story on a real Kafka; ARGS="--once --json FILE"
	@$(BIN)/samband --home samband-demo demo $(ARGS)

test: setup ## run the tests; ARGS="-k broker -x"
	@$(BIN)/python -m pytest $(ARGS)

test-browser: setup ## print and look at every page in Chromium; ARGS="-k told"
	@.dev/browser.sh $(ARGS)

lint: setup ## style, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: setup ## let ruff write
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## measure gate and log beside others; writes bench.json; ARGS="--only log"
	@$(BIN)/python -m tests.bench $(ARGS)

fault: setup ## kill everything at random moments and count; ARGS="--seed 7 --seconds 600"
	@$(BIN)/python -m tests.kafka.fault $(ARGS)

linear: setup ## let messages race withdrawals under kills; ARGS="--seed 7 --races 1000"
	@$(BIN)/python -m tests.kafka.linear $(ARGS)

mutate: setup ## change the decision in hundreds of ways and count what the tests miss; ARGS="support"
	@$(BIN)/python -m tests.mutate $(ARGS)

fuzz: setup ## throw a million hostile cases at every parser; ARGS="--target gate --cases 50000"
	@$(BIN)/python -m tests.fuzz $(ARGS)

wheel: setup ## build dist/*.whl
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

lock: setup ## write requirements.lock anew from pyproject.toml
	@$(BIN)/python .dev/lock.py $(ARGS)

audit: setup ## ask OSV for known vulnerabilities of packages and jars; fails when it cannot ask
	@$(BIN)/python .dev/audit.py

sbom: setup ## write dist/samband-VERSION.cdx.json, the bill of materials (CycloneDX 1.6)
	@$(BIN)/python .dev/bill.py $(ARGS)

clean: ## remove what make built (the jar cache outside the tree stays)
	@rm -rf .venv .cache build dist *.egg-info bench.json fuzz-findings.txt
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
