# Every target makes .venv by itself and installs what the lock files name. Needs make and Python 3.11 or newer.

PYTHON ?=
ONCE ?=
ARGS ?=
ONLY ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCKS := requirements/base.lock requirements/build.lock
BASE := $(VENV)/.installed-base
DEV := $(VENV)/.installed-dev
BENCHMARKS = $(if $(ONLY),$(ONLY:%=benchmarks/%.py),$(filter-out benchmarks/_%,$(sort $(wildcard benchmarks/*.py))))
# Files of tests go to one process per core, in the order of tests/conftest.py; more than four processes gain little and
# take memory.
TOGETHER := --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
UV := .venv-lock/bin/uv
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --no-strip-extras $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test check bench screenshots lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(BASE) ## Index the sample shop, answer three photos, serve the pages (ONCE=1: leave out the pages)
	@$(BIN)/shopsight demo $(if $(filter-out 0,$(ONCE)),--once) $(ARGS)

test: $(DEV) ## Run the tests with coverage (ARGS='tests/catalog -k price')
	@$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),--cov --cov-report=term $(TOGETHER))

check: $(DEV) ## Lint, formatting, types, layers, lock files
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports
	@$(BIN)/python tools/check_lock.py

bench: $(DEV) ## Measure encoder, indexing, queries and stores (ONLY=query ARGS='--products 10000')
	@set -e; for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python $$script $(ARGS); done

screenshots: $(DEV) ## Take the pictures in docs/images from the running demo (needs Chromium)
	@$(BIN)/python tools/screenshots.py $(ARGS)

lock: $(UV) ## Bring the lock files in step with pyproject.toml (UPGRADE=1: take newer versions)
	$(COMPILE) pyproject.toml --group pyproject.toml:dev --output-file requirements/dev.lock
	$(COMPILE) pyproject.toml --constraints requirements/dev.lock --output-file requirements/base.lock
	$(COMPILE) --group pyproject.toml:build --constraints requirements/dev.lock \
		--output-file requirements/build.lock

clean: ## Remove the environments, caches and build results (never the data)
	rm -rf .venv .venv-lock dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BASE): $(LOCKS) pyproject.toml | $(BIN)/python
	@echo "Installing what Shopsight needs into $(VENV) (once) ..."
	@$(PIP) install --quiet --require-hashes -r requirements/base.lock -r requirements/build.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# dev.lock holds everything of the other locks in the same versions (tools/check_lock.py sees to it).
$(DEV): requirements/dev.lock $(LOCKS) pyproject.toml | $(BIN)/python
	@echo "Installing what development needs into $(VENV) (once) ..."
	@$(PIP) install --quiet --require-hashes -r requirements/dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $(BASE) $@

$(BIN)/python:
	@sh tools/make_venv.sh $(VENV) $(PYTHON)

$(UV):
	@sh tools/make_venv.sh .venv-lock $(PYTHON)
	@.venv-lock/bin/python -m pip --disable-pip-version-check install --quiet uv
