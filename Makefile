# Everything runs in .venv, made from requirements.lock. `make` alone lists what there is.
# The system's own Python first: distributions build it with profile-guided optimisation, which makes
# all of this a fifth faster than a Python that was compiled without. One that can make a virtual
# environment is preferred; see tools/venv.sh for the others.
PYTHON ?= $(shell for has in venv,ensurepip sys; do \
	for p in /usr/bin/python3 python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c "import sys, $$has; sys.exit(sys.version_info < (3, 11))" 2>/dev/null \
	&& echo $$p && exit; done; done)
BIN = .venv/bin
SERVE ?= 1
NAME ?=
STAMP = .venv/.installed
CLIENTS = tests/sdk/node_modules/.package-lock.json

.PHONY: help setup clients test test-long lint demo bench lock mutate clean
help:
	@echo "make setup | clients | demo [SERVE=0] | test | test-long | bench [NAME=...] | mutate | lock"

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "visavis needs Python 3.11 or newer: install it and run make again." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv || sh tools/venv.sh "$(PYTHON)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

# The client libraries of node and the browser that tests/sdk drives.
clients: $(CLIENTS)

$(CLIENTS): tests/sdk/package-lock.json
	@sh tools/clients.sh

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint clients
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not long"

test-long: setup
	$(BIN)/python -m pytest -m long
	$(MAKE) mutate

mutate: setup
	$(BIN)/python tools/mutate.py

demo: setup
	SERVE=$(SERVE) $(BIN)/python tools/demo.py demo

bench: setup
	$(BIN)/python benchmarks/run.py $(NAME)

# Pins for every platform and Python from 3.11 on, with hashes and without naming any host.
lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --extra dev \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet \
		--no-emit-package visavis -o requirements.lock pyproject.toml

clean:
	rm -rf .venv demo build dist
