# make demo   see everything work on this machine         make test    lint and all tests
# make lint   types, style, layers                         make bench   measure, beside a peer
# make chaos  every fault at every point (10 minutes)
.DEFAULT_GOAL := help
.PHONY: help demo test chaos lint bench lock clean

# The newest Python from 3.11 on that is here; name another with `make PYTHON=/path/to/python test`.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# One more than there are processors: a third of the time of those that run programs is waiting for them.
WORKERS ?= $(shell $(BIN)/python -c 'import os; print(len(os.sched_getaffinity(0)) + 1)' 2>/dev/null || echo auto)

help:
	@sed -n '1,3s/^# //p' Makefile

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv .venv

# Byte code, which pip makes of every package but an editable one: where Python may not write it
# (PYTHONDONTWRITEBYTECODE), each command would compile us anew.
COMPILE := $(BIN)/python -m compileall -q interact_gitops

# Two states of installation: what the demo needs, and everything that tests and lint need.
.venv/.server: .venv/bin/python pyproject.toml requirements.lock
	@echo "installing into .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[server]'
	@$(COMPILE)
	@touch $@

.venv/.dev: .venv/bin/python pyproject.toml requirements.lock
	@echo "installing into .venv (with everything for tests) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@$(COMPILE)
	@touch $@ .venv/.server

demo: .venv/.server
	@$(BIN)/interact-gitops demo

YAMLLINT := {extends: default, rules: {line-length: {max: 160}, truthy: {check-keys: false}, \
	document-start: disable, comments: {min-spaces-from-content: 1}}}

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --strict-collection --persona auditor --no-progress --quiet .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	$(BIN)/yamllint --strict --config-data '$(YAMLLINT)' .github

# The parts that decide without reading or writing anything (the edges beside them do): every branch is tested.
EDGES := interact_gitops/jobs/tree.py,interact_gitops/planning/applying.py,interact_gitops/planning/sending.py,interact_gitops/planning/interrupts.py
PURE := interact_gitops/schedule/*,interact_gitops/jobs/*,interact_gitops/planning/*,interact_gitops/errors.py

# Coverage slows a test by half, so it is on where those parts are tested, and off where programs are. The longest of
# these come first, so that none is left over at the end.
PROGRAMS := tests/faults tests/acceptance tests/browser tests/contract tests/workflows

test: lint
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup --cov --cov-report= tests/unit tests/definitions
	$(BIN)/coverage report --include='$(PURE)' --omit='$(EDGES)' --fail-under=100
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(PROGRAMS)

# Every fault at every point, and the large sizes; prints what it counted.
chaos: .venv/.dev
	CHAOS=all $(BIN)/pytest --timeout 3600 -n $(WORKERS) --dist loadgroup -rP tests/faults tests/contract/server/test_schemathesis.py

.venv/.peers: benchmarks/peers.txt .venv/bin/python
	@echo "installing the peers into .venv/peers …"
	@$(BIN)/python -m venv .venv/peers
	@.venv/peers/bin/pip install --quiet --disable-pip-version-check --requirement benchmarks/peers.txt
	@touch $@

# With other sizes: make bench SIZES="100 5000"; the server under load instead: make bench SIZES=load
bench: .venv/.server .venv/.peers
	$(BIN)/python -m benchmarks $(SIZES)

# New versions of what we depend on: read the changes, then commit the file.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-header --no-annotate \
		--no-emit-index-url pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv .interact .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
