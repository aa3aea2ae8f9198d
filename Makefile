# Every target sets up first; tools/set_up returns at once when there is nothing to do.

PYTHON ?= python3
BIN := .venv/bin
# Two workers: enough to overlap, few enough for a laptop that does other things. `make test JOBS=8`
JOBS ?= 2
SECONDS_OF_SOAK ?= 600
# seL4's test driver, and further options: `make sel4test SEL4TEST=driver.elf SEL4TEST_OPTIONS="--machine tcg --runs 10"`
SEL4TEST ?=
SEL4TEST_OPTIONS ?=
# A Python that is named, as in `make PYTHON=python3.12 boot`, is the one that the environment is to have.
set-up := $(PYTHON) tools/set_up $(if $(filter command environment,$(firstword $(origin PYTHON))),--insist)

.DEFAULT_GOAL := help
.PHONY: help boot test check coverage soak sel4test docs clean set-up ready check-format check-lint check-types check-floors check-tests

help:
	@echo "make boot     set everything up, and boot the demonstration system"
	@echo "make test     set everything up, and run all tests but the soak"
	@echo "make check    under a minute: format, lint, types, floors, fast tests"
	@echo "make coverage branches of the kernel that its tests take; docs/coverage.md explains the others"
	@echo "make soak     random programs, instructions, and a million system calls: SECONDS_OF_SOAK ($(SECONDS_OF_SOAK)) each, the calls rather longer"
	@echo "make sel4test seL4's own tests: SEL4TEST=path/to/sel4test-driver; docs/sel4test.md"
	@echo "make docs     build the book into site/"
	@echo "make set-up   only set everything up, or repair it; every target above does so first"
	@echo "make clean    remove what was built here; the next target sets up again"

ready:
	@$(set-up)

set-up:
	@$(set-up) --thorough

boot: ready
	@$(BIN)/pith boot

test: ready
	$(BIN)/python -m pytest -n $(JOBS) -m "not soak"
	$(BIN)/python -m pytest -n $(JOBS) --both-lives tests/kernel

# The parts of a check are targets, so that make runs them side by side; each one's output comes as it is printed.
check: ready
	@$(BIN)/python tools/timed.py check $(MAKE) --no-print-directory --keep-going -j 2 \
	    check-format check-lint check-floors check-types check-tests

check-format:
	$(BIN)/ruff format --check .

check-lint:
	$(BIN)/ruff check .

check-types:
	$(BIN)/mypy --strict src

check-floors:
	$(BIN)/python tools/floors.py

check-tests:
	PITH_CHECK_INVARIANTS=50 $(BIN)/python -m pytest -n $(JOBS) -m "not slow and not qemu and not soak"  # make test: each time

coverage: ready
	$(BIN)/python -m pytest -n $(JOBS) --cov=pith.kernel --cov-branch --cov-report=term-missing:skip-covered \
	    --cov-fail-under=98 tests/kernel

soak: ready
	PITH_SOAK_SECONDS=$(SECONDS_OF_SOAK) $(BIN)/python -m pytest -p no:xdist -s -m soak  # they print what they tried

sel4test: ready
	@test -n "$(SEL4TEST)" || { echo "name seL4's test driver: make sel4test SEL4TEST=path/to/sel4test-driver"; exit 2; }
	$(BIN)/python tools/sel4test.py $(SEL4TEST) $(SEL4TEST_OPTIONS)

docs:
	@$(set-up) --with docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv .pith build dist site .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
	@cache="$${PITH_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/pith}/compiled"; \
	test ! -d "$$cache" || echo "$$cache stays, for other clones use it too; to have it gone: rm -rf '$$cache'"
