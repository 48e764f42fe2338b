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
# Where Python keeps no compiled files, each of the hundreds of processes that tests start compiles all it imports.
export PYTHONDONTWRITEBYTECODE :=
# LOCKED=1 installs exactly what packaging/locks pins, checked against its digests (docs/supply-chain.md).
LOCKED ?=
LOCKS := packaging/locks
TOOLS := build/supply
SITE := build/site-tools
# What the group `docs` of pyproject.toml names; older pips read no groups.
SITE_PACKAGES = $(shell $(PYTHON) -c 'import shlex, tomllib; print(shlex.join(tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["docs"]))')
CLIENT_EXTRAS := evolve serve web
DEV_EXTRAS := $(CLIENT_EXTRAS) cluster embeddings llm gepa mcp otlp dev
comma := ,
empty :=
space := $(empty) $(empty)
# $(call setup,EXTRAS)
ifneq ($(LOCKED),)
setup = $(BIN)/python -m pip install --quiet --require-hashes -r $(LOCKS)/build.txt $(1:%=-r $(LOCKS)/%.txt) && \
  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
else
setup = $(BIN)/python -m pip install --quiet --editable '.[$(subst $(space),$(comma),$(1))]'
endif

# What pip says of a network that is not there fills a screen, and never what to do.
NOT_SET_UP = echo "SkillClaw could not be set up: pip, above, says why. Without a network, or behind a proxy (HTTPS_PROXY), it cannot get packages."; \
  echo "Then run make again: what is in $(VENV) already is kept."; exit 1

.PHONY: up demo test e2e e2e-all soak fuzz lint format schemas kept-home reference pictures site walk minutes screenshots clients install lock formula audit sbom dist clean

up: $(VENV)/.client
	@$(BIN)/skillclaw up $(ARGS)

demo: $(VENV)/.client
	@$(BIN)/skillclaw up --demo

# Most of what tests of hubs and journals wait for is a disk that keeps each small file at once: their files lie in
# memory where it has so many GB for them and programs may run there (not on macOS, on Windows, in most containers),
# and go at the end.
in_memory = if [ -z "$$TMPDIR" ] && [ "$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print int($$4 / 1048576)}')0" -ge $(1)0 ] && \
	  ! grep -q '^[^ ]* /dev/shm [^ ]* [^ ]*noexec' /proc/mounts; then \
	  TMPDIR=$$(mktemp -d /dev/shm/t-XXXXXX) && chmod 711 "$$TMPDIR" && export TMPDIR && trap 'rm -rf "$$TMPDIR"' EXIT && trap 'exit 130' INT TERM; \
	fi

test: $(VENV)/.dev
	@$(call in_memory,4); $(BIN)/pytest -m "not e2e and not live and not slow and not agents" -n 4 --dist worksteal $(ARGS)

e2e: $(VENV)/.dev $(SITE)/.ready clients
	@$(call in_memory,8); E2E_CLIENTS=$(CLIENTS) E2E_KILLS=100 E2E_DATA=$(DATA) \
	  $(BIN)/pytest -m "(e2e or live) and not slow" -n 5 --dist worksteal --durations 10 $(ARGS)

# Every agent that can be installed, each through the proxy; they stay in the cache, by version. Whole runs of the
# benchmarks, and what takes long, but for the sweeps of each command that `make soak` has.
SWEEPS := tests/server/test_server_disk_commands.py tests/reliability/test_powercut_commands.py
e2e-all: $(VENV)/.dev $(TOOLS)/.ready clients $(CLIENTS)/.azurite
	E2E_CLIENTS=$(CLIENTS) POWERCUT_STATES=3 $(BIN)/pytest -m "agents or slow" -n 2 --dist worksteal --durations 30 \
	  --ignore tests/bench --ignore tests/sandbox $(SWEEPS:%=--ignore %) $(ARGS)
	E2E_CLIENTS=$(CLIENTS) E2E_DATA=$(DATA) $(BIN)/pytest -m slow -n 3 --timeout 400 tests/bench tests/sandbox $(ARGS)

# That the soak finds what it is for: a proxy that loses records. Then an hour of mixed load with faults on the
# proxy; then each command on disks that fill and under limits, and power cuts and kills at thousands of moments.
soak: $(VENV)/.dev
	$(BIN)/pytest tests/bench/test_bench_soak.py
	$(BIN)/skillclaw bench soak --minutes 60 $(ARGS)
	POWERCUT_STATES=5 $(BIN)/pytest -m "slow or e2e" -n 2 --dist worksteal $(SWEEPS) tests/proxy/test_proxy_powercut.py

# Every decoder and parser, 2 minutes of CPU each (MINUTES=10), guided by coverage where atheris is; then every
# property with many more examples. An hour or two.
fuzz: $(VENV)/.dev
	$(BIN)/python tests/fuzz/run.py --cpu-minutes $(or $(MINUTES),2) --json build/fuzz/rows.json
	FUZZ_EXAMPLES=$(or $(EXAMPLES),2000) $(BIN)/pytest -m "hypothesis and not e2e and not agents" -n 2 --timeout 3000 $(ARGS)
	POWERCUT_STATES=2 POWERCUT_SEED=$$(date +%s) $(BIN)/pytest -m "slow or e2e" -n 2 \
	  tests/reliability/test_powercut_commands.py tests/proxy/test_proxy_powercut.py

