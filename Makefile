# make demo   see everything work on this machine         make test    lint and all tests
# make lint   types, style, layers                         make bench   measure, beside a peer
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench lock clean

# The newest Python from 3.11 on that is here; name another with `make PYTHON=/path/to/python test`.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
WORKERS ?= auto

help:
	@sed -n '1,2s/^# //p' Makefile

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv .venv

# Two states of installation: what the demo needs, and everything that tests and lint need.
.venv/.server: .venv/bin/python pyproject.toml requirements.lock
	@echo "installing into .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[server]'
	@touch $@

.venv/.dev: .venv/bin/python pyproject.toml requirements.lock
	@echo "installing into .venv (with everything for tests) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@ .venv/.server

demo: .venv/.server
	@$(BIN)/interact-gitops demo

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The parts that decide without reading or writing anything: every branch of them is tested.
EDGES := interact_gitops/jobs/tree.py,interact_gitops/planning/applying.py
PURE := interact_gitops/schedule/*,interact_gitops/jobs/*,interact_gitops/planning/*,interact_gitops/errors.py

test: lint
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup --cov --cov-report=
	$(BIN)/coverage report --include='$(PURE)' --omit='$(EDGES)' --fail-under=100

bench: .venv/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[bench]'
	$(BIN)/python -m benchmarks

# New versions of what we depend on: read the changes, then commit the file.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra bench --no-header --no-annotate \
		--no-emit-index-url pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv .interact .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
