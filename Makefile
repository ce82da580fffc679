# Every target works on a fresh machine: it first makes the environment and the build that it needs.
# Another interpreter, environment or PyTorch:
#   make test PYTHON=python3.12 VENV=~/fastload TORCH="torch torchvision --index-url https://download.pytorch.org/whl/cpu"
PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch torchvision
ARGS ?=
FUZZ_INPUTS ?= 200000

BIN := $(abspath $(VENV))/bin
NATIVE := $(shell find csrc -type f)
# Written by the build; clang-tidy reads it.
COMMANDS = $(shell ls -t build/*/compile_commands.json | head -1)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test fuzz bench lint format gpu-report wheel clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/.setup  ## system packages (names them where not root), $(VENV), PyTorch, build tools

build: $(VENV)/.built  ## fastload and all that its tests need, as an editable install in $(VENV)

demo: build  ## prepare, load, train for a minute, compare with other loaders: see demo-output/
	rm -rf demo-output
	$(BIN)/python tests/corpus.py demo-output/photographs
	$(BIN)/python examples/demo.py demo-output/photographs demo-output

test: build  ## all tests; ARGS="-k manifest -x" chooses among them
	$(BIN)/python -m pytest $(ARGS)

fuzz: $(VENV)/.setup  ## decoding and preparing FUZZ_INPUTS damaged files, the same ones every time, under ASan and UBSan
	$(MAKE) --no-print-directory -j "$$(nproc)" build/fuzz/decoder build/fuzz/transcode
	cd build/fuzz && ./decoder $(FUZZ_INPUTS) $(abspath $(sort $(wildcard fuzz/corpus/*)))
	cd build/fuzz && ./transcode $(FUZZ_INPUTS) $(abspath $(sort $(wildcard fuzz/corpus/*)))

bench: build  ## the benchmark suites; ARGS="-k resize" chooses among them
	$(BIN)/python -m pytest benchmarks $(ARGS)

lint: build  ## ruff, mypy, type stubs, clang-format, clang-tidy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/stubtest fastload._native --mypy-config-file pyproject.toml --allowlist tools/stubtest-allowlist
	$(BIN)/clang-format --dry-run -Werror $(NATIVE) $(wildcard fuzz/*.cpp)
	printf '%s\n' $(filter %.cpp,$(NATIVE)) | xargs -P "$$(nproc)" -n 1 $(BIN)/clang-tidy --quiet -p $(dir $(COMMANDS))

format: build  ## rewrite the sources as lint wants them
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/clang-format -i $(NATIVE) $(wildcard fuzz/*.cpp)

gpu-report: build  ## registers, shared memory and spills of the CUDA kernels, by architecture
	$(BIN)/python benchmarks/gpu_report.py 75 80 86 89 90 100 120

wheel: build  ## a wheel for this machine, into dist/
	$(BIN)/pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist .

clean:  ## remove all that was made, but for $(VENV)
	rm -rf build dist demo-output fastload/*.so .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis
	rm -f $(VENV)/.built

# g++ has the sanitizers, too; see fuzz/README.md for the coverage-guided way, which needs clang.
FUZZ_SOURCES := $(wildcard csrc/jpeg/*.cpp) csrc/image/simd_target.cpp fuzz/mutate.cpp
FUZZ_OBJECTS := $(FUZZ_SOURCES:%.cpp=build/fuzz/%.o)
FUZZ_FLAGS := -std=c++20 -O1 -g1 -ffp-contract=off -fsanitize=address,undefined -fno-sanitize-recover=all -Icsrc

build/fuzz/decoder build/fuzz/transcode: build/fuzz/%: build/fuzz/fuzz/fuzz_%.o $(FUZZ_OBJECTS)
	$(CXX) $(FUZZ_FLAGS) $^ $$(pkg-config --libs libjpeg libhwy) -o $@

build/fuzz/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(FUZZ_FLAGS) -MMD -c $< $$(pkg-config --cflags libjpeg libhwy) -o $@

-include $(FUZZ_OBJECTS:.o=.d)

$(VENV)/.setup: tools/system-packages
	tools/system-packages $(PYTHON)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet 'scikit-build-core>=0.10' 'pybind11>=3.0' 'cmake>=3.25' ninja
	touch $@

# The build directory is kept, so that this compiles only what changed.
$(VENV)/.built: $(VENV)/.setup pyproject.toml CMakeLists.txt $(NATIVE)
	$(BIN)/pip install --quiet --no-build-isolation --editable '.[test,bench,frameworks,dev]'
	touch $@