lint: $(VENV)/.dev
	$(BIN)/ruff check src tests packaging
	$(BIN)/ruff format --check src tests packaging
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix src tests packaging
	$(BIN)/ruff format src tests packaging

# The figures of the first ten minutes in docs/dashboard.md, and the pictures of the dashboard.
minutes: $(VENV)/.dev
	@mkdir -p build
	DASHBOARD_MINUTES=$(CURDIR)/build/minutes.json $(BIN)/pytest tests/e2e/test_e2e_dashboard_minutes.py
	$(BIN)/python tests/support/dashboard_docs.py minutes build/minutes.json docs/dashboard.md

screenshots: $(VENV)/.dev
	$(BIN)/python tests/support/dashboard_docs.py pictures docs/dashboard

# The home of a release, for the tests of later ones: make kept-home NAME=v0.2
kept-home: $(VENV)/.dev
	$(BIN)/python tests/support/kept_homes.py $(NAME)

schemas: $(VENV)/.dev
	$(BIN)/python -m skillclaw.cli.schemas > docs/schemas.json
	$(BIN)/python -m skillclaw.server.api.app > docs/openapi.json
	$(BIN)/python -m skillclaw.cli.manual > packaging/man/skillclaw.1

# docs/reference, from the code; a test compares them.
reference: schemas
	$(BIN)/python packaging/site/reference.py

# The picture of the loop, counted in a run over the packaged sessions; and that of the real runs in docs/runs.
pictures: $(VENV)/.dev
	$(BIN)/python packaging/site/pictures.py
	$(BIN)/python packaging/site/runs.py

# The excerpts of docs/architecture.md: one packaged session, from an agent's bytes to an installed skill.
walk: $(VENV)/.dev
	$(BIN)/python packaging/site/walk.py

# docs/ as a site in build/site that loads nothing from elsewhere. A broken link or anchor ends it.
site: $(SITE)/.ready
	NO_MKDOCS_2_WARNING=1 $(SITE)/bin/mkdocs build --strict $(ARGS)

$(SITE)/.ready: pyproject.toml
	@test -x $(SITE)/bin/python || $(PYTHON) -m venv $(SITE)
	@$(SITE)/bin/python -m pip install --quiet $(SITE_PACKAGES)
	@touch $@

# The real agents that `make e2e` drives, the judge of its pages, and what people install programs with, outside the tree.
clients: $(CLIENTS)/.installed $(CLIENTS)/tools/.installed

$(CLIENTS)/tools/.installed: tests/e2e/tools.txt
	@test -x $(CLIENTS)/tools/bin/python || $(PYTHON) -m venv $(CLIENTS)/tools
	@$(CLIENTS)/tools/bin/python -m pip install --quiet -r tests/e2e/tools.txt
	@touch $@

$(CLIENTS)/.installed: tests/e2e/clients.txt
	@mkdir -p $(CLIENTS)
	cd $(CLIENTS) && npm init -y >/dev/null && npm install --no-audit --no-fund $$(cat $(CURDIR)/tests/e2e/clients.txt)
	@touch $@

# An emulator of Azure's storage, for the tests of hubs.
$(CLIENTS)/.azurite: $(CLIENTS)/.installed
	cd $(CLIENTS) && npm install --no-audit --no-fund --ignore-scripts azurite@3
	@touch $@

install: $(VENV)/.client

# What a release is made with, by its own lock file, in an environment of its own.
$(TOOLS)/.ready: $(LOCKS)/release.txt
	@test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip install --quiet --require-hashes -r $(LOCKS)/release.txt
	@touch $@

# The lock files, from pyproject.toml; UPGRADE=all takes newer versions of everything, UPGRADE="a b" of these.
lock: $(TOOLS)/.ready
	$(TOOLS)/bin/python packaging/supply/make_lock.py $(if $(UPGRADE),--upgrade $(filter-out all,$(UPGRADE))) $(ARGS)

# A formula for Homebrew of the sdist in dist/, with every package of the client's lock: URL=... HOMEPAGE=...
formula: $(TOOLS)/.ready
	$(TOOLS)/bin/python packaging/supply/formula.py --sdist dist/skillclaw-*.tar.gz --url "$(URL)" --homepage "$(HOMEPAGE)" $(ARGS)

# Known vulnerabilities of what the lock files pin. ADVISORIES=all.zip asks a copy on this machine.
audit: $(TOOLS)/.ready
	$(TOOLS)/bin/python packaging/supply/audit.py $(if $(ADVISORIES),--advisories $(ADVISORIES)) $(ARGS)

# A bill of materials of the client and of each extra, in dist/.
sbom: $(TOOLS)/.ready
	$(TOOLS)/bin/python packaging/supply/sbom.py $(ARGS)

# The sdist and the wheel of the last commit, in dist/.
dist: $(TOOLS)/.ready
	$(TOOLS)/bin/python packaging/supply/dist.py $(ARGS)

$(VENV)/.client: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "SkillClaw needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 up"; exit 1; }
	@echo "Setting up SkillClaw in $(VENV) (once, about a minute) ..."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@$(call setup,$(CLIENT_EXTRAS)) || { $(NOT_SET_UP); }
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.client
	@$(call setup,$(DEV_EXTRAS)) || { $(NOT_SET_UP); }
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis
