# Plain commands for a machine that has make and Python 3.11 or newer. The environment .venv makes itself on first use and
# again when pyproject.toml changes; to name an interpreter: make test PYTHON=/path/to/python3.12 (after `make clean`).
#
#   make demo             the main job on generated data, with a summary to read
#   make demo-paper demo-live      a paper session, run again from its log; a live session at a local exchange with faults
#   make test             all tests, compiled; then the lanes test-nojit and test-boundscheck
#   make test-long        the tests that take long
#   make fuzz             minutes of random cases on every path; a divergence becomes a small case file
#   make kills            live sessions killed by kill -9 at 50 random moments, at both exchanges
#   make lint types contracts      ruff · mypy --strict · import floors
#   make bench            the benchmarks, then one table beside targets and peers
#   make clean            caches, build products and .venv

SHELL  := /bin/sh
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps
PYTEST := $(BIN)/python -m pytest

DEMO   := $(BIN)/admf run configs/sma_cross.yaml
PAPER  := $(BIN)/admf paper configs/live/paper_trading.yaml --drift --out .demo/paper
REPLAY := $(BIN)/admf replay .demo/paper
LIVE   := $(BIN)/admf live configs/live/local_exchange.yaml --drift --confirm --out .demo/live

# Test lanes. Each lane keeps its own compile cache inside the checkout: numba's key does not hold the flags.
WORKERS      := 2
UNJIT_TESTS  := tests/laws tests/lifecycle tests/paths tests/risk/test_limits.py tests/risk/test_sizing.py \
	tests/portfolio/test_actions.py tests/portfolio/test_rates.py tests/portfolio/test_many_symbols.py \
	tests/embed/test_cores.py \
	'tests/strategy/test_sending.py::test_a_strategy_sends_what_a_table_says[rules0-False]'
BOUNDS_TESTS := tests/paths/test_equality.py tests/paths/test_dense.py tests/paths/test_every_path.py \
	tests/fuzzing/test_fuzzing.py::test_what_was_found_agrees \
	tests/embed/test_core_refused.py::test_garbage_never_gets_below_the_facade \
	tests/embed/test_c.py::test_garbage_from_c_never_leaves_the_tables \
	tests/embed/test_cores.py::test_garbage_in_the_rows_is_refused_by_the_book
COVERAGE_MIN := 94

.NOTPARALLEL:
.PHONY: demo demo-paper demo-live test test-long test-jit test-nojit test-boundscheck fuzz kills lint types contracts bench clean
.DELETE_ON_ERROR:

demo: $(STAMPS)/run
	$(DEMO)

demo-paper: $(STAMPS)/run
	rm -rf .demo/paper
	$(PAPER)
	$(REPLAY)

# A journal belongs to the exchange that it was written with, and this one is a new one each time.
demo-live: $(STAMPS)/run
	rm -rf .demo/live
	$(LIVE)

test: test-jit test-nojit test-boundscheck

# What most tests run is compiled first, by two processes at once: two workers would each compile all of it.
test-jit: $(STAMPS)/test
	ADMF_CACHE_DIR="$(CURDIR)/.jit-cache" $(BIN)/admf warmup configs/sma_cross.yaml
	ADMF_CACHE_DIR="$(CURDIR)/.jit-cache" $(PYTEST) -n $(WORKERS) -m 'not long' $(ARGS)

test-long: $(STAMPS)/test
	ADMF_CACHE_DIR="$(CURDIR)/.jit-cache" $(PYTEST) -n $(WORKERS) -m long $(ARGS)

# Un-jitted: the same laws as plain Python, which is also where coverage can see them.
test-nojit: $(STAMPS)/test
	NUMBA_DISABLE_JIT=1 ADMF_CACHE_DIR="$(CURDIR)/.jit-cache-nojit" $(PYTEST) -n $(WORKERS) $(UNJIT_TESTS) \
		-m 'not compiled and not long' --cov --cov-report=term --cov-fail-under=$(COVERAGE_MIN) $(ARGS)

# Every array access checked. Compiled code without the checks must never be picked up here, hence the separate cache.
test-boundscheck: $(STAMPS)/test
	NUMBA_BOUNDSCHECK=1 ADMF_CACHE_DIR="$(CURDIR)/.jit-cache-boundscheck" $(PYTEST) -n $(WORKERS) -m 'not long' $(BOUNDS_TESTS) $(ARGS)

# A million order-bars, another seed each time: make fuzz ARGS="--seed 5 --order-bars 100000".
fuzz: $(STAMPS)/test
	@PYTHONPATH=engine:kernels:tests ADMF_CACHE_DIR="$(CURDIR)/.jit-cache" POLARS_MAX_THREADS=1 $(BIN)/python -m fuzzing $(ARGS)

# Three moments are part of `make test`.
kills: $(STAMPS)/test
	ADMF_KILLS=50 ADMF_CACHE_DIR="$(CURDIR)/.jit-cache" $(PYTEST) tests/live/test_killed.py $(ARGS)

lint: $(STAMPS)/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMPS)/lint
	$(BIN)/mypy

contracts: $(STAMPS)/lint
	PYTHONPATH=engine:kernels:tests $(BIN)/lint-imports --no-logo --cache-dir .import_linter_cache

bench: $(STAMPS)/bench
	ADMF_CACHE_DIR="$(CURDIR)/.jit-cache" $(PYTEST) benchmarks --benchmark-enable --benchmark-only $(ARGS)
	ADMF_CACHE_DIR="$(CURDIR)/.jit-cache" $(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks .coverage .coverage.* \
		.jit-cache* .demo build dist
	find engine kernels tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------------------------------------------------- environment
# A stamp says what is installed: run (the package) · test · lint · bench. Each is older than no pyproject.toml.
$(STAMPS)/run: pyproject.toml | $(BIN)/python
	@echo "installing admf into $(VENV)"
	@$(BIN)/python -m pip install --quiet --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test $(STAMPS)/lint $(STAMPS)/bench: $(STAMPS)/%: pyproject.toml | $(BIN)/python
	@echo "installing admf and its $* tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --editable '.[$*]'
	@$(if $(filter bench,$*),$(RUST_PEERS))
	@mkdir -p $(STAMPS) && touch $@

# Compiled peers have no wheel for every machine; without them the benchmarks say so and time the others.
RUST_PEERS = $(BIN)/python -m pip install --quiet --only-binary vectorbt-rust 'vectorbt[rust]>=1.2,<2' || \
	echo "no Rust engine of vectorbt for this machine: its Numba engine is timed alone"; \
	$(BIN)/python -m pip install --quiet --only-binary raptorbt 'raptorbt>=0.13,<0.14' || \
	echo "no raptorbt for this machine: its batch runner is not timed"

# The first interpreter that runs (a pyenv shim may only pretend), is new enough and can make an environment.
PYTHON := python3.14 python3.13 python3.12 python3.11 python3 python
$(BIN)/python:
	@for python in $(PYTHON); do \
		if "$$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null; then \
			echo "making $(VENV) with $$python ($$("$$python" -c 'import platform; print(platform.python_version())'))"; \
			exec "$$python" -m venv $(VENV); \
		fi; \
	done; \
	echo "make: no usable Python found; tried: $(PYTHON)" >&2; \
	echo "  needed: Python 3.11 to 3.14 with the venv and ensurepip modules (on Debian and Ubuntu: apt install python3-venv)" >&2; \
	echo "  to name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	exit 1
