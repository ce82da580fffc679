# Every target works on a fresh machine: it first makes the environment and the build that it needs.
# Another interpreter, environment or PyTorch:
#   make test PYTHON=python3.12 VENV=~/fastload TORCH="torch torchvision --index-url https://download.pytorch.org/whl/cpu"
PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch torchvision
ARGS ?=

BIN := $(abspath $(VENV))/bin
NATIVE := $(shell find csrc -type f)
# Written by the build; clang-tidy reads it.
COMMANDS = $(shell ls -t build/*/compile_commands.json | head -1)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench lint format wheel clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.setup  ## system packages (names them where not root), $(VENV), PyTorch, build tools

build: $(VENV)/.built  ## fastload and all that its tests need, as an editable install in $(VENV)

demo: build  ## prepare, load, train for a minute, compare with other loaders: see demo-output/
	rm -rf demo-output
	$(BIN)/python tests/corpus.py demo-output/photographs
	$(BIN)/python examples/demo.py demo-output/photographs demo-output

test: build  ## all tests; ARGS="-k manifest -x" chooses among them
	$(BIN)/python -m pytest $(ARGS)

bench: build  ## the benchmark suites; ARGS="-k resize" chooses among them
	$(BIN)/python -m pytest benchmarks $(ARGS)

lint: build  ## ruff, mypy, type stubs, clang-format, clang-tidy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/stubtest fastload._native --mypy-config-file pyproject.toml --allowlist tools/stubtest-allowlist
	$(BIN)/clang-format --dry-run -Werror $(NATIVE)
	printf '%s\n' $(filter %.cpp,$(NATIVE)) | xargs -P "$$(nproc)" -n 1 $(BIN)/clang-tidy --quiet -p $(dir $(COMMANDS))

format: build  ## rewrite the sources as lint wants them
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(NATIVE)

wheel: build  ## a wheel for this machine, into dist/
	$(BIN)/pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist .

clean:  ## remove all that was made, but for $(VENV)
	rm -rf build dist demo-output fastload/*.so .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
	rm -f $(VENV)/.built

$(VENV)/.setup: tools/system-packages
	tools/system-packages $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet 'scikit-build-core>=0.10' 'pybind11>=3.0' 'cmake>=3.25' ninja
	touch $@

# The build directory is kept, so that this compiles only what changed.
$(VENV)/.built: $(VENV)/.setup pyproject.toml CMakeLists.txt $(NATIVE)
	$(BIN)/pip install --quiet --no-build-isolation --editable '.[test,bench,dev]'
	touch $@
