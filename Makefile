# Every target prepares .venv first; nothing is installed outside it. `make` alone lists the targets.

PYTHON ?= $(firstword $(foreach candidate,python3 python3.13 python3.14 python3.12 python3.11,\
  $(if $(shell $(candidate) -c 'import sys; print(int(sys.version_info >= (3, 11)))' 2>/dev/null | grep 1),$(candidate))))

VENV := .venv/installed
BIN := .venv/bin
# The rooms that exist, plus the Pulumi program; mypy is told about each by name because nothing is installed.
SOURCES := $(wildcard __main__.py domain ports adapters handlers infrastructure local cli tests benchmarks examples)
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --annotation-style=line \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options
# An empty configuration, so that the hashes are those the public registry publishes, for every platform.
PUBLIC_REGISTRY := PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= CUSTOM_COMPILE_COMMAND="make requirements"

.DEFAULT_GOAL := help
.PHONY: help .venv demo local test prove lint preview package requirements clean

help: ## list the targets
	@grep -hE '^[a-z.]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

.venv: $(VENV) ## create the virtual environment from requirements/dev.txt

$(VENV): requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer on PATH. Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test ! -L .venv || { echo ".venv is a link to another environment, which would be emptied: remove the link first." >&2; exit 1; }
	@echo "Installing the locked packages into .venv, once; this takes a minute or two."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $(VENV)

demo: $(VENV) ## play every scenario on the embedded AWS and check each result (PROTOCOL=2025-11-25)
	$(BIN)/python -m local demo $(if $(PROTOCOL),--protocol $(PROTOCOL)) $(ARGS)

local: $(VENV) ## keep the embedded AWS running until interrupted (PROTOCOL=2025-11-25, ARGS="--port 4600")
	$(BIN)/python -m local up $(if $(PROTOCOL),--protocol $(PROTOCOL)) $(ARGS)

test: $(VENV) ## run every test (PYTEST_ARGS="-k replay")
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)

prove: $(VENV) ## play every failure and print the scoreboard (ARGS="--quick", "--row ID", "--replay TOKEN", "--json")
	$(BIN)/python -m tests.proof $(ARGS)

lint: $(VENV) ## formatting, ruff, mypy, test collection, traceability
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/python -m tests.checks.collected
	$(BIN)/python -m tests.checks.traceability

preview: $(VENV) ## show the resources the Pulumi program declares
	@if command -v pulumi >/dev/null; then PATH="$(CURDIR)/$(BIN):$$PATH" pulumi preview $(ARGS); \
	else $(BIN)/python -m local preview $(ARGS); fi

package: $(VENV) ## build dist/lambda-arm64.zip
	$(BIN)/python -m infrastructure.packaging

requirements: $(VENV) ## lock the dependency groups of pyproject.toml again (ARGS=--upgrade)
	$(PUBLIC_REGISTRY) $(COMPILE) $(ARGS) --extra runtime --extra deploy --extra local --extra dev -o requirements/dev.txt pyproject.toml
	$(PUBLIC_REGISTRY) $(COMPILE) -c requirements/dev.txt --extra runtime -o requirements/runtime.txt pyproject.toml
	$(PUBLIC_REGISTRY) $(COMPILE) -c requirements/dev.txt --extra deploy -o requirements/deploy.txt pyproject.toml

clean: ## remove everything that is generated, the virtual environment included
	rm -rf .venv .local dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
