# `make up` and `make test` set up all they need; the other targets are for developers.
PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
# Folder of the large data sets (workbench/, tau-bench/), for the tests and benchmarks that need them.
DATA ?= $(E2E_DATA)
CLIENTS ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/skillclaw/clients
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: up demo test e2e e2e-all soak fuzz lint format schemas minutes screenshots clients install clean

up: $(VENV)/.client
	@$(BIN)/skillclaw up $(ARGS)

demo: $(VENV)/.client
	@$(BIN)/skillclaw up --demo

test: $(VENV)/.dev
	$(BIN)/pytest -m "not e2e and not slow and not agents" -n 4 $(ARGS)

e2e: $(VENV)/.dev clients
	E2E_CLIENTS=$(CLIENTS) E2E_KILLS=100 E2E_DATA=$(DATA) \
	  $(BIN)/pytest -m e2e -n 3 --dist worksteal --durations 10 --ignore tests/bench --ignore tests/sandbox $(ARGS)

# Every agent that can be installed, each through the proxy; they stay in the cache, by version. Whole runs of the
# benchmarks, and what takes long.
e2e-all: $(VENV)/.dev clients $(CLIENTS)/.azurite
	E2E_CLIENTS=$(CLIENTS) $(BIN)/pytest -m "agents or (slow and not e2e)" -n 2 --dist worksteal --durations 30 $(ARGS)
	E2E_CLIENTS=$(CLIENTS) E2E_DATA=$(DATA) $(BIN)/pytest -m e2e -n 3 --timeout 400 tests/bench tests/sandbox $(ARGS)

# An hour of mixed load with faults on the proxy.
soak: $(VENV)/.dev
	$(BIN)/skillclaw bench soak --minutes 60 $(ARGS)

# Every property with many more examples, for an hour or so.
fuzz: $(VENV)/.dev
	FUZZ_EXAMPLES=$(or $(EXAMPLES),2000) $(BIN)/pytest -m "hypothesis and not e2e and not agents" -n 2 --timeout 3000 $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix src tests
	$(BIN)/ruff format src tests

# The figures of the first ten minutes in docs/dashboard.md, and the pictures of the dashboard.
minutes: $(VENV)/.dev
	@mkdir -p build
	DASHBOARD_MINUTES=$(CURDIR)/build/minutes.json $(BIN)/pytest tests/e2e/test_e2e_dashboard_minutes.py
	$(BIN)/python tests/support/dashboard_docs.py minutes build/minutes.json docs/dashboard.md

screenshots: $(VENV)/.dev
	$(BIN)/python tests/support/dashboard_docs.py pictures docs/dashboard

schemas: $(VENV)/.dev
	$(BIN)/python -m skillclaw.cli.schemas > docs/schemas.json
	$(BIN)/python -m skillclaw.server.api.app > docs/openapi.json

# The real agents that `make e2e` drives, and the judge of its pages, outside the tree.
clients: $(CLIENTS)/.installed

$(CLIENTS)/.installed: tests/e2e/clients.txt
	@mkdir -p $(CLIENTS)
	cd $(CLIENTS) && npm init -y >/dev/null && npm install --no-audit --no-fund $$(cat $(CURDIR)/tests/e2e/clients.txt)
	@touch $@

# An emulator of Azure's storage, for the tests of hubs.
$(CLIENTS)/.azurite: $(CLIENTS)/.installed
	cd $(CLIENTS) && npm install --no-audit --no-fund --ignore-scripts azurite@3
	@touch $@

install: $(VENV)/.client

$(VENV)/.client: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "SkillClaw needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 up"; exit 1; }
	@echo "Setting up SkillClaw in $(VENV) (once, about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable '.[evolve,serve,web]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.client
	@$(BIN)/python -m pip install --quiet --editable '.[evolve,serve,web,cluster,embeddings,llm,gepa,dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis
