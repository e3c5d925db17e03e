# Everything a contributor runs; `make` alone lists it. Variables pass through: make up AULARIO_PORT=9000
PYTHON  := .venv/bin/python
AULARIO := .venv/bin/aulario
UV      := .venv/bin/uv
# The interpreter that .venv is made from.
BASE_PYTHON  ?= python3
TEST_WORKERS ?= auto
CODE := $(wildcard src tests bench)

.DEFAULT_GOAL := help
.PHONY: help up test check bench docs lock clean

help: ## list these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-8s %s\n' "$$name" "$$what"; done

up: .venv/.runtime ## start the platform, with its data in ./data; Ctrl-C drains and stops it
	@exec $(AULARIO) up

test: .venv/.dev ## run the tests; some of them: make test ARGS="tests/core -k outbox"
	@$(PYTHON) -m pytest -n $(TEST_WORKERS) --dist worksteal $(ARGS)

check: .venv/.dev ## lint, formatting, types and import contracts
	@$(PYTHON) -m ruff check $(CODE)
	@$(PYTHON) -m ruff format --check $(CODE)
	@$(PYTHON) -m mypy $(CODE)
	@.venv/bin/lint-imports --no-logo

bench: .venv/.dev ## measure, and print each figure beside what it must reach
	@$(PYTHON) -m bench

docs: .venv/.runtime ## write the pages that are generated from the code
	@$(AULARIO) events catalogue --write

lock: .venv/bin/uv ## lock what pyproject.toml asks for; newer versions: make lock ARGS=--upgrade
	@$(UV) lock $(ARGS)
	@sed -E -f .ci/no-addresses.sed uv.lock > .venv/uv.lock && cp .venv/uv.lock uv.lock

clean: ## remove what was installed and cached; your data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist

# Stamps: an install runs only when what it was made from has changed since.
.venv/bin/uv: .ci/uv.txt
	@$(BASE_PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Aulario needs Python 3.11 or newer, and \
	$(BASE_PYTHON) is " + sys.version.split()[0] + ": make $(MAKECMDGOALS) BASE_PYTHON=python3.11")'
	@$(BASE_PYTHON) -m venv .venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

# The lock holds no addresses, so what it pins is exported and fetched from wherever this machine fetches packages.
define install
@echo "Installing what uv.lock pins into .venv"
@$(UV) export --quiet --locked --no-emit-project --no-header $(1) --output-file .venv/locked.txt \
	|| { echo "pyproject.toml asks for what uv.lock does not hold: run make lock" >&2; exit 1; }
@$(UV) pip sync --quiet --python $(PYTHON) --compile-bytecode --require-hashes .venv/locked.txt
@$(UV) pip install --quiet --python $(PYTHON) --no-deps --editable .
@$(PYTHON) -m compileall -q src
endef

.venv/.runtime: .venv/bin/uv uv.lock pyproject.toml
	$(call install,--no-dev)
	@touch $@

.venv/.dev: .venv/bin/uv uv.lock pyproject.toml
	$(call install)
	@touch .venv/.runtime $@
