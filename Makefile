# Every target makes its own virtual environment first, so a fresh clone needs Python 3.11+ and make.
# Another interpreter: make test PYTHON=/opt/python3.13/bin/python3
# Arguments for pytest, by default a worker a core: make test PYTEST_ARGS="tests/unit"
# Arguments for the attacks: make torture TORTURE_ARGS="--seeds 50 --database sqlite"
# Arguments for the benchmark: make bench BENCH_ARGS="--import-items 500"

PYTHON ?= $(shell .ci/find-python)
PYTEST_ARGS ?= -n auto
TORTURE_ARGS ?=
BENCH_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Installed again only when what is installed has changed.
INSTALLED_FROM := pyproject.toml constraints.txt
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help install demo test torture bench lint format types layers check clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
	  || sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

install: $(RUN) ## the virtual environment with the program in it

demo: $(RUN) ## the whole job on two sandbox portals and real data
	@$(BIN)/migrator demo

test: $(DEV) ## every test
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

torture: $(DEV) ## kills at every point and 1,000 random attacks, on both databases
	@$(BIN)/python -m tests.torture $(TORTURE_ARGS)

bench: $(DEV) ## speed under a portal's limits, without them, and beside fast_bitrix24
	@$(BIN)/python -m tests.benchmarks.limits $(BENCH_ARGS)

lint: $(DEV) ## ruff: rules and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(DEV) ## rewrite the code as ruff wants it
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(DEV) ## mypy, strict
	@$(BIN)/mypy

layers: $(DEV) ## what may import what
	@$(BIN)/lint-imports

check: lint types layers test ## what .ci/run runs

clean: ## remove the virtual environment and every cache
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@.ci/make-venv "$(PYTHON)" $(VENV)

$(RUN): $(INSTALLED_FROM) | $(BIN)/python
	@echo "Installing migrator into $(VENV) ..."
	@$(PIP) install -c constraints.txt -e '.[postgres,sandbox]'
	@touch $@

# The development extra holds all of the other one.
$(DEV): $(INSTALLED_FROM) | $(BIN)/python
	@echo "Installing migrator and its development tools into $(VENV) ..."
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $(RUN) $@
