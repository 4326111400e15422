# The few commands of this project; the same ones run in CI.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down status test thorough check fix bench browser lock clean

VENV := .venv
BIN := $(VENV)/bin
UV := $(VENV)/tools/bin/uv
STAMP := $(VENV)/.installed
# Test processes: one a processor, not more than 4, since each takes about 1 GB.
SIDE_BY_SIDE := --numprocesses logical --maxprocesses 4

# What a shell may carry for other projects has no place in this environment.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE
export UV_LINK_MODE := copy
export UV_NO_PROGRESS := 1

help: ## show this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 18

# Not compiled here: compiling everything takes 60 s of processor time, what is really imported 20 s, at its first use.
$(STAMP): pyproject.toml requirements.lock
	@began=$$SECONDS
	for name in python3.12 python3.13 python3.11 python3 python; do
	  if command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
	  then python=$$name; break; fi
	done
	if [ -z "$${python:-}" ]; then
	  echo "make: no Python 3.11, 3.12 or 3.13 found (python3 is $$(python3 --version 2>&1 || true)). Install one of them, with its venv module." >&2
	  exit 1
	fi
	if ! [ -x $(BIN)/python ]; then
	  echo "making $(VENV) with $$($$python --version)"
	  $$python -m venv $(VENV) || { echo "make: $$python can't make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv." >&2; rm -rf $(VENV); exit 1; }
	fi
	if ! [ -x $(UV) ]; then
	  # It stands apart from what it installs: the sync removes everything that the lock does not name, pip too.
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --target $(VENV)/tools uv
	fi
	index=$${PIP_INDEX_URL:-$$($$python -m pip config get global.index-url 2>/dev/null || true)}
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$index}"; fi
	$(UV) pip sync --quiet --python $(BIN)/python requirements.lock
	$(UV) pip install --quiet --no-deps --python $(BIN)/python --editable .
	touch $(STAMP)
	echo "installed in $$((SECONDS - began)) s"

up: $(STAMP) ## install if needed, start everything, show the loop once, print the addresses
	@$(BIN)/leadloop up --demo --detach

down: ## stop everything that `make up` has started
	@if [ -x $(BIN)/leadloop ]; then $(BIN)/leadloop down; else echo "nothing is installed"; fi

status: $(STAMP) ## show each part, its address and its health
	@$(BIN)/leadloop status

test: $(STAMP) ## every test but the thorough ones and those that need a browser
	@$(BIN)/pytest $(SIDE_BY_SIDE) -m "not browser and not thorough"

thorough: $(STAMP) ## the tests that take their time: kills at every step, other servers, benchmarks in short
	@$(BIN)/pytest $(SIDE_BY_SIDE) -m "thorough and not browser"

browser: $(STAMP) ## the tests that drive Chromium
	@$(BIN)/pytest -m browser

check: $(STAMP) ## lint, format, types, arrows between packages, examples in docstrings
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest --quiet --doctest-modules estate model_registry monitoring serving infra/stack infra/cli

fix: $(STAMP) ## format, and mend what can be mended
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## every benchmark, quick
	@for name in $$($(BIN)/python -m benchmarks | awk '{print $$1}'); do
	  $(BIN)/python -m benchmarks "$$name" --quick
	done

lock: $(STAMP) ## choose the versions anew, without naming a registry
	@$(UV) pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade --quiet \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header -o requirements.lock
	echo "requirements.lock: $$(wc -l < requirements.lock) packages"

clean: ## remove the environment and all caches; what was stored in .leadloop stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build dist
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
