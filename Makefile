# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo up test test-long check lint bench lock clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: .venv/.runtime  ## install, plan the demo company's day and write everything under out/
	@$(BIN)/twohour demo

up: .venv/.runtime  ## run console, API and schedules with the demo company until Ctrl-C
	@$(BIN)/twohour up --demo

test: .venv/.tests  ## install what the tests need and run them (under 10 minutes on 2 cores)
	@$(BIN)/pytest -n 2 --dist loadfile -m "not long"

test-long: .venv/.tests .venv/.bench  ## the tests that take longer
	@$(BIN)/pytest -m long

bench: .venv/.bench  ## us against the peers: under 90 minutes; BENCH="--quick" for 3 minutes, "--long" for hours, "--report" writes RESULTS.md
	@$(BIN)/python -m benchmarks.bench --jobs $$(nproc 2>/dev/null || echo 1) $(BENCH)

lint: .venv/.tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

check: lint test  ## ruff, mypy --strict, import-linter and the tests

lock: .venv/.tests  ## renew the lock files from pyproject.toml
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra build pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra build --extra dev --extra dask -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra build --extra bench -c requirements.lock pyproject.toml -o requirements-bench.lock

clean:  ## remove what the targets made
	rm -rf .venv .tools out build *.egg-info

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("twohour needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; try: make PYTHON=python3.12 ...")'
	@echo "making .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

# --no-deps: the lock files are whole, and older pips trip over extras (sqlalchemy[asyncio]) when they resolve hashed files.
.venv/.runtime: .venv/.made requirements.lock pyproject.toml
	@echo "installing twohour into .venv (about a minute)"
	@$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -c 'from optimizer.compiling import make_ready; make_ready(lambda: print("compiling the search (about half a minute)", flush=True))'
	@touch $@

.venv/.tests: .venv/.runtime requirements-dev.lock tests/tools/install_system_parts.sh tests/tools/install_osrm.py tests/tools/osrm.txt
	@echo "installing what the tests need"
	@$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements-dev.lock
	@sh tests/tools/install_system_parts.sh
	@$(BIN)/python tests/tools/install_osrm.py
	@touch $@

.venv/.bench: .venv/.runtime requirements-bench.lock
	@echo "installing the peers of the benchmark"
	@$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements-bench.lock
	@touch $@
